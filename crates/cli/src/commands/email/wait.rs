use std::time::Duration;

use mail::NothingCame;

use super::show::{self, Part};
use super::{Which, duration};
use crate::{Context, Outcome};

/// Wait for a mail and show it: for tests
///
/// A mail that came in the last minutes counts, too, so that a mail that is faster than this command is not missed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself email wait --to ann@example.com --subject \"sign in\" --timeout 5s\n  nself email wait --to ann@example.com --print link\n  nself email wait --to ann@example.com --json | jq -r .Headers.X-Ticket[0]"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// How long to wait
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    timeout: Duration,
    /// How old a mail may be that is there already
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m")]
    since: Duration,
    /// Print only this part of it, as it is
    #[arg(long, value_enum)]
    print: Option<Part>,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    // Whether the stack runs is known at once, and nothing to wait for.
    drop(cx.client(&settings)?);
    let mut wanted = args.which.wanted();
    wanted.since = Some(args.since);
    let config = crate::context::connection(&settings);
    let found = cx.runtime()?.block_on(mail::wait(&config, &wanted, args.timeout))?;
    let found = found.ok_or(NothingCame { limit: args.timeout })?;
    show::report(cx, found, args.print)
}
