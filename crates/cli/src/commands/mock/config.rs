use std::{path::PathBuf, process::Command};

use database::mock::{self, MockError, Request, values};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{folder, read};
use crate::{
    Context, Error, Outcome,
    commands::db::{interruptible, shown},
};

/// Edit the configuration and check it, or list the kinds of values
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself mock config\n  nself mock config --kinds\n  EDITOR=nano nself mock config\n\nWithout an editor ($VISUAL, $EDITOR) and without a terminal it only checks."
)]
pub struct Args {
    /// List the kinds of values with their options
    #[arg(long)]
    kinds: bool,
}

#[derive(Debug, Serialize)]
struct ConfigReport {
    file: PathBuf,
    /// Checked against the database's tables too.
    against_database: bool,
    tables: usize,
    rows: u64,
    notes: Vec<String>,
}

impl View for ConfigReport {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Good, format!("{} is in order.", self.file.display()));
        if self.against_database {
            page.line(format!("{} in {}.", super::rows(self.rows), crate::commands::db::count(self.tables, "table")));
        } else {
            page.line("It was not compared with the tables: the database does not run.");
        }
        for note in &self.notes {
            page.styled(Style::Dim, format!("  {note}"));
        }
        page.next(&[("make the rows", "nself mock generate")]);
    }
}

#[derive(Debug, Serialize)]
struct KindsReport {
    kinds: Vec<Kind>,
}

#[derive(Debug, Serialize)]
struct Kind {
    name: &'static str,
    description: &'static str,
    options: Vec<(&'static str, &'static str)>,
}

impl View for KindsReport {
    fn text(&self, page: &mut Page) {
        for kind in &self.kinds {
            page.pairs(&[(kind.name, kind.description)]);
            for (option, meaning) in &kind.options {
                page.styled(Style::Dim, format!("      {option}: {meaning}"));
            }
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if args.kinds {
        return Ok(Box::new(kinds()));
    }
    let folder = folder(cx)?;
    let file = folder.config_file();
    if !file.exists() {
        let problem = "there is no such file yet".to_owned();
        let hint = Some("nself mock init writes it".to_owned());
        return Err(database::Error::from(MockError::Config { file: shown(cx, file), problem, hint }).into());
    }
    let chosen = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty()));
    let editor = chosen.or_else(|| cx.terminal.interactive().then(|| "vi".to_owned()));
    if let Some(editor) = editor {
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or("vi").to_owned();
        let ended = Command::new(&program).args(words).arg(&file).status();
        ended.map_err(|source| Error::Program { program, source })?;
    }
    let (config, seed) = read(&folder)?;
    let mut report =
        ConfigReport { file: shown(cx, file), against_database: false, tables: 0, rows: 0, notes: Vec::new() };
    // Without a running database there is still something to say.
    let settings = cx.settings()?;
    if let Ok(mut database) = cx.client(&settings) {
        let request = Request { config: &config, seed, preset: None, only: &[], dry_run: true };
        let cancel = database.cancel();
        let options = database::Options::default();
        let mut silent = |_: &mock::Progress| {};
        let work = mock::generate(&mut database.client, &request, &options, &mut silent);
        let generated = interruptible(&database.runtime, cancel, work)?;
        report.against_database = true;
        report.tables = generated.tables.len();
        report.rows = generated.rows;
        report.notes = generated.notes;
    }
    Ok(Box::new(report))
}

fn kinds() -> KindsReport {
    let kind = |kind: &'static values::Kind| Kind {
        name: kind.name,
        description: kind.description,
        options: kind.options.to_vec(),
    };
    KindsReport { kinds: values::KINDS.iter().map(kind).collect() }
}
