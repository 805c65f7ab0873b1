use database::seed;

use crate::{
    Context, Outcome,
    commands::db::{CreatedReport, shown},
};

/// Write a new seed file to fill in
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself seed create coupons\n  nself seed create countries --common\n  nself seed create demo_users --env staging"
)]
pub struct Args {
    /// What it fills, in a few words
    #[arg(required = true, num_args = 1..)]
    name: Vec<String>,
    /// For every environment, not only this one
    #[arg(long)]
    common: bool,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let seeds = super::seeds(cx, &settings)?;
    let created = seed::create(&seeds, &args.name.join(" "), args.common)?;
    Ok(Box::new(CreatedReport { file: shown(cx, created.file), next: "nself seed" }))
}
