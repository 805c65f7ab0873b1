//! `nself email`: who sends the project's mail, and the inbox of the mail catcher.

mod check;
mod configure;
mod inbox;
mod list;
mod show;
mod test;
mod wait;

use std::time::Duration;

use clap::Subcommand;
use mail::Wanted;
use mail::send::{Provider, Security, Sender, Smtp};
use project::Settings;
use terminal::Failure;

use crate::{Context, Outcome};

/// Send mail, and read what was caught
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself email inbox\n  nself email wait --to ann@example.com --subject \"sign in\" --timeout 5s --print link\n  nself email configure sendgrid"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    #[command(alias = "setup")]
    Configure(configure::Args),
    #[command(aliases = ["validate", "preflight", "detect"])]
    Check(check::Args),
    Test(test::Args),
    Inbox(inbox::Args),
    Show(show::Args),
    Wait(wait::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::List(args) => list::run(cx, args),
        Command::Configure(args) => configure::run(cx, &args),
        Command::Check(args) => check::run(cx, args),
        Command::Test(args) => test::run(cx, args),
        Command::Inbox(args) => inbox::run(cx, args),
        Command::Show(args) => show::run(cx, args),
        Command::Wait(args) => wait::run(cx, args),
    }
}

/// Which mails.
#[derive(Debug, clap::Args)]
struct Which {
    /// Part of a recipient's address
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Part of the sender's address
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Part of the subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Text anywhere in the mail
    #[arg(long, value_name = "TEXT")]
    containing: Option<String>,
    /// A search in Mailpit's words, for example "has:attachment -tag:old"
    #[arg(long, value_name = "SEARCH")]
    query: Option<String>,
}

impl Which {
    fn wanted(self) -> Wanted {
        Wanted {
            to: self.to,
            from: self.from,
            subject: self.subject,
            containing: self.containing,
            query: self.query,
            ..Wanted::default()
        }
    }
}

/// `5s`, `2m`, `90`.
fn duration(text: &str) -> Result<Duration, String> {
    project::value::duration(text).ok_or_else(|| "a time such as 5s, 2m or 90 (seconds)".to_owned())
}

/// What sends for this project, as seen from the command line: the catcher is reached over its port.
fn sender(settings: &Settings) -> Result<Sender, Failure> {
    let provider = match Provider::of(settings)? {
        Provider::Mailpit => Provider::Smtp(Smtp {
            host: "127.0.0.1".to_owned(),
            port: settings.port("MAILPIT_SMTP_PORT").unwrap_or(1025),
            security: Security::None,
            credentials: None,
            authority: None,
        }),
        other => other,
    };
    Ok(Sender::new(provider, None)?)
}

/// On one line, and without a say over the terminal: strangers write mails.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// As [`printable`], with its lines.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}
