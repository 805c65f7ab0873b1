//! The caught mails in PostgreSQL (schema `mail`). Who writes tells everybody who listens to [`CHANNEL`], also in other
//! processes.

use bytes::Bytes;
use jiff::Timestamp;
use postgres::Pool;
use serde::Serialize;
use tokio_postgres::{Client, Row};

use crate::Error;
use crate::parse::{self, People};
use crate::search::Filter;

/// Where `NOTIFY` tells of a new message, with its id.
pub(crate) const CHANNEL: &str = "nself_mail";

const SCHEMA: &str = include_str!("../../../assets/sql/mail/schema.sql");
/// Two services that start at once must not make the schema at once. Any number that nobody else uses.
const LOCK: i64 = 0x6e73_656c_6d61_696c;

/// A mail as it came in.
#[derive(Clone, Default)]
pub(crate) struct Incoming {
    pub helo: String,
    pub username: String,
    pub from: String,
    pub to: Vec<String>,
    pub raw: Bytes,
}

/// A line of a list, in the shape of Mailpit's API.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Summary {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "MessageID")]
    pub message_id: String,
    pub read: bool,
    #[serde(flatten)]
    pub people: People,
    pub subject: String,
    pub created: Timestamp,
    pub username: String,
    pub tags: Vec<String>,
    /// Bytes.
    pub size: i32,
    pub attachments: i32,
    pub snippet: String,
}

/// A message with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub summary: Summary,
    pub helo: String,
    pub from: String,
    pub to: Vec<String>,
    pub raw: Vec<u8>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub total: i64,
    pub unread: i64,
    /// Bytes.
    pub size: i64,
}

/// Which of the newest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub start: i64,
    pub limit: i64,
}

const LINE: &str = "id, received_at, username, message_id, subject, addresses, attachments, snippet, tags, read, \
     octet_length(raw) AS size";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
    /// Zero: all.
    keep: i64,
}

impl Store {
    /// Makes the tables where they are missing.
    pub(crate) async fn open(pool: Pool, keep: usize) -> Result<Self, Error> {
        let mut client = pool.get().await.map_err(Error::Connect)?;
        let made = async {
            let transaction = client.transaction().await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
            transaction.batch_execute(SCHEMA).await?;
            transaction.commit().await
        };
        made.await.map_err(Error::Migrate)?;
        drop(client);
        Ok(Self { pool, keep: i64::try_from(keep).unwrap_or(i64::MAX) })
    }

    /// Keeps a message, and lets go of the oldest beyond the limit. Durable when it returns.
    pub(crate) async fn insert(&self, mail: &Incoming) -> Result<Summary, StoreError> {
        let digest = parse::digest(&mail.raw, &mail.to);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let addresses = serde_json::to_value(&digest.people).unwrap_or_default();
        let to: Vec<String> = mail.to.iter().map(|address| parse::storable(address)).collect();
        let (helo, username) = (parse::storable(&mail.helo), parse::storable(&mail.username));
        let from = parse::storable(&mail.from);
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let sql = format!(
            "INSERT INTO mail.messages (id, helo, username, envelope_from, envelope_to, message_id, subject, addresses, \
             attachments, inline_parts, snippet, search_text, tags, raw) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING {LINE}"
        );
        let raw: &[u8] = &mail.raw;
        let row = transaction
            .query_one(
                &sql,
                &[
                    &id,
                    &helo,
                    &username,
                    &from,
                    &to,
                    &digest.message_id,
                    &digest.subject,
                    &addresses,
                    &digest.attachments,
                    &digest.inline,
                    &digest.snippet,
                    &digest.search_text,
                    &digest.tags,
                    &raw,
                ],
            )
            .await?;
        if self.keep > 0 {
            let oldest = "DELETE FROM mail.messages WHERE number <= \
                 (SELECT number FROM mail.messages ORDER BY number DESC OFFSET $1 LIMIT 1)";
            transaction.execute(oldest, &[&self.keep]).await?;
        }
        transaction.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &id]).await?;
        transaction.commit().await?;
        Ok(summary(&row)?)
    }

    pub(crate) async fn list(&self, filter: &Filter, window: Window) -> Result<Vec<Summary>, StoreError> {
        list(&**self.pool.get().await?, filter, window).await
    }

    pub(crate) async fn counts(&self, filter: &Filter) -> Result<Counts, StoreError> {
        let (condition, values) = filter.sql();
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE NOT read), coalesce(sum(octet_length(raw)), 0)::bigint \
             FROM mail.messages WHERE {condition}"
        );
        let row = self.pool.get().await?.query_one(&sql, &values).await?;
        Ok(Counts { total: row.try_get(0)?, unread: row.try_get(1)?, size: row.try_get(2)? })
    }

    /// The newest of those.
    pub(crate) async fn newest(&self, filter: &Filter) -> Result<Option<Stored>, StoreError> {
        newest(&**self.pool.get().await?, filter).await
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        self.newest(&Filter::ids(vec![id.to_owned()])).await
    }

    /// With their bytes, newest first.
    pub(crate) async fn whole(&self, filter: &Filter, window: Window) -> Result<Vec<Stored>, StoreError> {
        whole(&**self.pool.get().await?, filter, window).await
    }

    /// Marks them; how many were changed.
    pub(crate) async fn mark(&self, filter: &Filter, read: bool) -> Result<u64, StoreError> {
        let (condition, values) = filter.sql();
        let sql = match read {
            true => format!("UPDATE mail.messages SET read = true WHERE NOT read AND {condition}"),
            false => format!("UPDATE mail.messages SET read = false WHERE read AND {condition}"),
        };
        Ok(self.pool.get().await?.execute(&sql, &values).await?)
    }

    pub(crate) async fn delete(&self, filter: &Filter) -> Result<u64, StoreError> {
        let (condition, values) = filter.sql();
        let sql = format!("DELETE FROM mail.messages WHERE {condition}");
        Ok(self.pool.get().await?.execute(&sql, &values).await?)
    }

    /// Every tag with how many messages have it.
    pub(crate) async fn tags(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT tag, count(*) FROM mail.messages, unnest(tags) tag GROUP BY tag ORDER BY tag";
        let rows = self.pool.get().await?.query(sql, &[]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    pub(crate) async fn tag(&self, ids: &[String], tags: &[String]) -> Result<u64, StoreError> {
        let sql = "UPDATE mail.messages SET tags = $2 WHERE id = ANY($1)";
        Ok(self.pool.get().await?.execute(sql, &[&ids, &tags]).await?)
    }

    pub(crate) async fn reachable(&self) -> Result<(), StoreError> {
        self.pool.get().await?.simple_query("SELECT 1").await?;
        Ok(())
    }
}

pub(crate) async fn list(client: &Client, filter: &Filter, window: Window) -> Result<Vec<Summary>, StoreError> {
    let (condition, mut values) = filter.sql();
    let (limit, start) = (values.len() + 1, values.len() + 2);
    values.push(&window.limit);
    values.push(&window.start);
    let sql = format!(
        "SELECT {LINE} FROM mail.messages WHERE {condition} ORDER BY number DESC LIMIT ${limit} OFFSET ${start}"
    );
    let rows = client.query(&sql, &values).await?;
    rows.iter().map(|row| Ok(summary(row)?)).collect()
}

pub(crate) async fn whole(client: &Client, filter: &Filter, window: Window) -> Result<Vec<Stored>, StoreError> {
    let (condition, mut values) = filter.sql();
    let (limit, start) = (values.len() + 1, values.len() + 2);
    values.push(&window.limit);
    values.push(&window.start);
    let sql = format!(
        "SELECT {LINE}, helo, envelope_from, envelope_to, raw FROM mail.messages WHERE {condition} \
         ORDER BY number DESC LIMIT ${limit} OFFSET ${start}"
    );
    let rows = client.query(&sql, &values).await?;
    let stored = |row: &Row| -> Result<Stored, StoreError> {
        Ok(Stored {
            summary: summary(row)?,
            helo: row.try_get("helo")?,
            from: row.try_get("envelope_from")?,
            to: row.try_get("envelope_to")?,
            raw: row.try_get("raw")?,
        })
    };
    rows.iter().map(stored).collect()
}

pub(crate) async fn newest(client: &Client, filter: &Filter) -> Result<Option<Stored>, StoreError> {
    Ok(whole(client, filter, Window { start: 0, limit: 1 }).await?.pop())
}

/// Why the inbox cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the inbox's database cannot be reached")]
    Connect(#[from] postgres::Error),
    #[error("the inbox cannot be read or written")]
    Sql(#[from] tokio_postgres::Error),
}

impl StoreError {
    /// PostgreSQL's own words where it has some.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Connect(error) => error.to_string(),
            Self::Sql(error) => {
                error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
            }
        }
    }
}

fn summary(row: &Row) -> Result<Summary, tokio_postgres::Error> {
    let people: serde_json::Value = row.try_get("addresses")?;
    Ok(Summary {
        id: row.try_get("id")?,
        message_id: row.try_get("message_id")?,
        read: row.try_get("read")?,
        // Written by this module.
        people: serde_json::from_value(people).unwrap_or_default(),
        subject: row.try_get("subject")?,
        created: row.try_get("received_at")?,
        username: row.try_get("username")?,
        tags: row.try_get("tags")?,
        size: row.try_get("size")?,
        attachments: row.try_get("attachments")?,
        snippet: row.try_get("snippet")?,
    })
}
