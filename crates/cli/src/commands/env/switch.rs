use project::{EnvName, environments};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Make an environment the active one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env switch staging\n  nself env switch dev")]
pub struct Args {
    name: String,
}

#[derive(Debug, Serialize)]
struct SwitchReport {
    active: EnvName,
}

impl View for SwitchReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} is the active environment.", self.active));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let active = environments::switch(&cx.project()?, &args.name)?;
    for name in ["TARGET_ENV", "NSELF_ENV"].into_iter().filter(|name| std::env::var_os(name).is_some()) {
        cx.terminal.warn(&format!("{name} is set in this shell and goes before it"));
    }
    Ok(Box::new(SwitchReport { active }))
}
