//! The inbox from another process: a command line that reads it, and waits for a mail.

use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use serde::Serialize;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::parse;
use crate::search::Filter;
use crate::store::{self, CHANNEL, StoreError, Stored, Summary, Window};

/// Which mail. Parts of words are enough, and case does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of the envelope's recipients.
    pub to: Option<String>,
    pub from: Option<String>,
    pub subject: Option<String>,
    /// Anywhere in subject, text, addresses and names of attachments.
    pub containing: Option<String>,
    /// A search in Mailpit's words.
    pub query: Option<String>,
    /// Received no longer ago than this.
    pub since: Option<Duration>,
    pub unread: bool,
}

/// A mail with what people and tests want of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    #[serde(flatten)]
    pub summary: Summary,
    pub text: String,
    #[serde(rename = "HTML")]
    pub html: String,
    pub links: Vec<String>,
    /// Every header with its values.
    pub headers: serde_json::Map<String, serde_json::Value>,
    #[serde(skip)]
    pub source: Vec<u8>,
}

/// Reads the inbox over a connection of its own.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a Client);

impl Wanted {
    fn filter(&self) -> Filter {
        let mut filter = Filter::parse(self.query.as_deref().unwrap_or_default());
        if let Some(to) = &self.to {
            filter = filter.recipient(to);
        }
        if let Some(from) = &self.from {
            filter = filter.sender(from);
        }
        if let Some(subject) = &self.subject {
            filter = filter.subject(subject);
        }
        if let Some(words) = &self.containing {
            filter = filter.containing(words);
        }
        if let Some(since) = self.since {
            filter = filter.within(since.as_secs_f64());
        }
        if self.unread { filter.unread() } else { filter }
    }
}

impl Reader<'_> {
    /// The newest, newest first. An inbox that was never started is empty.
    ///
    /// # Errors
    /// PostgreSQL does not answer.
    pub async fn list(&self, wanted: &Wanted, limit: u32) -> Result<Vec<Summary>, StoreError> {
        let window = Window { start: 0, limit: limit.into() };
        missing_is_empty(store::list(self.0, &wanted.filter(), window).await)
    }

    /// By its id, or the beginning of it.
    ///
    /// # Errors
    /// PostgreSQL does not answer.
    pub async fn get(&self, id: &str) -> Result<Option<Found>, StoreError> {
        let found = missing_is_empty(store::newest(self.0, &Filter::all().id_begins(id)).await)?;
        Ok(found.map(Found::new))
    }

    /// The newest that fits.
    ///
    /// # Errors
    /// PostgreSQL does not answer.
    pub async fn newest(&self, wanted: &Wanted) -> Result<Option<Found>, StoreError> {
        let found = missing_is_empty(store::newest(self.0, &wanted.filter()).await)?;
        Ok(found.map(Found::new))
    }
}

/// The newest mail that fits, as soon as there is one; `None` when the time is over.
///
/// # Errors
/// PostgreSQL cannot be reached, or goes away.
pub async fn wait(config: &Config, wanted: &Wanted, limit: Duration) -> Result<Option<Found>, StoreError> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let (told, mut news) = mpsc::unbounded();
    // Drives the connection, and passes on what it is told of. It ends with the client.
    let driver = tokio::spawn(async move {
        let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(_)) => {
                    let _ = told.unbounded_send(Ok(()));
                }
                Ok(_) => {}
                Err(error) => {
                    let _ = told.unbounded_send(Err(error));
                    return;
                }
            }
        }
    });
    let found = async {
        // Before the first look, so that nothing falls between the two.
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        loop {
            if let Some(found) = Reader(&client).newest(wanted).await? {
                return Ok(Some(found));
            }
            match news.next().await {
                Some(told) => told?,
                None => return Ok(None),
            }
        }
    };
    let result = tokio::time::timeout(limit, found).await.unwrap_or(Ok(None));
    driver.abort();
    result
}

/// The tables are made when the catcher starts for the first time.
fn missing_is_empty<T: Default>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    match result {
        Err(StoreError::Sql(error)) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(T::default()),
        other => other,
    }
}

impl Found {
    fn new(stored: Stored) -> Self {
        let content = parse::parse(&stored.raw).map(|message| parse::content(&message));
        let (text, html, links) =
            content.map(|content| (content.text, content.html, content.links)).unwrap_or_default();
        Self {
            headers: crate::api::headers(&stored.raw),
            summary: stored.summary,
            text,
            html,
            links,
            source: stored.raw,
        }
    }
}
