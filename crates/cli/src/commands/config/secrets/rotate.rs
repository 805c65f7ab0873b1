use project::secrets;

use super::MadeReport;
use crate::{Context, Error, Outcome};

/// Give secrets new values
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config secrets rotate HASURA_JWT_KEY\n  nself config secrets rotate POSTGRES_PASSWORD --env staging\n  nself config secrets rotate --all"
)]
pub struct Args {
    name: Option<String>,
    /// Every secret that nself makes
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if args.name.is_none() && !args.all {
        return Err(Error::Usage {
            message: "which secret?".to_owned(),
            fix: "nself config secrets rotate NAME, or --all".to_owned(),
        }
        .into());
    }
    let made = secrets::rotate(&cx.project()?, cx.env.as_deref(), args.name.as_deref())?;
    Ok(Box::new(MadeReport { made }))
}
