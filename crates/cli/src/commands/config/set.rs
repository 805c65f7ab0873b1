use std::io::Read;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use project::config::{self, Change};
use serde::Serialize;
use terminal::{Answer, Failure, Page, View};

use crate::{Context, Error, Outcome};

/// Change a setting in the file where it counts
///
/// Comments and order of the file stay. `${NAME}` in a value refers to another setting. Secrets are read from standard input or asked for, never taken from the command
/// line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config set POSTGRES_PORT 5433\n  nself config set BASE_DOMAIN shop.example.com --env prod\n  nself config set SMTP_PASS --stdin < password.txt"
)]
pub struct Args {
    /// NAME, or NAME=VALUE
    name: String,
    value: Option<String>,
    /// Read the value from standard input
    #[arg(long, conflicts_with = "value")]
    stdin: bool,
}

#[derive(Debug, Serialize)]
struct SetReport {
    #[serde(flatten)]
    change: Change,
}

impl View for SetReport {
    fn text(&self, page: &mut Page) {
        let Change { name, file, added } = &self.change;
        page.line(format!("{name} {} {}", if *added { "added to" } else { "changed in" }, file.display()));
        page.next(&[("nself restart", "let a running stack see it")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    let (name, given) = match (args.name.split_once('='), args.value) {
        (Some((name, value)), None) => (name.to_owned(), Some(value.to_owned())),
        (_, value) => (args.name, value),
    };
    if given.as_ref().is_some_and(|value| !value.is_empty()) && project::is_secret(&name) {
        return Err(project::Error::SecretOnCommandLine(name).into());
    }
    let value = match given {
        Some(value) => value,
        None if args.stdin => from_stdin()?,
        None => ask(cx, &name)?,
    };
    let change = config::set(&project, cx.env.as_deref(), &name, &value)?;
    Ok(Box::new(SetReport { change }))
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|source| Error::Program { program: "standard input".to_owned(), source })?;
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    Ok(text)
}

/// Asks a person; what is typed for a secret is not shown.
pub fn ask(cx: &Context, name: &str) -> Result<String, Failure> {
    let hidden = project::is_secret(name).then(Hidden::begin);
    let answer = cx.terminal.ask(&format!("Value of {name}:"));
    if hidden.is_some() {
        cx.terminal.progress("");
    }
    match answer {
        Answer::Text(text) => Ok(text),
        Answer::Nobody => Err(Error::Usage {
            message: format!("{name} needs a value"),
            fix: format!("nself config set {name} --stdin, with the value on standard input"),
        }
        .into()),
    }
}

/// Keeps the terminal from showing what is typed.
struct Hidden {
    before: Option<Termios>,
}

impl Hidden {
    fn begin() -> Self {
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet.local_flags.remove(LocalFlags::ECHO);
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &quiet);
        }
        Self { before }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
        }
    }
}
