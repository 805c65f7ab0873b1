use runtimes::embedded::{self, Control};
use stack::control::Request;

use crate::{Context, Outcome};

/// Stop and start the stack, or only some services
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself restart\n  nself restart api\n  nself restart --timeout 60")]
pub struct Args {
    /// Only these services
    services: Vec<String>,
    /// Seconds to wait for readiness
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Everything (the same as naming no service)
    #[arg(short, long)]
    all: bool,
    /// Only what changed; today the same as everything
    #[arg(short, long, hide = true)]
    smart: bool,
    #[command(flatten)]
    words: super::accepted::Words,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    if args.all || args.smart || args.services.is_empty() {
        // What cannot start again is not stopped.
        project::secrets::ensure(&project, cx.env.as_deref())?;
        cx.plan()?;
        embedded::stop(&project, super::stop::limit(cx, None))?;
        return super::start::run(cx, super::start::Args::again(args.timeout));
    }
    let mut control = Control::connect(&project)?;
    control.ask(&Request::Restart { services: args.services.clone() })?;
    super::start::run(cx, super::start::Args::again(args.timeout))
}
