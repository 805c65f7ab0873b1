//! `nself auth oauth-clients`: the applications that may let this project's users sign in (`AUTH_OAUTH2_PROVIDER_ENABLED`).

use auth::openid::clients::{self, Client, New};
use clap::Subcommand;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::Users;
use crate::commands::db::consent::Consent;
use crate::{Context, Outcome};

/// Make, list and delete applications that users sign in to with this project's auth
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself auth oauth-clients create Forum --redirect-uri https://forum.example.com/callback\n  \
                  nself auth oauth-clients list\n  nself auth oauth-clients delete nself_4f1tQz"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Created),
    /// List applications, the newest first
    #[command(
        alias = "ls",
        after_help = "Examples:\n  nself auth oauth-clients list\n  nself auth oauth-clients list --json"
    )]
    List,
    /// Delete an application: its tokens end
    #[command(alias = "rm", after_help = "Examples:\n  nself auth oauth-clients delete nself_4f1tQz")]
    Delete(Deleted),
}

/// Make an application; its secret is printed once
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself auth oauth-clients create Forum --redirect-uri https://forum.example.com/callback\n  \
                  nself auth oauth-clients create Phone --redirect-uri com.example.phone:/back --public --scope openid --scope graphql"
)]
struct Created {
    /// What users see that they sign in to
    name: String,
    /// Where browsers may come back to, character for character; may be repeated
    #[arg(long = "redirect-uri", value_name = "URL", required = true)]
    redirect_uris: Vec<String>,
    /// What it may ask for: openid, profile, email, phone, offline_access, graphql; may be repeated. The first three when
    /// none is named
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// It runs where nothing can be kept secret (a browser, a phone): without a secret, and with PKCE only
    #[arg(long)]
    public: bool,
}

#[derive(Debug, clap::Args)]
struct Deleted {
    /// The application's id
    client_id: String,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct CreatedReport {
    #[serde(flatten)]
    client: Client,
    #[serde(rename = "clientSecret", skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl View for CreatedReport {
    fn text(&self, page: &mut Page) {
        let (urls, scopes) = (self.client.redirect_uris.join(", "), self.client.scopes.join(" "));
        let mut rows = vec![("application", self.client.name.as_str()), ("client id", self.client.client_id.as_str())];
        rows.extend(self.secret.as_deref().map(|secret| ("client secret", secret)));
        rows.extend([("redirect to", urls.as_str()), ("scopes", scopes.as_str())]);
        page.pairs(&rows);
    }
}

#[derive(Debug, Serialize)]
struct ClientsReport {
    clients: Vec<Client>,
}

impl View for ClientsReport {
    fn text(&self, page: &mut Page) {
        if self.clients.is_empty() {
            page.line("No applications.");
            return;
        }
        let row = |client: &Client| {
            let kind = if client.is_public { "public" } else { "with a secret" };
            vec![
                (client.name.clone(), Style::Plain),
                (client.client_id.clone(), Style::Plain),
                (kind.to_owned(), Style::Dim),
                (client.scopes.join(" "), Style::Plain),
                (client.redirect_uris.join(", "), Style::Dim),
            ]
        };
        let rows = self.clients.iter().map(row).collect::<Vec<_>>();
        page.table(&["APPLICATION", "CLIENT ID", "KIND", "SCOPES", "REDIRECT TO"], &rows);
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedReport {
    client_id: String,
    deleted: bool,
}

impl View for DeletedReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} is deleted", self.client_id));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let users = Users::open(cx)?;
    match args.command {
        Command::Create(args) => {
            let new =
                New { name: args.name, redirect_uris: args.redirect_uris, scopes: args.scopes, is_public: args.public };
            let (client, secret) = users.wait(clients::create(&users.pool, &new))?;
            let secret = secret.map(|secret| secret.expose().to_owned());
            Ok(Box::new(CreatedReport { client, secret }))
        }
        Command::List => Ok(Box::new(ClientsReport { clients: users.wait(clients::list(&users.pool))? })),
        Command::Delete(args) => {
            let _allowed = args.consent.destructive(cx, &users.settings)?;
            users.wait(clients::delete(&users.pool, &args.client_id))?;
            Ok(Box::new(DeletedReport { client_id: args.client_id, deleted: true }))
        }
    }
}
