use serde::Serialize;
use terminal::{Page, Style, View};

use super::Users;
use crate::{Context, Outcome};

/// Make the tables of auth, and show which ways to sign in are switched on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself auth setup\n  nself auth setup --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct SetupReport {
    url: Option<String>,
    ways: Vec<Way>,
}

#[derive(Debug, Serialize)]
struct Way {
    name: &'static str,
    setting: &'static str,
    on: bool,
}

const WAYS: [(&str, &str); 7] = [
    ("sign-up", "AUTH_SIGNUP_ENABLED"),
    ("magic link", "AUTH_EMAIL_PASSWORDLESS_ENABLED"),
    ("code by mail", "AUTH_OTP_EMAIL_ENABLED"),
    ("code by text message", "AUTH_SMS_PASSWORDLESS_ENABLED"),
    ("anonymous", "AUTH_ANONYMOUS_ENABLED"),
    ("second factor", "AUTH_MFA_ENABLED"),
    ("passkeys", "AUTH_WEBAUTHN_ENABLED"),
];

impl View for SetupReport {
    fn text(&self, page: &mut Page) {
        let row = |way: &Way| {
            let (word, style) = if way.on { ("on", Style::Good) } else { ("off", Style::Dim) };
            vec![(way.name.to_owned(), Style::Plain), (word.to_owned(), style), (way.setting.to_owned(), Style::Dim)]
        };
        page.table(&["E-MAIL AND PASSWORD, AND", "", "SETTING"], &self.ways.iter().map(row).collect::<Vec<_>>());
        if let Some(url) = &self.url {
            page.next(&[("URL of Nhost's client", url.as_str())]);
        }
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let users = Users::open(cx)?;
    let accounts = server::accounts(&users.settings);
    users.runtime.block_on(auth::admin::setup(&users.pool, &accounts))?;
    cx.schema_changed();
    let plan = stack::Plan::new(&users.settings)?;
    let url = plan.urls().into_iter().find(|url| url.service == "auth").map(|url| url.http);
    let way = |(name, setting)| Way { name, setting, on: users.settings.flag(setting) };
    Ok(Box::new(SetupReport { url, ways: WAYS.into_iter().map(way).collect() }))
}
