use mail::send::{Known, from_address};
use mail::{Mailbox, Message};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Error, Outcome};

/// Send a mail as the project's services do
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself email test you@example.com\n  nself email test you@example.com --env prod\n  nself email test, to ADMIN_EMAIL"
)]
pub struct Args {
    /// Who gets it; ADMIN_EMAIL when nobody is named
    to: Option<String>,
    /// Its subject
    #[arg(long, default_value = "A test mail of nself")]
    subject: String,
}

#[derive(Debug, Serialize)]
struct SentReport {
    provider: &'static str,
    from: String,
    to: String,
    /// The provider's name for the mail, or its answer.
    answer: Option<String>,
}

impl View for SentReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} accepted a mail to {}.", self.provider, self.to));
        if self.provider == "mailpit" {
            page.next(&[("nself email inbox", "see it")]);
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let to = args.to.or_else(|| settings.text("ADMIN_EMAIL").filter(|to| !to.is_empty()).map(str::to_owned));
    let to = to.ok_or_else(|| Error::Usage {
        message: "nobody is named who gets the mail, and ADMIN_EMAIL is not set".to_owned(),
        fix: "nself email test you@example.com".to_owned(),
    })?;
    let address = to.parse::<Mailbox>().map_err(|error| Error::Usage {
        message: format!("{}: {error}", super::printable(&to)),
        fix: "nself email test you@example.com".to_owned(),
    })?;
    let provider = Known::chosen(&settings)?.name;
    let from = from_address(&settings)?;
    let mut message = Message::new(from.clone(), vec![address.clone()], args.subject);
    let project = settings.text("PROJECT_NAME").unwrap_or_default();
    let text = format!("This mail shows that {project} can send mail through {provider}.\n");
    message.html = Some(format!("<p>{}</p>\n", text.trim_end().replace('&', "&amp;").replace('<', "&lt;")));
    message.text = Some(text);
    let sender = super::sender(&settings)?;
    let answer = cx.runtime()?.block_on(sender.send(&message))?;
    Ok(Box::new(SentReport { provider, from: from.to_string(), to: address.to_string(), answer }))
}
