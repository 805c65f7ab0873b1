use std::path::PathBuf;

use clap::CommandFactory;

use crate::{Context, Error, Outcome};

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself man | man -l -\n  nself man --output ~/.local/share/man/man1")]
pub struct Args {
    /// Folder for one page a command; without it the main page goes to stdout
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let failed = |program: String| move |source| Error::Program { program, source };
    let command = crate::Cli::command();
    match args.output {
        Some(folder) => {
            let name = folder.display().to_string();
            let written = std::fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(command, &folder));
            written.map_err(|source| Error::Usage {
                message: format!("cannot write into {name}: {source}"),
                fix: "name a folder you can write to: nself man --output ~/.local/share/man/man1".to_owned(),
            })?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(failed("man".to_owned()))?;
            cx.terminal.raw(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Box::new(super::Silent))
}
