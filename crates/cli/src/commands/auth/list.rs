use auth::admin::Listed;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::Users;
use crate::{Context, Outcome};

/// List users, the newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself auth users list\n  nself auth users list example.com --limit 20 --json\n  nself auth list-users"
)]
pub struct Args {
    /// Part of an e-mail address or of a name
    matching: Option<String>,
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Leave out so many of the newest
    #[arg(long, default_value_t = 0)]
    offset: u32,
}

#[derive(Debug, Serialize)]
struct UsersReport {
    users: Vec<Listed>,
}

impl View for UsersReport {
    fn text(&self, page: &mut Page) {
        if self.users.is_empty() {
            page.line("No users.");
            return;
        }
        let row = |user: &Listed| {
            let name = user.email.clone().or_else(|| user.phone_number.clone());
            let (state, style) = match user {
                user if user.disabled => ("disabled", Style::Warning),
                user if user.is_anonymous => ("anonymous", Style::Dim),
                user if user.email.is_some() && !user.email_verified => ("unverified", Style::Plain),
                _ => ("active", Style::Good),
            };
            let since = user.created_at.strftime("%Y-%m-%d").to_string();
            vec![
                (name.unwrap_or_else(|| user.display_name.clone()), Style::Plain),
                (state.to_owned(), style),
                (user.roles.join(", "), Style::Plain),
                (since, Style::Dim),
                (user.id.to_string(), Style::Dim),
            ]
        };
        page.table(&["USER", "STATE", "ROLES", "SINCE", "ID"], &self.users.iter().map(row).collect::<Vec<_>>());
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let users = Users::open(cx)?;
    let found = auth::admin::list(&users.pool, args.matching.as_deref(), args.limit, args.offset);
    Ok(Box::new(UsersReport { users: users.wait(found)? }))
}
