use auth::admin::Create;
use project::Secret;
use serde::Serialize;
use terminal::{Failure, Page, View};

use super::Users;
use crate::{Context, Error, Outcome};

/// Make a user
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself auth users create ann@example.com --generate-password\n  \
                  nself auth users create ann@example.com --password-stdin --role editor < password.txt\n  nself auth create-user ann@example.com --generate-password")]
pub struct Args {
    /// The user's e-mail address
    email: String,
    /// Read the password from standard input: arguments can be seen by others
    #[arg(long, conflicts_with = "generate_password")]
    password_stdin: bool,
    /// Make a password and print it once
    #[arg(long)]
    generate_password: bool,
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// A role the user may take, beside those of the settings; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The role of its requests that name none
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    /// The address still has to be verified
    #[arg(long)]
    unverified: bool,
}

#[derive(Debug, Serialize)]
struct CreatedReport {
    id: String,
    email: String,
    /// One that was made now.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl View for CreatedReport {
    fn text(&self, page: &mut Page) {
        let mut rows = vec![("user", self.email.as_str()), ("id", self.id.as_str())];
        rows.extend(self.password.as_deref().map(|password| ("password", password)));
        page.pairs(&rows);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let users = Users::open(cx)?;
    let made = args.generate_password.then(project::secrets::generate).transpose()?;
    let password = if args.password_stdin { Some(read()?) } else { made.clone() };
    let accounts = server::accounts(&users.settings);
    let mut roles = args.roles;
    if !roles.is_empty() {
        roles.extend(accounts.allowed_roles.iter().cloned());
        roles.sort();
        roles.dedup();
    }
    let create = Create {
        email: args.email.clone(),
        password,
        display_name: args.display_name,
        roles,
        default_role: args.default_role,
        email_verified: !args.unverified,
    };
    let passwords = server::passwords(&users.settings);
    let id = users.wait(auth::admin::create(&users.pool, &accounts, &passwords, create))?;
    let password = made.map(|password| password.expose().to_owned());
    Ok(Box::new(CreatedReport { id: id.to_string(), email: args.email, password }))
}

/// The first line of standard input.
fn read() -> Result<Secret, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|source| Error::File {
        action: "read",
        path: "standard input".into(),
        source,
    })?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
