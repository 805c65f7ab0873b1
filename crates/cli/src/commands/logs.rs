use std::time::Duration;

use jiff::Timestamp;
use runtimes::embedded::{self, Filter, Follow};
use serde::Serialize;
use stack::log::{Level, Line};
use terminal::{Page, Style, View};

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
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct LogsReport(Vec<Line>);

impl View for LogsReport {
    fn text(&self, page: &mut Page) {
        for line in &self.0 {
            show(page, line);
        }
    }
}

fn show(page: &mut Page, line: &Line) {
    let style = match line.level {
        Level::Debug => Style::Dim,
        Level::Info => Style::Plain,
        Level::Warn => Style::Warning,
        Level::Error => Style::Bad,
    };
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
    let mut page = cx.terminal.page();
    if cx.terminal.json() {
        cx.terminal.raw(&(serde_json::to_string(line).unwrap_or_default() + "\n"));
    } else {
        show(&mut page, line);
        cx.terminal.raw(&page.finish());
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let folder = cx.project()?.logs_dir();
    let level = if args.errors { Some("error") } else { args.level.as_deref() };
    let filter = Filter {
        services: args.services,
        search: args.search,
        level: level.map(level_named),
        since: args.since.as_deref().map(moment).transpose()?,
    };
    if !args.follow {
        return Ok(Box::new(LogsReport(embedded::read(&folder, &filter, args.tail)?)));
    }
    let mut follow = Follow::new(&folder, filter.clone())?;
    for line in embedded::read(&folder, &filter, args.tail)? {
        print(cx, &line);
    }
    loop {
        for line in follow.poll()? {
            print(cx, &line);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
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
