use std::{
    fmt::Write,
    io::{IsTerminal, Read},
    path::PathBuf,
};

use clap::ValueEnum;
use database::query::{self, Column, Done, Script, Sink, Writer};
use serde::Serialize;
use terminal::{Failure, Page, Style, Terminal, View};

use super::{count, interruptible};
use crate::{Context, Error, Outcome, commands::Silent};

/// Run SQL and show what comes back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db query \"SELECT * FROM bestsellers LIMIT 3\"\n  nself db query -f report.sql --format csv > report.csv\n  echo 'SELECT 1' | nself db query\n  nself db query --env staging --readonly \"SELECT count(*) FROM users\""
)]
pub struct Args {
    /// The SQL; several statements are parted by semicolons. Without it and --file: what comes in by a pipe
    #[arg(conflicts_with = "file")]
    sql: Option<String>,
    /// Read the SQL from a file, or from standard input with -
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How to show rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// All statements or none
    #[arg(short = '1', long)]
    single_transaction: bool,
    /// Refuse to write
    #[arg(long)]
    readonly: bool,
    /// The format, as the Bash tool took it
    #[arg(value_enum, hide = true, requires = "sql", conflicts_with = "format")]
    old_format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
    Ndjson,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let mut script = script(&args)?;
    script.single_transaction = args.single_transaction;
    script.readonly = args.readonly;
    let database = cx.open(None)?;
    let cancel = database.cancel();
    let format = match args.old_format.unwrap_or(args.format) {
        Format::Table => {
            let mut collected = Collected { terminal: Some(cx.terminal), results: Vec::new() };
            interruptible(&database.runtime, cancel, query::run(&database.client, &script, &mut collected))?;
            follow(cx, collected.results.iter().filter_map(|result| result.done.as_ref()));
            if cx.terminal.json() {
                cx.terminal.raw(&collected.json());
                return Ok(Box::new(Silent));
            }
            return Ok(Box::new(collected));
        }
        Format::Csv => query::Format::Csv,
        Format::Json => query::Format::Json,
        Format::Ndjson => query::Format::Ndjson,
    };
    let terminal = cx.terminal;
    let mut writer = Writer::new(format, |bytes: &[u8]| terminal.raw(&String::from_utf8_lossy(bytes)));
    let result = interruptible(&database.runtime, cancel, query::run(&database.client, &script, &mut writer));
    writer.flush();
    result?;
    follow(cx, writer.finished.iter());
    for done in summed(writer.finished.into_iter().filter(|done| !done.returned_rows)) {
        terminal.progress(&summary(&done));
    }
    Ok(Box::new(Silent))
}

/// Lets GraphQL read the schema again when a statement may have changed it.
fn follow<'a>(cx: &Context, mut commands: impl Iterator<Item = &'a Done>) {
    if commands.any(|done| matches!(done.command.as_str(), "CREATE" | "ALTER" | "DROP" | "COMMENT" | "DO" | "CALL")) {
        cx.schema_changed();
    }
}

fn script(args: &Args) -> Result<Script, Failure> {
    if let Some(sql) = &args.sql {
        return Ok(Script::new(sql.clone(), None)?);
    }
    let pipe = PathBuf::from("-");
    let file = args.file.as_ref().unwrap_or(&pipe);
    if args.file.is_none() && std::io::stdin().is_terminal() {
        // Nothing shows that it waits for typing; psql is the place for that.
        let fix = "nself db query \"SELECT now()\", or nself db shell".to_owned();
        return Err(Error::Usage { message: "there is no SQL to run".to_owned(), fix }.into());
    }
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    if let Err(error) = read {
        let message = format!("cannot read {}: {error}", file.display());
        return Err(Error::Usage { message, fix: "nself db query -f <file>".to_owned() }.into());
    }
    Ok(Script::new(text, Some(file.clone()))?)
}

/// A hundred inserts in a row are one line.
fn summed(done: impl Iterator<Item = Done>) -> Vec<Done> {
    let mut sums: Vec<Done> = Vec::new();
    for done in done {
        match sums.last_mut().filter(|last| last.command == done.command) {
            Some(last) => last.rows += done.rows,
            None => sums.push(done),
        }
    }
    sums
}

/// `INSERT: 3 rows`, or `CREATE` where no rows are concerned.
fn summary(done: &Done) -> String {
    match done.command.as_str() {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" => {
            format!("{}: {}", done.command, count(usize::try_from(done.rows).unwrap_or(usize::MAX), "row"))
        }
        command => command.to_owned(),
    }
}

/// Results kept whole, for a table or one JSON document.
#[derive(Debug, Serialize)]
struct Collected {
    #[serde(skip)]
    terminal: Option<Terminal>,
    #[serde(skip)]
    results: Vec<ResultSet>,
}

#[derive(Debug, Default)]
struct ResultSet {
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
    done: Option<Done>,
}

impl Collected {
    fn current(&mut self) -> &mut ResultSet {
        if self.results.last().is_none_or(|result| result.done.is_some()) {
            self.results.push(ResultSet::default());
        }
        let last = self.results.len() - 1;
        &mut self.results[last]
    }

    /// `{"results": […]}`, written by hand so that numbers keep every digit.
    fn json(&self) -> String {
        let results: Vec<String> = self.results.iter().filter_map(ResultSet::json).collect();
        format!("{{\"results\": [{}]}}\n", results.join(", "))
    }
}

impl ResultSet {
    fn json(&self) -> Option<String> {
        let done = self.done.as_ref()?;
        let columns: Vec<serde_json::Value> = self
            .columns
            .iter()
            .map(|column| serde_json::json!({ "name": column.name, "type": column.type_name() }))
            .collect();
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| query::object(&self.columns, &row.iter().map(Option::as_deref).collect::<Vec<_>>()))
            .collect();
        Some(format!(
            "{{\"command\": {}, \"row_count\": {}, \"columns\": {}, \"rows\": [{}]}}",
            serde_json::json!(done.command),
            done.rows,
            serde_json::json!(columns),
            rows.join(", ")
        ))
    }
}

impl Sink for Collected {
    fn columns(&mut self, columns: &[Column]) {
        self.current().columns = columns.to_vec();
    }

    fn row(&mut self, values: &[Option<&str>]) {
        self.current().rows.push(values.iter().map(|value| value.map(str::to_owned)).collect());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(terminal) = &self.terminal {
            terminal.raw(&String::from_utf8_lossy(bytes));
        }
    }

    fn done(&mut self, done: Done) {
        self.current().done = Some(done);
    }
}

impl View for Collected {
    fn text(&self, page: &mut Page) {
        let mut quiet: Vec<Done> = Vec::new();
        for (number, result) in self.results.iter().enumerate() {
            let Some(done) = &result.done else { continue };
            if !done.returned_rows {
                quiet.push(done.clone());
                continue;
            }
            flush(page, &mut quiet);
            if done.command == "COPY" {
                continue;
            }
            if number > 0 {
                page.blank();
            }
            let header: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
            page.table(&header, &result.rows.iter().map(|row| cells(row)).collect::<Vec<_>>());
            page.styled(Style::Dim, format!("({})", count(result.rows.len(), "row")));
        }
        flush(page, &mut quiet);
    }
}

/// A line for each run of statements that returned no rows.
fn flush(page: &mut Page, quiet: &mut Vec<Done>) {
    for done in summed(quiet.drain(..)) {
        page.line(summary(&done));
    }
}

fn cells(row: &[Option<String>]) -> Vec<(String, Style)> {
    row.iter()
        .map(|value| match value {
            None => ("null".to_owned(), Style::Dim),
            Some(text) => (printable(text), Style::Plain),
        })
        .collect()
}

/// A cell on one line that does nothing to the terminal: data may hold escape sequences, and whoever wrote it may have
/// meant them.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('↵'),
            '\r' | '\t' => shown.push(' '),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\x{:02x}", u32::from(control));
            }
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_has_no_say_over_the_terminal() {
        assert_eq!(printable("a\nb\tc é"), "a↵b c é");
        assert_eq!(printable("\x1b]0;title\x07\u{9b}2J"), "\\x1b]0;title\\x07\\x9b2J");
    }
}
