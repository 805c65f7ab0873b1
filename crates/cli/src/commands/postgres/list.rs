use postgres::{Installation, Source, Wanted};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// List the PostgreSQL installations of this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself postgres list\n  nself postgres list --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    installation: Installation,
    /// The project in the current folder uses this one.
    used: bool,
}

#[derive(Debug, Serialize)]
struct ListReport {
    installations: Vec<Listed>,
    /// The command that installs PostgreSQL with this system's package manager.
    install: String,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        if self.installations.is_empty() {
            page.line("No PostgreSQL 14 to 18 is on this machine.");
            page.next(&[
                (self.install.as_str(), "with the system's package manager"),
                ("nself postgres install", "a portable one, without root"),
            ]);
            return;
        }
        let rows: Vec<Vec<(String, Style)>> = self.installations.iter().map(row).collect();
        page.table(&["", "VERSION", "SOURCE", "SERVER", "CLIENTS"], &rows);
        if self.installations.iter().any(|listed| listed.used) {
            page.blank();
            page.styled(Style::Dim, "* used by this project");
        }
    }
}

fn row(listed: &Listed) -> Vec<(String, Style)> {
    let Installation { version, bin, client_bin, source, .. } = &listed.installation;
    let source = match source {
        Source::Setting => "POSTGRES_BIN",
        Source::System => "system",
        Source::Portable => "portable",
    };
    let clients = if client_bin.join("psql").is_file() { client_bin.display().to_string() } else { "none".to_owned() };
    vec![
        (if listed.used { "*" } else { " " }.to_owned(), Style::Good),
        (version.to_string(), Style::Bold),
        (source.to_owned(), Style::Plain),
        (bin.display().to_string(), Style::Plain),
        (clients, Style::Dim),
    ]
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    // Outside a project there is a list all the same.
    let used = cx.project().ok().and_then(|project| {
        let settings = project.settings(cx.env.as_deref()).ok()?;
        let data = project.data_dir().join("postgres");
        postgres::find(&Wanted::from_settings(&settings).for_data(&data)).ok()
    });
    let mut all = postgres::list();
    if let Some(used) = &used
        && all.iter().all(|one| one.bin != used.bin)
    {
        all.insert(0, used.clone());
    }
    let is_used = |one: &Installation| used.as_ref().is_some_and(|used| used.bin == one.bin);
    let installations =
        all.into_iter().map(|installation| Listed { used: is_used(&installation), installation }).collect();
    Ok(Box::new(ListReport { installations, install: postgres::install_command().to_string() }))
}
