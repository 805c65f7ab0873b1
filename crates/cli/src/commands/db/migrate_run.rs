//! What the commands that run migrations share: saving data before, and telling what happens.

use database::{
    Options,
    migrate::{Applied, Backup, Direction, Event, Runner, Sources},
};
use project::Settings;
use terminal::Failure;

use super::count;
use crate::{Context, context::Database};

/// Whether to save the database before something takes data away.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Saving {
    /// Do not save the database before what takes data away
    #[arg(long)]
    no_backup: bool,
}

impl Saving {
    /// Where copies go; none when they are not wanted.
    pub fn backup(&self, cx: &Context, settings: &Settings, database: &Database) -> Result<Option<Backup>, Failure> {
        let keep = settings.integer("NSELF_MIGRATION_BACKUPS").and_then(|keep| usize::try_from(keep).ok());
        let wanted = keep.unwrap_or(10);
        if self.no_backup || wanted == 0 {
            return Ok(None);
        }
        Ok(Some(tools(cx, settings, database, wanted)?))
    }
}

/// `pg_dump` for this database, and the folder of copies.
pub fn tools(cx: &Context, settings: &Settings, database: &Database, keep: usize) -> Result<Backup, Failure> {
    Ok(Backup {
        wanted: postgres::Wanted::from_settings(settings),
        place: database.place.clone(),
        folder: cx.project()?.state_dir().join("backups/migrations"),
        keep,
    })
}

/// Says on stderr what happens during a run.
pub fn teller(cx: &Context) -> impl FnMut(&Event<'_>) + Send {
    let terminal = cx.terminal;
    let root = cx.project().map(|project| project.root().to_owned()).unwrap_or_default();
    move |event| match event {
        Event::Applied(done) => terminal.progress(&line(done, "  ")),
        Event::Undone(done) => terminal.progress(&line(done, "  undid ")),
        Event::Saved { file, bytes } => {
            let file = file.strip_prefix(&root).unwrap_or(file).display();
            let size = bytes.div_ceil(1024);
            terminal.progress(&format!(
                "  saved the database before data is taken away: {file} ({size} kB)\n  to bring it back: nself db load {file}"
            ));
        }
        Event::Waiting { id, attempt, of, pause } => {
            let pause = pause.as_millis();
            terminal.warn(&format!("{id} did not get its lock; try {attempt} of {of} follows in {pause} ms"));
        }
        Event::Resumed { id, done, of, direction } => {
            let what = match direction {
                Direction::Up => "goes on",
                Direction::Down => "goes on being undone",
            };
            terminal.progress(&format!("  {id} {what}: {done} of {} done before", count(*of, "statement")));
        }
        Event::OneByOne { id } => {
            terminal.progress(&format!(
                "  {id} cannot be one transaction, says PostgreSQL: it runs statement by statement"
            ));
        }
        Event::Adopted { id, replaced } => {
            terminal.progress(&format!("  {id} takes the place of {}", count(*replaced, "migration")));
        }
    }
}

/// One line of progress.
fn line(done: &Applied, before: &str) -> String {
    format!("{before}{}_{}  {} ms", done.version, done.name, done.duration_ms)
}

/// A runner for one command.
pub fn runner<'a>(
    sources: &'a Sources,
    options: Options,
    backup: Option<Backup>,
    events: &'a mut (dyn FnMut(&Event<'_>) + Send),
) -> Runner<'a> {
    Runner { sources, options, backup, events }
}
