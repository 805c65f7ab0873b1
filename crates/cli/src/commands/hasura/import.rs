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
    let mut other_sources = Vec::new();
    let mut copies = Vec::new();
    for (key, default) in [("migrations_directory", "migrations"), ("seeds_directory", "seeds")] {
        let from = directory(key, default);
        let to = project.root().join("hasura").join(default).join("default");
        other_sources.extend(gather(&from, &to, &mut copies)?);
    }
    let metadata_folder = directory("metadata_directory", "metadata");
    let metadata = match metadata::folder::read(&metadata_folder) {
        Ok(metadata) => Some(metadata),
        Err(metadata::folder::Error::Missing { .. }) if !copies.is_empty() => None,
        Err(error) => return Err(error.into()),
    };
    let sources = metadata.iter().flat_map(|metadata| metadata["sources"].as_array()).flatten();
    let others = sources.filter_map(|source| source["name"].as_str()).filter(|name| *name != "default");
    other_sources.extend(others.map(str::to_owned));
    other_sources.sort();
    other_sources.dedup();
    let mut report = ImportReport {
        dry_run: args.dry_run,
        copied: Vec::new(),
        same: 0,
        metadata: metadata.is_some(),
        other_sources,
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

/// The files of `<from>/default/…`, or of `<from>/…` as config version 2 has them; the other folders' names.
fn gather(from: &Path, to: &Path, copies: &mut Vec<Copy>) -> Result<Vec<String>, terminal::Failure> {
    let names = |folder: &Path| -> Result<Vec<String>, Error> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(folder).map_err(|source| io("read", folder, source))?;
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    };
    // A folder of a migration begins with its version; that of a database does not hold up.sql.
    let is_source = |name: &String| {
        let path = from.join(name);
        path.is_dir() && !path.join("up.sql").is_file() && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    let all = names(from)?;
    let sources: Vec<String> = all.iter().filter(|name| is_source(name)).cloned().collect();
    let root = if sources.is_empty() { from.to_owned() } else { from.join("default") };
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for name in names(&root.join(&folder))? {
            let path = folder.join(&name);
            if root.join(&path).is_dir() {
                waiting.push(path);
            } else if name.ends_with(".sql") || name.ends_with(".yaml") {
                copies.push(Copy { from: root.join(&path), to: to.join(&path) });
            }
        }
    }
    Ok(sources.into_iter().filter(|name| name != "default").collect())
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
