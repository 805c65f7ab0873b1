use project::secrets;

use super::MadeReport;
use crate::{Context, Outcome};

/// Make the required secrets that are missing or weak
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself config secrets generate\n  nself config secrets generate --env prod")]
pub struct Args {}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let made = secrets::fill_in(&cx.project()?, cx.env.as_deref())?;
    Ok(Box::new(MadeReport { made }))
}
