use clap::ValueEnum;
use project::Tier;
use project::environments::{self, Created};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Make .environments/NAME with settings, secrets and server.json of its own
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself env create prod\n  nself env create qa staging\n  nself env create qa staging --force"
)]
pub struct Args {
    name: String,
    /// How careful to be with it; staging and prod say it themselves
    #[arg(value_name = "TYPE", value_enum)]
    kind: Option<Kind>,
    /// Write an existing one anew; the old folder moves to .env-backups/
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    #[value(alias = "dev", alias = "development")]
    Local,
    #[value(alias = "stage")]
    Staging,
    #[value(alias = "production")]
    Prod,
}

#[derive(Debug, Serialize)]
struct CreateReport(Created);

impl View for CreateReport {
    fn text(&self, page: &mut Page) {
        let Created { name, tier, folder, backup, secrets } = &self.0;
        page.line(format!("{name} ({tier}) is in {}", folder.display()));
        if let Some(backup) = backup {
            page.line(format!("The old one is in {}", backup.display()));
        }
        if !secrets.is_empty() {
            page.line(format!("Made {} secrets in its .env.secrets: {}", secrets.len(), secrets.join(", ")));
        }
        let (validate, switch) = (format!("nself env validate {name}"), format!("nself env switch {name}"));
        page.next(&[(validate.as_str(), "see what it still needs"), (switch.as_str(), "make it the active one")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let tier = args.kind.map(|kind| match kind {
        Kind::Local => Tier::Dev,
        Kind::Staging => Tier::Staging,
        Kind::Prod => Tier::Prod,
    });
    Ok(Box::new(CreateReport(environments::create(&cx.project()?, &args.name, tier, args.force)?)))
}
