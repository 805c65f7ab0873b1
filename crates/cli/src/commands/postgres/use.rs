use std::path::PathBuf;

use postgres::{Installation, Source, Version, Wanted};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Choose the PostgreSQL this project uses
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself postgres use 18\n  nself postgres use portable\n  nself postgres use /usr/lib/postgresql/15/bin"
)]
pub struct Args {
    /// A version (18, 18.4), `portable`, or the folder of the programs
    #[arg(value_name = "VERSION|portable|FOLDER")]
    which: String,
}

#[derive(Debug, Serialize)]
struct UseReport {
    #[serde(flatten)]
    installation: Installation,
    /// The settings that were written.
    changes: Vec<project::config::Change>,
}

impl View for UseReport {
    fn text(&self, page: &mut Page) {
        let Installation { version, bin, .. } = &self.installation;
        page.line(format!("This project uses PostgreSQL {version} in {}.", bin.display()));
        for change in &self.changes {
            page.line(format!("  {} is set in {}", change.name, change.file.display()));
        }
        page.next(&[("nself restart", "if the project is running")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    let settings = project.settings(cx.env.as_deref())?;
    let installation = choose(&args.which)?;
    if let Some(data) = postgres::data_major(&project.data_dir().join("postgres"))
        && data != installation.version.major
    {
        // Refused here, not at the next start: the setting would only make that one fail.
        return Err(postgres::Error::OtherMajor {
            directory: project.data_dir().join("postgres"),
            found: data,
            installed: installation.version,
        }
        .into());
    }
    let major = installation.version.major.to_string();
    let bin = installation.bin.display().to_string();
    // A version can be shared with others in a file under version control; a folder is of this machine alone.
    let by_version = Version::parse(&args.which).is_some() && !args.which.contains('/');
    let wanted = if by_version {
        [("POSTGRES_BIN", ""), ("POSTGRES_VERSION", major.as_str())]
    } else {
        [("POSTGRES_BIN", bin.as_str()), ("", "")]
    };
    let mut changes = Vec::new();
    for (name, value) in
        wanted.into_iter().filter(|(name, value)| !name.is_empty() && (!value.is_empty() || settings.is_set(name)))
    {
        changes.push(project::config::set(&project, cx.env.as_deref(), name, value)?);
    }
    Ok(Box::new(UseReport { installation, changes }))
}

/// The installation that the words mean.
fn choose(which: &str) -> Result<Installation, postgres::Error> {
    if which.contains('/') {
        let path = PathBuf::from(which);
        let path = path.canonicalize().unwrap_or(path);
        return postgres::find(&Wanted { path: Some(path), ..Wanted::default() });
    }
    let version = Version::parse(which);
    let fits = |one: &Installation| match version {
        Some(version) => one.version.major == version.major && (!which.contains('.') || one.version == version),
        None => which == "portable" && one.source == Source::Portable,
    };
    postgres::list().into_iter().find(fits).ok_or_else(|| postgres::Error::BadInstallation {
        path: PathBuf::from(which),
        reason: "no PostgreSQL like that is on this machine".to_owned(),
    })
}
