use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use database::dump::{self, Dumped, Format, Part, Wanted};
use database::programs::Programs;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{server_major, until_interrupted};
use crate::commands::Silent;
use crate::{Context, Outcome};

/// Where dumps go that are given no name.
const FOLDER: &str = ".nself/dumps";

/// Write the database to a file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db dump\n  nself db dump --schema-only -o schema.sql\n  nself db dump --table orders --table 'shop.*' -o orders.dump\n  nself db dump --env staging -o - | gzip > staging.sql.gz\n\nThe name says the format: .sql and .sql.gz are SQL, everything else is PostgreSQL's archive, which\nnself db load reads in parallel. Only you can read the file."
)]
pub struct Args {
    /// Tables, types and functions without rows
    #[arg(long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Rows without tables
    #[arg(long)]
    data_only: bool,
    /// Only this table, or those that match a pattern; may be repeated
    #[arg(short, long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// The file; - is standard output, in SQL. Without it: a new one in .nself/dumps
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format, when the name does not say it
    #[arg(long, value_enum)]
    format: Option<Kind>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Custom,
    Plain,
}

#[derive(Debug, Serialize)]
struct DumpReport {
    environment: String,
    database: String,
    #[serde(flatten)]
    dumped: Dumped,
    #[serde(skip)]
    shown: PathBuf,
}

impl View for DumpReport {
    fn text(&self, page: &mut Page) {
        let size = super::size(self.dumped.bytes);
        let seconds = super::seconds(self.dumped.duration_ms);
        page.styled(Style::Good, format!("Wrote {} ({size}, {seconds}).", self.shown.display()));
        page.next(&[("load it", &format!("nself db load {}", self.shown.display()))]);
    }
}

impl Args {
    fn wanted(&self) -> Wanted {
        let part = match (self.schema_only, self.data_only) {
            (true, _) => Part::Schema,
            (_, true) => Part::Data,
            _ => Part::Everything,
        };
        let format = match (self.format, &self.output) {
            (Some(Kind::Custom), _) => Format::Custom,
            (Some(Kind::Plain), _) => Format::Plain,
            (None, Some(file)) if file.as_os_str() == "-" => Format::Plain,
            (None, Some(file)) => Format::of(file),
            (None, None) => Format::Custom,
        };
        Wanted { part, tables: self.tables.clone(), format }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let wanted = args.wanted();
    let database = cx.open(None)?;
    let settings = cx.settings_quietly()?;
    let (runtime, place) = (&database.runtime, &database.place);
    let major = runtime.block_on(server_major(&database.client))?;
    let programs = Programs::find(&postgres::Wanted::from_settings(&settings), major).map_err(database::Error::from)?;
    if args.output.as_deref() == Some(Path::new("-")) {
        until_interrupted(runtime, dump::print(place, &programs, &wanted), "the dump is cut off")?;
        return Ok(Box::new(Silent));
    }
    let file = match args.output {
        Some(file) => file,
        None => {
            let now = jiff::Zoned::now().strftime("%Y%m%d_%H%M%S").to_string();
            let name =
                format!("{}_{}_{now}.{}", place.environment, file_name(place.database()), wanted.format.extension());
            cx.project()?.root().join(FOLDER).join(name)
        }
    };
    let terminal = cx.terminal;
    let work = async {
        let growing = std::sync::OnceLock::new();
        let write = dump::write(place, &programs, &wanted, &file, |path| {
            let _ = growing.set(path.to_owned());
        });
        futures::pin_mut!(write);
        loop {
            tokio::select! {
                done = &mut write => return done,
                () = tokio::time::sleep(Duration::from_secs(5)) => {
                    let bytes = growing.get().and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
                    terminal.progress(&format!("  {} written", super::size(bytes)));
                }
            }
        }
    };
    let dumped = until_interrupted(runtime, work, "nothing was written")?;
    let here = std::env::current_dir().unwrap_or_default();
    let shown = file.strip_prefix(here).unwrap_or(&file).to_owned();
    let (environment, name) = (place.environment.to_string(), place.database().to_owned());
    Ok(Box::new(DumpReport { environment, database: name, dumped, shown }))
}

/// A database's name as part of a file's.
fn file_name(database: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    database.chars().map(plain).collect()
}
