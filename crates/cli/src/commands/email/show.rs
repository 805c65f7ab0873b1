use clap::ValueEnum;
use mail::{Found, Person, Reader};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{printable, printable_lines};
use crate::commands::Silent;
use crate::{Context, Error, Outcome};

/// Show a caught message
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself email show latest\n  nself email show 3f2a9c01 --print html > mail.html\n  nself email show latest --print link"
)]
pub struct Args {
    /// The message's id or the beginning of it, or latest
    id: String,
    /// Print only this part of it, as it is
    #[arg(long, value_enum)]
    print: Option<Part>,
}

/// A part of a message for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The first link
    Link,
    /// Every link, one a line
    Links,
    Text,
    Html,
    /// The message byte by byte
    Source,
    Id,
}

/// A message in both faces.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct MessageReport(Found);

impl View for MessageReport {
    fn text(&self, page: &mut Page) {
        let Found { summary, text, links, .. } = &self.0;
        let written = |person: &Person| match &*person.name {
            "" => printable(&person.address),
            name => printable(&format!("{name} <{}>", person.address)),
        };
        let list = |people: &[Person]| people.iter().map(written).collect::<Vec<_>>().join(", ");
        let people = &summary.people;
        let mut rows = vec![
            ("Subject", printable(&summary.subject)),
            ("From", people.from.as_ref().map(written).unwrap_or_default()),
            ("To", list(&people.to)),
            ("Cc", list(&people.cc)),
            ("Bcc", list(&people.bcc)),
            ("Received", summary.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
            ("Id", summary.id.clone()),
        ];
        rows.retain(|(_, value)| !value.is_empty());
        page.pairs(&rows);
        page.blank();
        page.line(printable_lines(text));
        if !links.is_empty() {
            page.heading("Links");
            for link in links {
                let link = page.paint(Style::Link, &printable(link));
                page.line(format!("  {link}"));
            }
        }
    }
}

/// The report of a message, or the one part of it that was asked for, on stdout.
pub fn report(cx: &Context, found: Found, part: Option<Part>) -> Outcome {
    let Some(part) = part else { return Ok(Box::new(MessageReport(found))) };
    let text = match part {
        Part::Link => match found.links.first() {
            Some(link) => format!("{link}\n"),
            None => {
                let message = format!("the mail {} has no link", found.summary.id);
                let fix = format!("nself email show {}", found.summary.id);
                return Err(Error::Usage { message, fix }.into());
            }
        },
        Part::Links => found.links.iter().map(|link| format!("{link}\n")).collect(),
        Part::Text => found.text,
        Part::Html => found.html,
        Part::Source => String::from_utf8_lossy(&found.source).into_owned(),
        Part::Id => format!("{}\n", found.summary.id),
    };
    cx.terminal.raw(&text);
    Ok(Box::new(Silent))
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let database = cx.client(&settings)?;
    let reader = Reader(&database.client);
    let found = match &*args.id {
        "latest" => database.runtime.block_on(reader.newest(&mail::Wanted::default()))?,
        id => database.runtime.block_on(reader.get(id))?,
    };
    let found = found.ok_or_else(|| Error::Usage {
        message: format!("there is no message {}", printable(&args.id)),
        fix: "nself email inbox".to_owned(),
    })?;
    report(cx, found, args.print)
}
