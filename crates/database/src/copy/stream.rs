use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, TryStreamExt};
use tokio_postgres::Client;

use super::RewriteRow;
use crate::{Error, text::Lines};

/// Bytes gathered before they are handed to the receiving server.
const CHUNK: usize = 128 * 1024;

/// How much passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    pub rows: u64,
    /// Of COPY's text form, as the target received it.
    pub bytes: u64,
}

impl std::ops::AddAssign for Copied {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// Counts while several streams run; whoever shows progress looks at it now and then.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    pub fn now(&self) -> Copied {
        Copied { rows: self.rows.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Makes a session write and read values in the one form that every server understands alike, whatever the database or
/// the role sets; as `pg_dump` does.
///
/// # Errors
/// [`Error::Database`].
pub async fn settle(client: &Client) -> Result<(), Error> {
    Ok(client
        .batch_execute(
            "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3; SET bytea_output = hex;
             SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
             SET row_security = off; SET xmloption = content; SET check_function_bodies = off;
             SET client_min_messages = warning; SET timezone = 'UTC'; SET synchronous_commit = off;
             SELECT pg_catalog.set_config('search_path', '', false)",
        )
        .await?)
}

/// Runs `copy_out` (`COPY … TO STDOUT`) on one server and `copy_in` (`COPY … FROM STDIN`) on another, rows passing through
/// memory only, each changed by `rewrite` where there is one. Both are in the text format.
///
/// # Errors
/// What either server or `rewrite` says. The receiving statement is then ended without effect.
pub async fn stream(
    from: &Client,
    copy_out: &str,
    to: &Client,
    copy_in: &str,
    rewrite: Option<&mut (dyn RewriteRow + Send + '_)>,
    progress: &Progress,
) -> Result<Copied, Error> {
    let rows = from.copy_out(copy_out).await?;
    let sink = to.copy_in::<_, Bytes>(copy_in).await?;
    futures::pin_mut!(rows, sink);
    let mut pump = Pump { rewrite, lines: Lines::new(), buffer: BytesMut::with_capacity(CHUNK * 2), line: Vec::new() };
    let mut copied = Copied::default();
    while let Some(chunk) = rows.try_next().await? {
        pump.take(&chunk)?;
        if pump.buffer.len() >= CHUNK {
            let full = pump.buffer.split().freeze();
            progress.add(0, full.len() as u64);
            copied.bytes += full.len() as u64;
            sink.send(full).await?;
            pump.buffer.reserve(CHUNK * 2);
        }
    }
    let last = pump.finish()?;
    progress.add(0, last.len() as u64);
    copied.bytes += last.len() as u64;
    sink.send(last).await?;
    copied.rows = sink.finish().await?;
    progress.add(copied.rows, 0);
    Ok(copied)
}

/// Gathers rows into large chunks, changed where somebody changes them.
struct Pump<'a, 'b> {
    rewrite: Option<&'a mut (dyn RewriteRow + Send + 'b)>,
    lines: Lines,
    buffer: BytesMut,
    line: Vec<u8>,
}

impl Pump<'_, '_> {
    fn take(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let Self { rewrite, lines, buffer, line: new } = self;
        let Some(rewrite) = rewrite else {
            buffer.extend_from_slice(chunk);
            return Ok(());
        };
        lines.push(chunk, |line| {
            new.clear();
            rewrite.row(line, new)?;
            new.push(b'\n');
            buffer.extend_from_slice(new);
            Ok(())
        })
    }

    /// What is left. The server ends every row with a line end, so nothing stays behind in `lines`.
    fn finish(&mut self) -> Result<Bytes, Error> {
        if !self.lines.rest().is_empty() {
            self.take(b"\n")?;
        }
        Ok(self.buffer.split().freeze())
    }
}
