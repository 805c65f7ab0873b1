use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use runtimes::embedded::{self, Filter, Follow};
use serde::Serialize;
use stack::log::{Level, Line};
use terminal::{Failure, Page, Style, View};

use crate::{Context, Error, Outcome};

/// Show or follow the logs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself logs\n  nself logs -f postgres\n  nself logs --level warn --since 1h --search timeout"
)]
pub struct Args {
    /// Services; all when none is named (server and gateway are names, too)
    services: Vec<String>,
    /// Go on showing new lines until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 50)]
    tail: usize,
    /// Only lines with this text, upper or lower case
    #[arg(short, long, value_name = "TEXT")]
    search: Option<String>,
    /// Only this level and worse: debug, info, warn or error
    #[arg(short, long, value_name = "LEVEL", value_parser = ["debug", "info", "warn", "error"])]
    level: Option<String>,
    /// Only errors
    #[arg(short, long)]
    errors: bool,
    /// Only lines newer than this: 30s, 15m, 2h, 1d, or a time like 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what matters: warnings and errors
    #[arg(short, long, conflicts_with_all = ["level", "errors"])]
    quiet: bool,
    /// Only the service and the message, without time and fields
    #[arg(short, long)]
    compact: bool,
    // As the Bash tool spelled more lines.
    #[arg(long, hide = true)]
    more: bool,
    #[arg(long, hide = true)]
    all: bool,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct LogsReport {
    lines: Vec<Line>,
    #[serde(skip)]
    compact: bool,
}

impl View for LogsReport {
    fn text(&self, page: &mut Page) {
        for line in &self.lines {
            show(page, line, self.compact);
        }
    }
}

fn show(page: &mut Page, line: &Line, compact: bool) {
    let style = match line.level {
        Level::Debug => Style::Dim,
        Level::Info => Style::Plain,
        Level::Warn => Style::Warning,
        Level::Error => Style::Bad,
    };
    if compact {
        let service = page.paint(Style::Link, &format!("{:<10}", line.service));
        return page.line(format!("{service} {}", page.paint(style, &line.message)));
    }
    let time = line.ts.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let fields: String = line.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    page.line(format!(
        "{} {} {}{}",
        page.paint(Style::Dim, &time),
        page.paint(Style::Link, &format!("{:<10}", line.service)),
        page.paint(style, &line.message),
        page.paint(Style::Dim, &fields)
    ));
}

/// One line as `logs` prints it.
pub fn print(cx: &Context, line: &Line) {
    print_line(cx, line, false);
}

fn print_line(cx: &Context, line: &Line, compact: bool) {
    let mut page = cx.terminal.page();
    if cx.terminal.json() {
        cx.terminal.raw(&(serde_json::to_string(line).unwrap_or_default() + "\n"));
    } else {
        show(&mut page, line, compact);
        cx.terminal.raw(&page.finish());
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let folder = cx.project()?.logs_dir();
    known(cx, &folder, &args.services)?;
    let level = match (args.errors, args.quiet) {
        (true, _) => Some("error"),
        (_, true) => Some("warn"),
        _ => args.level.as_deref(),
    };
    let tail = if args.all { args.tail.max(100) } else { args.tail };
    let filter = Filter {
        services: args.services,
        search: args.search,
        level: level.map(level_named),
        since: args.since.as_deref().map(moment).transpose()?,
    };
    if !args.follow {
        return Ok(Box::new(LogsReport { lines: embedded::read(&folder, &filter, tail)?, compact: args.compact }));
    }
    let mut follow = Follow::new(&folder, filter.clone())?;
    for line in embedded::read(&folder, &filter, tail)? {
        print_line(cx, &line, args.compact);
    }
    loop {
        for line in follow.poll()? {
            print_line(cx, &line, args.compact);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}

/// Refuses a name that is neither in the plan nor has a log: no lines would look like a quiet service.
fn known(cx: &Context, folder: &Path, names: &[String]) -> Result<(), Failure> {
    let strange = |name: &&String| !folder.join(format!("{name}.log")).is_file();
    let Some(name) = names.iter().find(strange) else { return Ok(()) };
    let mut known = vec!["server".to_owned(), "gateway".to_owned()];
    known.extend(cx.plan()?.services.into_iter().map(|service| service.name));
    if known.contains(name) {
        return Ok(());
    }
    Err(runtimes::Error::UnknownService { name: name.clone(), known }.into())
}

fn level_named(name: &str) -> Level {
    match name {
        "debug" => Level::Debug,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Info,
    }
}

/// A moment in the past: a span back from now, or a time stamp.
fn moment(text: &str) -> Result<Timestamp, Error> {
    let span = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let number: i64 = number.parse().ok()?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        number.checked_mul(seconds)
    });
    let parsed = match span {
        Some(seconds) => Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(seconds)).ok(),
        None => text.parse().ok(),
    };
    parsed.ok_or_else(|| Error::Usage {
        message: format!("--since {text} is no time"),
        fix: "write 30s, 15m, 2h, 1d, or a time like 2026-01-31T12:00:00Z".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn understands_spans_and_time_stamps() {
        let hour = Timestamp::now().as_second() - moment("1h").unwrap().as_second();
        assert!((3599..=3601).contains(&hour));
        assert_eq!(moment("2026-01-31T12:00:00Z").unwrap().as_second(), 1_769_860_800);
        for bad in ["", "h", "yesterday", "99999999999999999999d", "é"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
