use project::config::{self, Change};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Take a setting out of the file where it counts; its default, or a lower file, counts again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself config unset GATEWAY_PORT\n  nself config unset BASE_DOMAIN --env prod")]
pub struct Args {
    name: String,
}

#[derive(Debug, Serialize)]
struct UnsetReport {
    name: String,
    /// Where it stood; none when no file named it.
    removed: Option<Change>,
}

impl View for UnsetReport {
    fn text(&self, page: &mut Page) {
        match &self.removed {
            Some(change) => {
                page.line(format!("{} taken out of {}", change.name, change.file.display()));
                page.next(&[("nself restart", "let a running stack see it")]);
            }
            None => page.line(format!("No file sets {}.", self.name)),
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let removed = config::unset(&cx.project()?, cx.env.as_deref(), &args.name)?;
    Ok(Box::new(UnsetReport { name: args.name, removed }))
}
