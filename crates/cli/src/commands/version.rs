use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself version\n  nself version --short\n  nself version --json")]
pub struct Args {
    /// Only the number
    #[arg(short, long)]
    pub short: bool,
}

#[derive(Debug, Serialize)]
struct VersionReport {
    version: &'static str,
    platform: String,
    #[serde(skip)]
    short: bool,
}

impl View for VersionReport {
    fn text(&self, page: &mut Page) {
        if self.short {
            page.line(self.version);
        } else {
            page.line(format!("nself {} ({})", self.version, self.platform));
        }
    }
}

pub fn run(_cx: &Context, args: Args) -> Outcome {
    Ok(Box::new(VersionReport {
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        short: args.short,
    }))
}
