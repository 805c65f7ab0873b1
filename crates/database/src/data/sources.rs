//! The files of an import: which there are, what they hold, and how to read them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use postgres::catalog::{Catalog, Table};

use super::{
    DataError, Format,
    csv::Csv,
    export::Manifest,
    objects::{Objects, Texts},
    parquet::Parquet,
    rows::{Reader, Target},
};
use crate::{Error, seed::TableName};

/// A file of rows.
#[derive(Debug, Clone)]
pub struct Source {
    pub file: PathBuf,
    /// As people know it.
    pub shown: PathBuf,
    pub format: Format,
    /// Of a JSON object with an array for each table, the one that is meant.
    pub array: Option<String>,
}

/// A file of rows and the table they belong to.
#[derive(Debug, Clone)]
pub(super) struct Assigned<'a> {
    pub source: Source,
    pub table: &'a Table,
}

/// What a file's name says: its name without suffixes, its format, and whether it is packed.
pub(super) fn named(path: &Path) -> (String, Option<Format>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = [".gz", ".zst"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
    match name.rsplit_once('.') {
        Some((stem, suffix)) => match Format::of_suffix(&suffix.to_lowercase()) {
            Some(format) => (stem.to_owned(), Some(format)),
            None => (name.to_owned(), None),
        },
        None => (name.to_owned(), None),
    }
}

/// The files that a path stands for, each with its table.
pub(super) fn find<'a>(
    catalog: &'a Catalog,
    path: &Path,
    format: Option<Format>,
    table: Option<&str>,
) -> Result<Vec<Assigned<'a>>, Error> {
    let io = |source| Error::Io { file: path.to_owned(), source };
    let named_table = table.map(|name| lookup(catalog, name)).transpose()?;
    if !path.is_dir() {
        std::fs::metadata(path).map_err(io)?;
        return file(catalog, path, format, named_table);
    }
    let manifest = Manifest::read(path)?;
    if manifest.as_ref().is_some_and(|manifest| !manifest.complete) {
        let problem = "the export was not finished; run the same nself data export again".to_owned();
        let file = path.join(super::MANIFEST);
        return Err(DataError::Content { file, format: "an export", place: None, problem }.into());
    }
    let mut found = Vec::new();
    for name in crate::migrate::names(path)?.iter().filter(|name| *name != super::MANIFEST) {
        let file_path = path.join(name);
        if !file_path.is_file() || named(&file_path).1.is_none() {
            continue;
        }
        // Names with dots or slashes in them say less than the manifest does.
        let entry = manifest.iter().flat_map(|manifest| &manifest.tables).find(|entry| entry.file == *name);
        let known = entry.and_then(|entry| whole_name(catalog, &entry.table));
        let assigned = file(catalog, &file_path, format, known)?;
        found.extend(assigned.into_iter().filter(|one| named_table.is_none_or(|table| std::ptr::eq(table, one.table))));
    }
    Ok(found)
}

/// The table called exactly `schema.name`, wherever the dots are.
pub(super) fn whole_name<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Table> {
    let dots = name.match_indices('.');
    dots.filter_map(|(at, _)| catalog.table(&name[..at], &name[at + 1..])).next()
}

fn lookup<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Table, Error> {
    let parsed = TableName::parse(name).unwrap_or_else(|| TableName::of_file(name));
    Ok(parsed
        .find(catalog)
        .or_else(|| TableName::of_file(name).find(catalog))
        .ok_or_else(|| DataError::unknown_table(name, catalog))?)
}

fn file<'a>(
    catalog: &'a Catalog,
    path: &Path,
    format: Option<Format>,
    table: Option<&'a Table>,
) -> Result<Vec<Assigned<'a>>, Error> {
    let (stem, suffix) = named(path);
    let format = format.or(suffix).ok_or_else(|| DataError::Format { path: path.to_owned() })?;
    let source = Source { file: path.to_owned(), shown: path.to_owned(), format, array: None };
    let arrays = if format == Format::Json { arrays(&source)? } else { Vec::new() };
    if arrays.is_empty() {
        let found = table.or_else(|| TableName::of_file(&stem).find(catalog));
        let table = found.ok_or_else(|| DataError::WhichTable { file: path.to_owned() })?;
        return Ok(vec![Assigned { source, table }]);
    }
    let mut assigned = Vec::new();
    for name in arrays {
        let of = match table {
            // --table chooses among them.
            Some(table) => Some(table)
                .filter(|table| TableName::of_file(&name).find(catalog).is_some_and(|of| std::ptr::eq(of, *table))),
            None => Some(lookup(catalog, &name)?),
        };
        assigned.extend(of.map(|table| Assigned { source: Source { array: Some(name), ..source.clone() }, table }));
    }
    Ok(assigned)
}

/// The tables that a JSON file holds an array for.
fn arrays(source: &Source) -> Result<Vec<String>, Error> {
    Texts::new(open(source)?, None).tables().map_err(|problem| {
        DataError::Content { file: source.shown.clone(), format: "JSON", place: None, problem }.into()
    })
}

type Input = Box<dyn BufRead + Send>;

/// The file's bytes, unpacked.
fn open(source: &Source) -> Result<Input, Error> {
    let io = |error| Error::Io { file: source.shown.clone(), source: error };
    let file = File::open(&source.file).map_err(io)?;
    let buffered = |input: Box<dyn Read + Send>| BufReader::with_capacity(256 * 1024, input);
    Ok(match source.file.extension().and_then(|suffix| suffix.to_str()) {
        Some("gz") => Box::new(buffered(Box::new(MultiGzDecoder::new(BufReader::new(file))))),
        Some("zst") => Box::new(buffered(Box::new(zstd::Decoder::new(file).map_err(io)?))),
        _ => Box::new(buffered(Box::new(file))),
    })
}

/// Opens a file to be read into a table.
pub(super) fn reader(
    catalog: &Catalog,
    table: &Table,
    source: &Source,
    map: &BTreeMap<String, Option<String>>,
) -> Result<Box<dyn Reader>, Error> {
    let target = Target::new(catalog, table, source.shown.clone(), map.clone());
    Ok(match source.format {
        Format::Csv => Box::new(Csv::new(open(source)?, target)?),
        Format::Json => Box::new(Objects::new(open(source)?, target, source.array.clone(), "JSON")),
        Format::Ndjson => Box::new(Objects::new(open(source)?, target, None, "NDJSON")),
        Format::Parquet => {
            let file = File::open(&source.file);
            Box::new(Parquet::new(
                file.map_err(|error| Error::Io { file: source.shown.clone(), source: error })?,
                target,
            )?)
        }
    })
}
