use operations::explain;
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Explain an error code: what it means, why it happens, what to do
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself explain NS-PG-001\n  nself explain pg1\n  nself explain        all codes")]
pub struct Args {
    /// As the error showed it, for example NS-PG-001
    code: Option<String>,
}

#[derive(Debug, Serialize)]
struct PageReport {
    code: &'static str,
    title: &'static str,
    page: &'static str,
}

impl View for PageReport {
    fn text(&self, page: &mut Page) {
        let mut fenced = false;
        for line in self.page.trim_end().lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                let command = page.paint(Style::Link, line);
                page.line(format!("    {command}"));
            } else if let Some(title) = line.strip_prefix("# ") {
                page.styled(Style::Bold, title);
            } else if let Some(part) = line.strip_prefix("**").and_then(|line| line.strip_suffix("**")) {
                page.styled(Style::Bold, part);
            } else {
                page.line(line);
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct Entry {
    code: &'static str,
    title: &'static str,
}

#[derive(Debug, Serialize)]
struct CodesReport {
    codes: Vec<Entry>,
}

impl View for CodesReport {
    fn text(&self, page: &mut Page) {
        page.pairs(&self.codes.iter().map(|entry| (entry.code, entry.title)).collect::<Vec<_>>());
    }
}

pub fn run(_cx: &Context, args: Args) -> Outcome {
    match args.code {
        Some(text) => {
            let (code, page) = explain::find(&text)?;
            Ok(Box::new(PageReport { code, title: explain::title(page), page }))
        }
        None => {
            let codes = explain::pages().iter().map(|&(code, page)| Entry { code, title: explain::title(page) });
            Ok(Box::new(CodesReport { codes: codes.collect() }))
        }
    }
}
