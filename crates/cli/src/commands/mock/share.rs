use std::path::PathBuf;

use database::mock;
use serde::Serialize;
use terminal::{Page, View};

use super::folder;
use crate::{Context, Outcome, commands::db::shown};

/// Pack the configuration and the seed into one file
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself mock export -o mock.tar.gz\n  nself mock export")]
pub struct Export {
    /// The file to write
    #[arg(long, short, value_name = "FILE", default_value = "mock.tar.gz")]
    output: PathBuf,
}

/// Take over a configuration and a seed that somebody exported
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself mock import mock.tar.gz\n  nself mock import mock.tar.gz --force")]
pub struct Import {
    file: PathBuf,
    /// Write over a configuration that differs
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Serialize)]
struct ExportReport {
    file: PathBuf,
}

impl View for ExportReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("Wrote {}", self.file.display()));
        page.next(&[("on another machine", format!("nself mock import {}", self.file.display()).as_str())]);
    }
}

#[derive(Debug, Serialize)]
struct ImportReport {
    files: Vec<PathBuf>,
}

impl View for ImportReport {
    fn text(&self, page: &mut Page) {
        for file in &self.files {
            page.line(format!("Wrote {}", file.display()));
        }
        page.next(&[("make the rows", "nself mock generate")]);
    }
}

pub fn export(cx: &Context, args: Export) -> Outcome {
    mock::export(&folder(cx)?, &args.output)?;
    Ok(Box::new(ExportReport { file: args.output }))
}

pub fn import(cx: &Context, args: Import) -> Outcome {
    let files = mock::import(&folder(cx)?, &args.file, args.force)?;
    Ok(Box::new(ImportReport { files: files.into_iter().map(|file| shown(cx, file)).collect() }))
}
