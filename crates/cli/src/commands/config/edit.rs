use std::process::Command;

use crate::{Context, Error, Outcome};

/// Open a settings file in your editor, then check what you wrote
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config edit\n  nself config edit .env.staging\n  EDITOR=nano nself config edit"
)]
pub struct Args {
    /// The file, relative to the project's root
    #[arg(default_value = ".env")]
    file: String,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    if !cx.terminal.interactive() {
        return Err(Error::Usage {
            message: "an editor needs a terminal".to_owned(),
            fix: "nself config set NAME VALUE".to_owned(),
        }
        .into());
    }
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi").to_owned();
    let status = Command::new(&program).args(words).arg(project.root().join(&args.file)).status();
    status.map_err(|source| Error::Program { program, source })?;
    super::validate::report(cx, None, false)
}
