//! Long work over many rows: all cores, progress with a rate, and Ctrl-C that leaves the target as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{clone, copy::Progress, place::Place, scratch};
use terminal::{Failure, Terminal};
use tokio::runtime::Runtime;

use crate::Error;

/// How often progress is told.
const EVERY: Duration = Duration::from_secs(2);

/// A runtime on all cores: rows are rewritten while others are read.
pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.map_err(|source| Error::Runtime { source })?)
}

/// Copies `from` over `to`; after Ctrl-C `to` is as it was, and nothing is left beside it.
pub fn copy(
    runtime: &Runtime,
    terminal: Terminal,
    from: &Place,
    to: &Place,
    options: &clone::Options,
    course: &dyn clone::Course,
) -> Result<clone::Report, Failure> {
    let progress = Arc::clone(&options.progress);
    let copied = runtime.block_on(async {
        let mut work = std::pin::pin!(clone::run(from, to, options, course));
        let mut ticks = tokio::time::interval(EVERY);
        let began = Instant::now();
        ticks.tick().await;
        let mut told = 0;
        loop {
            tokio::select! {
                result = &mut work => return Some(result),
                _ = ticks.tick() => told = tell(terminal, &progress, began, told),
                Ok(()) = tokio::signal::ctrl_c() => return None,
            }
        }
    });
    match copied {
        Some(result) => Ok(result?),
        None => {
            let left = runtime.block_on(scratch::clean(to));
            let state = match left {
                Ok(_) => format!("{} is as it was", to.label),
                Err(_) => {
                    format!("{} is as it was; an unfinished copy beside it goes when the next one begins", to.label)
                }
            };
            Err(Error::Interrupted { state }.into())
        }
    }
}

/// Drives work whose counts (rows, bytes) are told now and then. Ctrl-C drops it: nothing of it needs to be taken back;
/// `state` says what is left.
pub fn watched<T>(
    runtime: &Runtime,
    terminal: Terminal,
    counts: impl Fn() -> (u64, u64),
    state: &str,
    work: impl Future<Output = Result<T, database::Error>>,
) -> Result<T, Failure> {
    let done = runtime.block_on(async {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(EVERY);
        let began = Instant::now();
        ticks.tick().await;
        loop {
            tokio::select! {
                result = &mut work => return Some(result),
                _ = ticks.tick() => {
                    let (rows, bytes) = counts();
                    terminal.progress(&format!("  {rows} rows, {}", rate(bytes, began.elapsed().as_secs_f64())));
                }
                Ok(()) = tokio::signal::ctrl_c() => return None,
            }
        }
    });
    match done {
        Some(result) => Ok(result?),
        None => Err(Error::Interrupted { state: state.to_owned() }.into()),
    }
}

/// Tells how many bytes have passed when there are more than `told`; how many were told now.
fn tell(terminal: Terminal, progress: &Progress, began: Instant, told: u64) -> u64 {
    let bytes = progress.now().bytes;
    if bytes > told {
        terminal.progress(&format!("    {}", rate(bytes, began.elapsed().as_secs_f64())));
    }
    bytes
}

/// `120.5 MB, 40.2 MB/s`.
pub fn rate(bytes: u64, seconds: f64) -> String {
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB, {:.1} MB/s", megabytes / seconds.max(0.001))
}
