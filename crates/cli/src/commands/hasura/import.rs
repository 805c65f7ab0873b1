use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use terminal::{Page, Style, View};

use crate::commands::db::count;
use crate::{Context, Error, Outcome};

/// Take a Hasura project over: its metadata, migrations and seeds
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura import ../shop-hasura\n  nself hasura import ../shop-hasura --dry-run\n  nself hasura import ../shop-hasura && nself hasura deploy\n\nReads config.yaml and copies what it names into hasura/metadata, hasura/migrations/default and hasura/seeds/default\nof this project. Nothing is applied yet, and no file that is there already with other contents is replaced."
)]
pub struct Args {
    /// The folder that holds config.yaml
    folder: PathBuf,
    /// Say what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct ImportReport {
    dry_run: bool,
    /// Files that are copied.
    copied: Vec<PathBuf>,
    /// Files that were there already, with the same contents.
    same: usize,
    metadata: bool,
    /// What the old project calls the database that is `default` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed: Option<String>,
    /// Databases other than the one that nself has.
    other_sources: Vec<String>,
}

impl View for ImportReport {
    fn text(&self, page: &mut Page) {
        let verb = if self.dry_run { "would be copied" } else { "copied" };
        page.styled(Style::Good, format!("{} {verb}, {} there already.", count(self.copied.len(), "file"), self.same));
        if self.metadata && !self.dry_run {
            page.line("The metadata is in hasura/metadata.");
        }
        if let Some(source) = &self.renamed {
            let note = page.paint(Style::Warning, "note:");
            page.line(format!("{note} the database {source} is called default here"));
        }
        for source in &self.other_sources {
            page.line(format!(
                "{} the database {source} is left out: nself serves one database, default",
                page.paint(Style::Warning, "note:")
            ));
        }
        if !self.dry_run {
            page.next(&[("apply migrations and metadata together", "nself hasura deploy")]);
        }
    }
}

/// A file to copy, and where to.
struct Copy {
    from: PathBuf,
    to: PathBuf,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    let config = config(&args.folder)?;
    let directory = |key: &str, default: &str| args.folder.join(config[key].as_str().unwrap_or(default));
    let folders = [("migrations_directory", "migrations"), ("seeds_directory", "seeds")];
    let folders = folders.map(|(key, default)| (directory(key, default), default));
    let mut names = Vec::new();
    for (from, _) in &folders {
        names.extend(databases(from)?);
    }
    let read = metadata::folder::read(&directory("metadata_directory", "metadata"));
    if let Ok(metadata) = &read {
        let sources = metadata["sources"].as_array().into_iter().flatten();
        names.extend(sources.filter_map(|source| source["name"].as_str()).map(str::to_owned));
    }
    names.sort();
    names.dedup();
    let taken = taken(&names);
    let mut copies = Vec::new();
    for (from, default) in &folders {
        let to = project.root().join("hasura").join(default).join("default");
        gather(from, &to, taken, &mut copies)?;
    }
    let metadata = match read {
        Ok(mut metadata) => {
            rename(&mut metadata, taken);
            Some(metadata)
        }
        Err(metadata::folder::Error::Missing { .. }) if !copies.is_empty() => None,
        Err(error) => return Err(error.into()),
    };
    let mut report = ImportReport {
        dry_run: args.dry_run,
        copied: Vec::new(),
        same: 0,
        metadata: metadata.is_some(),
        renamed: (taken != DEFAULT).then(|| taken.to_owned()),
        other_sources: names.iter().filter(|name| *name != taken).cloned().collect(),
    };
    // All is looked at before anything is written.
    let mut texts = Vec::new();
    for copy in copies {
        let bytes = std::fs::read(&copy.from).map_err(|source| io("read", &copy.from, source))?;
        match std::fs::read(&copy.to) {
            Ok(there) if there == bytes => report.same += 1,
            Ok(_) => return Err(conflict(&copy.to).into()),
            Err(_) => {
                report.copied.push(copy.to.strip_prefix(project.root()).unwrap_or(&copy.to).to_owned());
                texts.push((copy.to, bytes));
            }
        }
    }
    if args.dry_run {
        return Ok(Box::new(report));
    }
    for (to, bytes) in texts {
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(|source| io("create", parent, source))?;
        }
        project::files::write(&to, &bytes, None)?;
    }
    if let Some(metadata) = metadata {
        metadata::folder::write(&super::folder(&project, None), &metadata)?;
    }
    Ok(Box::new(report))
}

/// `config.yaml`; a folder without one has everything where it usually is.
fn config(folder: &Path) -> Result<Value, terminal::Failure> {
    let path = folder.join("config.yaml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(metadata::folder::parse(&text).map_err(|why| metadata::folder::Error::Content { path, why })?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => Ok(Value::Null),
        Err(error) => Err(io("read", &path, error).into()),
    }
}

/// What nself calls its database.
const DEFAULT: &str = "default";

/// Which of the old project's databases is taken over: `default`, or the only one.
fn taken(names: &[String]) -> &str {
    match names {
        [only] => only,
        _ => DEFAULT,
    }
}

/// Calls a database of the metadata `default`, also where relationships name it.
fn rename(metadata: &mut Value, taken: &str) {
    if taken == DEFAULT {
        return;
    }
    for source in metadata["sources"].as_array_mut().into_iter().flatten() {
        if source["name"] == taken {
            source["name"] = DEFAULT.into();
        }
    }
    let mut waiting = vec![metadata];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(source) = fields.get_mut("to_source").and_then(|target| target.get_mut("source"))
                    && *source == *taken
                {
                    *source = DEFAULT.into();
                }
                waiting.extend(fields.values_mut());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
}

/// What is in a folder, if it is there.
fn entries(folder: &Path) -> Result<Vec<String>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).map_err(|source| io("read", folder, source))?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The databases that a folder of migrations or seeds has a folder for; none as config version 2 has them.
fn databases(from: &Path) -> Result<Vec<String>, Error> {
    // A folder of a migration begins with its version; that of a database does not hold up.sql.
    let is_source = |name: &String| {
        let path = from.join(name);
        path.is_dir() && !path.join("up.sql").is_file() && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    Ok(entries(from)?.into_iter().filter(is_source).collect())
}

/// The files of `<from>/<database>/…`, or of `<from>/…` as config version 2 has them.
fn gather(from: &Path, to: &Path, database: &str, copies: &mut Vec<Copy>) -> Result<(), Error> {
    let root = if databases(from)?.is_empty() { from.to_owned() } else { from.join(database) };
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for name in entries(&root.join(&folder))? {
            let path = folder.join(&name);
            if root.join(&path).is_dir() {
                waiting.push(path);
            } else if name.ends_with(".sql") || name.ends_with(".yaml") {
                copies.push(Copy { from: root.join(&path), to: to.join(&path) });
            }
        }
    }
    Ok(())
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}

fn conflict(path: &Path) -> Error {
    Error::Usage {
        message: format!("{} is there already, with other contents", path.display()),
        fix: "move it away, or import into another project".to_owned(),
    }
}
