//! Rows on their way: made by as many threads as there are, in order, into one COPY.

use std::{
    ops::Range,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{SinkExt, StreamExt, stream};
use postgres::Ident;
use tokio_postgres::Client;

use super::{
    Progress,
    present::full,
    record::{self, Record},
};
use crate::{
    Error,
    mock::{
        MockError,
        plan::display,
        rows::{Rows, Scratch, Table},
    },
};

/// Rows that one thread makes at a time.
const CHUNK: u64 = 8192;
/// How often progress is told.
const PULSE: Duration = Duration::from_millis(500);

/// A chunk on its way.
struct Chunk {
    rows: Range<u64>,
    text: Vec<u8>,
    keys: Vec<u8>,
}

/// What went into a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled {
    pub bytes: u64,
    pub duration: Duration,
}

/// Copies a table's rows, and records their keys.
pub(super) async fn fill(
    client: &Client,
    rows: &Arc<Rows>,
    index: usize,
    seed: u64,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Filled, Error> {
    let table = &rows.tables[index];
    let begun = Instant::now();
    let (bytes, mut chunks) =
        copy(client, rows, index, begun, progress).await.map_err(|error| refused(table, error))?;
    let duration = begun.elapsed();
    if table.key.is_empty() {
        chunks = keyless(client, table).await?;
    }
    let key = table.key.iter().map(|&column| table.columns[column].name.clone()).collect();
    let record = Record { name: table.name.clone(), key, rows: table.count };
    record::write(client, &record, seed, &super::super::generator(), &chunks).await?;
    Ok(Filled { bytes, duration })
}

async fn copy(
    client: &Client,
    rows: &Arc<Rows>,
    index: usize,
    begun: Instant,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<(u64, Vec<(u64, Vec<u8>)>), tokio_postgres::Error> {
    let table = &rows.tables[index];
    let columns: Vec<String> = table.columns.iter().map(|column| Ident::new(&column.name).to_string()).collect();
    // A table may have no columns at all, and then no list of them.
    let list = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let sql = format!("COPY {}{list} FROM STDIN", full(&table.name));
    let mut sink = pin!(client.copy_in::<_, Bytes>(&sql).await?);
    let (mut bytes, mut done, mut told) = (0, 0, begun);
    let mut chunks = Vec::new();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let made = stream::iter(ranges(table.count)).map(|range| {
        let rows = Arc::clone(rows);
        tokio::task::spawn_blocking(move || make(&rows, index, range))
    });
    let mut made = pin!(made.buffered(threads));
    while let Some(chunk) = made.next().await {
        let chunk = chunk.expect("making rows does not panic");
        bytes += chunk.text.len() as u64;
        done = chunk.rows.end;
        if !chunk.keys.is_empty() {
            chunks.push((chunk.rows.start, chunk.keys));
        }
        sink.send(Bytes::from(chunk.text)).await?;
        project::fault::hit("mock.inside-copy");
        if told.elapsed() >= PULSE {
            told = Instant::now();
            progress(&Progress {
                table: display(&table.name),
                rows: done,
                of: table.count,
                bytes,
                elapsed: begun.elapsed(),
            });
        }
    }
    sink.finish().await?;
    progress(&Progress { table: display(&table.name), rows: done, of: table.count, bytes, elapsed: begun.elapsed() });
    Ok((bytes, chunks))
}

fn ranges(count: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count.div_ceil(CHUNK)).map(move |chunk| chunk * CHUNK..count.min((chunk + 1) * CHUNK))
}

fn make(rows: &Rows, table: usize, range: Range<u64>) -> Chunk {
    let (mut text, mut keys) = (Vec::with_capacity(1 << 20), Vec::new());
    rows.write(table, range.clone(), &mut Scratch::default(), &mut text, Some(&mut keys));
    let keys = if keys.is_empty() { keys } else { record::packed(&keys) };
    Chunk { rows: range, text, keys }
}

/// What tells the rows of this transaction apart in a table without a key.
async fn keyless(client: &Client, table: &Table) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let sql = format!(
        "COPY (SELECT md5(row::text) FROM {} row WHERE row.xmin = pg_current_xact_id()::xid) TO STDOUT",
        full(&table.name)
    );
    let keys = super::copy_out(client, &sql).await?;
    Ok(if keys.is_empty() { Vec::new() } else { vec![(0, record::packed(&keys))] })
}

/// A refusal by the server, in the words of mock data.
fn refused(table: &Table, error: tokio_postgres::Error) -> Error {
    let Some(refusal) = error.as_db_error() else { return error.into() };
    // A cancelled statement, or a lock that did not come, says nothing about the rows.
    if !matches!(refusal.code().code().get(..2), Some("22" | "23" | "42" | "P0" | "0A" | "54")) {
        return error.into();
    }
    let detail = [refusal.detail(), refusal.where_()].into_iter().flatten().collect::<Vec<_>>().join("\n");
    MockError::Rejected {
        table: display(&table.name),
        message: refusal.message().to_owned(),
        detail: (!detail.is_empty()).then_some(detail),
        constraint: refusal.constraint().map(str::to_owned),
    }
    .into()
}
