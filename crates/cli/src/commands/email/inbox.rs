use mail::{Person, Reader, Summary};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{Which, printable};
use crate::{Context, Outcome};

/// Show what the mail catcher has caught, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself email inbox\n  nself email inbox --to ann@example.com --limit 1\n  nself email inbox --unread --json"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only those that nobody has read
    #[arg(long)]
    unread: bool,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, Serialize)]
struct InboxReport {
    messages: Vec<Summary>,
}

impl View for InboxReport {
    fn text(&self, page: &mut Page) {
        if self.messages.is_empty() {
            page.line("No message.");
            page.next(&[("nself email test you@example.com", "send one"), ("nself urls", "where the inbox page is")]);
            return;
        }
        let addresses =
            |people: &[Person]| people.iter().map(|one| one.address.as_str()).collect::<Vec<_>>().join(", ");
        let row = |message: &Summary| {
            let people = [&message.people.to, &message.people.cc, &message.people.bcc].map(|list| addresses(list));
            let to = people.iter().filter(|list| !list.is_empty()).cloned().collect::<Vec<_>>().join(", ");
            let style = if message.read { Style::Plain } else { Style::Bold };
            vec![
                (message.id.get(..8).unwrap_or(&message.id).to_owned(), Style::Dim),
                (message.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(), Style::Dim),
                (printable(&to), Style::Plain),
                (printable(&message.subject), style),
            ]
        };
        page.table(&["id", "received", "to", "subject"], &self.messages.iter().map(row).collect::<Vec<_>>());
        page.next(&[("nself email show <id>", "read one")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let database = cx.client(&settings)?;
    let mut wanted = args.which.wanted();
    wanted.unread = args.unread;
    let messages = database.runtime.block_on(Reader(&database.client).list(&wanted, args.limit))?;
    Ok(Box::new(InboxReport { messages }))
}
