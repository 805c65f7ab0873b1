//! One table's rows as they come from the server, into the bytes of a file.

use std::io::Write;

use futures::TryStreamExt;
use postgres::{
    Ident,
    catalog::{Catalog, Column, Table, TableKind},
};
use tokio_postgres::Client;

use super::{Entry, Progress, Unfinished, columns};
use crate::{
    Error,
    data::{DataError, Format, Shape, json, parquet},
    text::{Lines, fields},
};

/// Bytes gathered before they are written.
const CHUNK: usize = 64 * 1024;

/// A table without those that inherit from it: they are tables of their own.
pub(super) fn relation(table: &Table) -> String {
    let name = Ident::new(&table.schema).dot(&table.name);
    let only = if table.kind == TableKind::Partitioned { "" } else { "ONLY " };
    format!("{only}{name}")
}

/// What to copy.
fn rows(table: &Table, select: &str) -> String {
    format!("(SELECT {select} FROM {})", relation(table))
}

fn names(columns: &[&Column]) -> String {
    columns.iter().map(|column| Ident::new(&column.name).to_string()).collect::<Vec<_>>().join(", ")
}

/// Writes a table as JSON, NDJSON or CSV.
pub(super) async fn table(
    client: &Client,
    catalog: &Catalog,
    table: &Table,
    format: Format,
    file: String,
    out: &mut (impl Write + Send + ?Sized),
    progress: &Progress,
) -> Result<Entry, Error> {
    let columns = columns(table);
    let copy = match format {
        Format::Csv => format!("COPY {} TO STDOUT (FORMAT csv, HEADER)", rows(table, &names(&columns))),
        _ => format!("COPY {} TO STDOUT", rows(table, &names(&columns))),
    };
    let mut encoder = Encoder::new(catalog, &columns, format);
    let mut entry = Entry::new(table, file);
    let io = |source| Error::Io { file: entry.file.clone().into(), source };
    let stream = client.copy_out(&copy).await?;
    futures::pin_mut!(stream);
    let mut counted = 0;
    while let Some(chunk) = stream.try_next().await? {
        encoder.take(&chunk);
        if encoder.out.len() >= CHUNK {
            out.write_all(&encoder.out).map_err(io)?;
            progress.add(encoder.rows - counted, encoder.out.len() as u64);
            entry.bytes += encoder.out.len() as u64;
            counted = encoder.rows;
            encoder.out.clear();
        }
    }
    encoder.finish();
    out.write_all(&encoder.out).map_err(io)?;
    progress.add(encoder.rows - counted, encoder.out.len() as u64);
    entry.bytes += encoder.out.len() as u64;
    entry.rows = encoder.rows;
    Ok(entry)
}

/// Makes a format's bytes of what `COPY` sends.
struct Encoder {
    format: Format,
    /// For each column what stands before its value, and its shape.
    columns: Vec<(Vec<u8>, Shape)>,
    lines: Lines,
    out: Vec<u8>,
    rows: u64,
    /// The header of CSV has come.
    begun: bool,
}

impl Encoder {
    fn new(catalog: &Catalog, columns: &[&Column], format: Format) -> Self {
        let column = |(at, column): (usize, &&Column)| {
            let mut name = if at > 0 { b",".to_vec() } else { Vec::new() };
            json::string(column.name.as_bytes(), &mut name);
            name.push(b':');
            (name, Shape::of(catalog, &column.r#type))
        };
        let columns = columns.iter().enumerate().map(column).collect();
        let out = if format == Format::Json { b"[".to_vec() } else { Vec::with_capacity(CHUNK * 2) };
        Self { format, columns, lines: Lines::new(), out, rows: 0, begun: false }
    }

    fn take(&mut self, chunk: &[u8]) {
        let Self { format, columns, lines, out, rows, begun } = self;
        if *format == Format::Csv {
            // The server sends a message for the header and one for each row.
            out.extend_from_slice(chunk);
            *rows += u64::from(std::mem::replace(begun, true));
            return;
        }
        let done: Result<(), std::convert::Infallible> = lines.push(chunk, |line| {
            if *format == Format::Json {
                out.extend_from_slice(if *rows > 0 { b",\n" } else { b"\n" });
            }
            out.push(b'{');
            for (field, (name, shape)) in fields(line).zip(columns.iter()) {
                out.extend_from_slice(name);
                match field.text() {
                    None => out.extend_from_slice(b"null"),
                    Some(text) => json::encode(&text, shape, out),
                }
            }
            out.push(b'}');
            if *format == Format::Ndjson {
                out.push(b'\n');
            }
            *rows += 1;
            Ok(())
        });
        match done {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    fn finish(&mut self) {
        match self.format {
            Format::Json => self.out.extend_from_slice(if self.rows > 0 { b"\n]\n" } else { b"]\n" }),
            Format::Csv | Format::Ndjson | Format::Parquet => {}
        }
    }
}

/// Writes a table as Parquet; from the beginning again when a column has to be text.
pub(super) async fn parquet(
    client: &Client,
    catalog: &Catalog,
    table: &Table,
    file: String,
    unfinished: &Unfinished,
    progress: &Progress,
) -> Result<Entry, Error> {
    let mut as_text = Vec::new();
    loop {
        let io = |source| Error::Io { file: file.clone().into(), source };
        let mut out = unfinished.file();
        out.set_len(0).map_err(io)?;
        std::io::Seek::rewind(&mut out).map_err(io)?;
        match attempt(client, catalog, table, &as_text, &file, out, progress).await? {
            Attempt::Done(entry) => return Ok(entry),
            Attempt::AsText(column) => as_text.push(column),
        }
    }
}

enum Attempt {
    Done(Entry),
    AsText(String),
}

async fn attempt(
    client: &Client,
    catalog: &Catalog,
    table: &Table,
    as_text: &[String],
    file: &str,
    out: &std::fs::File,
    progress: &Progress,
) -> Result<Attempt, Error> {
    let problem = |error: ::parquet::errors::ParquetError| -> Error {
        DataError::Content { file: file.into(), format: "Parquet", place: None, problem: error.to_string() }.into()
    };
    let layout = parquet::Table::new(catalog, table, &columns(table), as_text);
    let mut writer = layout.writer(out).map_err(problem)?;
    let mut entry = Entry::new(table, file.to_owned());
    let copy = format!("COPY {} TO STDOUT (FORMAT binary)", rows(table, &layout.select()));
    let stream = client.copy_out(&copy).await?;
    futures::pin_mut!(stream);
    let (mut tuples, mut row) = (parquet::Tuples::default(), Vec::new());
    let mut given_up = None;
    while let Some(chunk) = stream.try_next().await? {
        if given_up.is_some() {
            // The rest of the rows has to be received before the connection can be asked again.
            continue;
        }
        tuples.push(&chunk);
        progress.add(0, chunk.len() as u64);
        while tuples.next(&mut row) {
            match writer.row(&row).map_err(problem)? {
                parquet::Written::Done => entry.rows += 1,
                parquet::Written::AsText(column) => {
                    given_up = Some(column);
                    break;
                }
            }
        }
    }
    match given_up {
        Some(column) => Ok(Attempt::AsText(column)),
        None => {
            progress.add(entry.rows, 0);
            writer.finish().map_err(problem)?;
            Ok(Attempt::Done(entry))
        }
    }
}
