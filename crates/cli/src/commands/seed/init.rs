use std::path::PathBuf;

use database::seed;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome, commands::db::shown};

/// Create the folders for seeds
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself seed init")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct InitReport {
    created: Vec<PathBuf>,
}

impl View for InitReport {
    fn text(&self, page: &mut Page) {
        if self.created.is_empty() {
            page.line("The folders for seeds are there.");
        }
        for folder in &self.created {
            page.line(format!("Created {}", folder.display()));
        }
        page.next(&[("write a seed", "nself seed create <name>")]);
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let settings = cx.settings()?;
    let seeds = super::seeds(cx, &settings)?;
    let created = seed::init(&seeds)?.created.into_iter().map(|folder| shown(cx, folder)).collect();
    Ok(Box::new(InitReport { created }))
}
