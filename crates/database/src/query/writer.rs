use super::{Column, Done, Sink, csv, json};

/// A format that can be written while rows arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With a header line; a blank line between two results.
    Csv,
    /// An array of objects, one for each result.
    Json,
    /// One object a line.
    Ndjson,
}

/// Bytes gathered before they are handed on: one system call for many rows.
const BUFFER: usize = 64 * 1024;

type Out<'a> = Box<dyn FnMut(&[u8]) + Send + 'a>;

/// Writes results in a [`Format`] as they arrive: a result need not fit into memory.
pub struct Writer<'a> {
    format: Format,
    out: Out<'a>,
    buffer: Vec<u8>,
    columns: Vec<Column>,
    results: usize,
    rows: usize,
    /// What each statement did, for the person.
    pub finished: Vec<Done>,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("format", &self.format).field("finished", &self.finished).finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    pub fn new(format: Format, out: impl FnMut(&[u8]) + Send + 'a) -> Self {
        Self {
            format,
            out: Box::new(out),
            buffer: Vec::new(),
            columns: Vec::new(),
            results: 0,
            rows: 0,
            finished: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    /// Hands on what is gathered. To be called when a script ends, well or not.
    pub fn flush(&mut self) {
        (self.out)(&self.buffer);
        self.buffer.clear();
    }
}

impl Sink for Writer<'_> {
    fn columns(&mut self, columns: &[Column]) {
        self.columns = columns.to_vec();
        self.rows = 0;
        self.results += 1;
        match self.format {
            Format::Csv => {
                let gap = if self.results > 1 { "\n" } else { "" };
                let header = csv::line(columns.iter().map(|column| Some(column.name.as_str())));
                self.write(format!("{gap}{header}").as_bytes());
            }
            Format::Json => self.write(b"["),
            Format::Ndjson => {}
        }
    }

    fn row(&mut self, values: &[Option<&str>]) {
        let text = match self.format {
            Format::Csv => csv::line(values.iter().copied()),
            Format::Json => {
                format!("{}\n  {}", if self.rows > 0 { "," } else { "" }, json::object(&self.columns, values))
            }
            Format::Ndjson => format!("{}\n", json::object(&self.columns, values)),
        };
        self.rows += 1;
        self.write(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.write(bytes);
    }

    fn done(&mut self, done: Done) {
        if self.format == Format::Json && done.returned_rows && done.command != "COPY" {
            self.write(if self.rows > 0 { b"\n]\n" } else { b"]\n" });
        }
        self.finished.push(done);
    }
}
