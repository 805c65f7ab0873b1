use mail::send::{Known, SettingError};
use project::config::{self, Change};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::commands::config::set;
use crate::{Context, Error, Outcome};

/// Choose who sends this project's mail
///
/// What the provider needs is asked for; keys and passwords are never taken from the command line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself email configure mailpit\n  nself email configure sendgrid --env prod\n  nself email configure smtp SMTP_HOST=mail.example.com SMTP_PORT=587"
)]
pub struct Args {
    /// One of those that nself email list shows
    provider: String,
    /// Settings that are no secrets
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ConfiguredReport {
    provider: &'static str,
    changes: Vec<Change>,
    /// Settings that it still needs.
    missing: Vec<&'static str>,
}

impl View for ConfiguredReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} sends this project's mail.", self.provider));
        for Change { name, file, .. } in &self.changes {
            page.styled(Style::Dim, format!("{name} is set in {}", file.display()));
        }
        if self.missing.is_empty() {
            page.next(&[
                ("nself restart", "let a running stack see it"),
                ("nself email test you@example.com", "send a mail"),
            ]);
        } else {
            let set = |name: &&str| (format!("nself config set {name}"), "what it still needs".to_owned());
            page.next(&self.missing.iter().map(set).collect::<Vec<_>>());
        }
    }
}

pub fn run(cx: &Context, args: &Args) -> Outcome {
    let known = Known::find(&args.provider).ok_or(SettingError::Unknown)?;
    let mut values = Vec::new();
    for value in &args.values {
        let (name, value) = value.split_once('=').ok_or_else(|| Error::Usage {
            message: format!("{value} is no setting"),
            fix: format!("nself email configure {} NAME=VALUE", known.name),
        })?;
        if project::is_secret(name) {
            return Err(project::Error::SecretOnCommandLine(name.to_owned()).into());
        }
        values.push((name, value));
    }
    let project = cx.project()?;
    let env = cx.env.as_deref();
    let mut changes = vec![config::set(&project, env, "EMAIL_PROVIDER", known.name)?];
    for (name, value) in values {
        changes.push(config::set(&project, env, name, value)?);
    }
    if cx.terminal.interactive() {
        for name in known.missing(&project.settings(env)?) {
            let value = set::ask(cx, name)?;
            if !value.is_empty() {
                changes.push(config::set(&project, env, name, &value)?);
            }
        }
    }
    let missing = known.missing(&project.settings(env)?);
    Ok(Box::new(ConfiguredReport { provider: known.name, changes, missing }))
}
