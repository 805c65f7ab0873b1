use std::fs::File;

use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::{
        metadata::FileMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    schema::types::ColumnDescriptor,
};

use super::values::{DAY, big_endian, date, decimal, hex, time, timestamp, uuid};
use crate::{
    Error,
    data::{
        DataError,
        rows::{Batch, Reader, Target},
    },
};

/// How many rows are decoded together.
const ROWS: usize = 8192;

/// How a value becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    Unsigned,
    Date,
    /// In units of so many nanoseconds.
    Time(i64),
    Timestamp {
        nanos: i64,
        utc: bool,
    },
    Decimal(u32),
    Uuid,
    /// Bytes that say they are text.
    Text,
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Option<Self> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000_000,
            TimeUnit::MICROS => 1000,
            TimeUnit::NANOS => 1,
        };
        Some(match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _)
            | (_, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => Self::Text,
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Self::Date,
            (Some(LogicalType::Time(kind)), _) => Self::Time(unit(&kind.unit)),
            (Some(LogicalType::Timestamp(kind)), _) => {
                Self::Timestamp { nanos: unit(&kind.unit), utc: kind.is_adjusted_to_u_t_c }
            }
            (Some(LogicalType::Decimal(_)), _) | (_, ConvertedType::DECIMAL) => {
                Self::Decimal(u32::try_from(column.type_scale()).ok()?)
            }
            (Some(LogicalType::Uuid), _) => Self::Uuid,
            (Some(LogicalType::Integer(kind)), _) if !kind.is_signed => Self::Unsigned,
            (None | Some(LogicalType::Integer(_) | LogicalType::Unknown), converted) => match converted {
                ConvertedType::TIME_MILLIS => Self::Time(1_000_000),
                ConvertedType::TIME_MICROS => Self::Time(1000),
                ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp { nanos: 1_000_000, utc: true },
                ConvertedType::TIMESTAMP_MICROS => Self::Timestamp { nanos: 1000, utc: true },
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                    Self::Unsigned
                }
                ConvertedType::INTERVAL => return None,
                _ => Self::Plain,
            },
            _ => return None,
        })
    }
}

struct Column {
    /// Its number in the file and in the target.
    source: usize,
    target: usize,
    meaning: Meaning,
    optional: bool,
    bytea: bool,
    fixed: bool,
}

pub(in crate::data) struct Parquet {
    file: SerializedFileReader<File>,
    target: Target,
    columns: Vec<Column>,
    /// The row group that is read, and the readers of its columns.
    group: usize,
    readers: Vec<ColumnReader>,
    row: u64,
}

impl Parquet {
    pub fn new(file: File, target: Target) -> Result<Self, Error> {
        let problem = |problem: String| content(&target, None, problem);
        let file = SerializedFileReader::new(file).map_err(|error| problem(error.to_string()))?;
        let columns = columns(file.metadata().file_metadata(), &target)?;
        Ok(Self { file, target, columns, group: 0, readers: Vec::new(), row: 0 })
    }

    fn problem(&self, error: &ParquetError) -> Error {
        content(&self.target, Some(format!("behind row {}", self.row)), error.to_string())
    }

    /// Opens the next row group; false when there is none.
    fn open(&mut self) -> Result<bool, ParquetError> {
        if self.group >= self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group)?;
        self.readers =
            self.columns.iter().map(|column| group.get_column_reader(column.source)).collect::<Result<_, _>>()?;
        self.group += 1;
        Ok(true)
    }

    /// The next values of all columns; empty at the end of the row group.
    fn values(&mut self) -> Result<Vec<Vec<Option<Vec<u8>>>>, ParquetError> {
        self.readers.iter_mut().zip(&self.columns).map(|(reader, column)| read(reader, column)).collect()
    }
}

fn content(target: &Target, place: Option<String>, problem: String) -> Error {
    DataError::Content { file: target.file.clone(), format: "Parquet", place, problem }.into()
}

/// The file's columns that go somewhere.
fn columns(metadata: &FileMetaData, target: &Target) -> Result<Vec<Column>, Error> {
    let mut columns = Vec::new();
    for (source, column) in metadata.schema_descr().columns().iter().enumerate() {
        let root = column.path().parts().first().map_or("", String::as_str);
        let Some(at) = target.find(root)? else { continue };
        let flat = column.path().parts().len() == 1 && column.max_rep_level() == 0 && column.max_def_level() <= 1;
        let meaning = Meaning::of(column).filter(|_| flat);
        let meaning = meaning.ok_or_else(|| {
            let problem = format!(
                "column {root} is a list, a map, or of another kind that is not read; leave it out with --map {root}="
            );
            content(target, None, problem)
        })?;
        columns.push(Column {
            source,
            target: at,
            meaning,
            optional: column.max_def_level() == 1,
            bytea: target.columns[at].bytea,
            fixed: column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY,
        });
    }
    Ok(columns)
}

fn read(reader: &mut ColumnReader, column: &Column) -> Result<Vec<Option<Vec<u8>>>, ParquetError> {
    let meaning = column.meaning;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            typed(reader, column, |value: bool| Some(if value { b"t".to_vec() } else { b"f".to_vec() }))
        }
        ColumnReader::Int32ColumnReader(reader) => typed(reader, column, |value| match meaning {
            Meaning::Unsigned => Some(value.cast_unsigned().to_string().into_bytes()),
            _ => integer(value.into(), meaning),
        }),
        ColumnReader::Int64ColumnReader(reader) => typed(reader, column, |value| match meaning {
            Meaning::Unsigned => Some(value.cast_unsigned().to_string().into_bytes()),
            _ => integer(value, meaning),
        }),
        ColumnReader::Int96ColumnReader(reader) => {
            typed(reader, column, |value| Some(timestamp(value.to_micros(), false).into_bytes()))
        }
        ColumnReader::FloatColumnReader(reader) => {
            typed(reader, column, |value| Some(float(value.is_finite(), value.into(), &value.to_string())))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            typed(reader, column, |value| Some(float(value.is_finite(), value, &value.to_string())))
        }
        ColumnReader::ByteArrayColumnReader(reader) => typed(reader, column, |value| bytes(value.data(), column)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            typed(reader, column, |value| bytes(value.data(), column))
        }
    }
}

/// Reads some values and puts NULLs where the levels say so.
fn typed<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &Column,
    text: impl Fn(T::T) -> Option<Vec<u8>>,
) -> Result<Vec<Option<Vec<u8>>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (rows, ..) = reader.read_records(ROWS, column.optional.then_some(&mut levels), None, &mut values)?;
    let unreadable = || ParquetError::General("a value is outside what its type can hold".to_owned());
    let mut values = values.into_iter();
    let mut next = || values.next().and_then(&text).ok_or_else(unreadable);
    if !column.optional {
        return (0..rows).map(|_| next().map(Some)).collect();
    }
    levels.iter().map(|level| if *level == 0 { Ok(None) } else { next().map(Some) }).collect()
}

fn integer(value: i64, meaning: Meaning) -> Option<Vec<u8>> {
    let text = match meaning {
        Meaning::Date => date(value),
        Meaning::Time(nanos) => time(micros(value, nanos)?.rem_euclid(DAY + 1)),
        Meaning::Timestamp { nanos, utc } => timestamp(micros(value, nanos)?, utc),
        Meaning::Decimal(scale) => decimal(value.into(), scale),
        _ => value.to_string(),
    };
    Some(text.into_bytes())
}

/// PostgreSQL counts microseconds; what is finer is cut off.
fn micros(value: i64, nanos: i64) -> Option<i64> {
    if nanos >= 1000 { value.checked_mul(nanos / 1000) } else { Some(value.div_euclid(1000)) }
}

/// The shortest text that is the same number, as PostgreSQL writes it too.
fn float(finite: bool, value: f64, text: &str) -> Vec<u8> {
    match (finite, value.is_nan(), value > 0.0) {
        (true, ..) => text.as_bytes().to_vec(),
        (_, true, _) => b"NaN".to_vec(),
        (_, _, true) => b"Infinity".to_vec(),
        (_, _, false) => b"-Infinity".to_vec(),
    }
}

/// Bytes that say nothing about themselves are text where a column wants text: older programs write it so.
fn bytes(value: &[u8], column: &Column) -> Option<Vec<u8>> {
    Some(match column.meaning {
        Meaning::Text => value.to_vec(),
        Meaning::Decimal(scale) => decimal(big_endian(value)?, scale).into_bytes(),
        Meaning::Uuid => uuid(value).into_bytes(),
        _ if column.bytea || column.fixed => hex(value),
        _ => value.to_vec(),
    })
}

impl Reader for Parquet {
    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        let columns: Vec<usize> = self.columns.iter().map(|column| column.target).collect();
        let mut batch = Batch { columns, ..Batch::default() };
        while !batch.is_full() {
            if self.readers.is_empty() && !self.open().map_err(|error| self.problem(&error))? {
                break;
            }
            let values = self.values().map_err(|error| self.problem(&error))?;
            let rows = values.first().map_or(0, Vec::len);
            if rows == 0 || values.iter().any(|column| column.len() != rows) {
                self.readers.clear();
                continue;
            }
            for row in 0..rows {
                self.row += 1;
                batch.row(self.row);
                for column in &values {
                    batch.field(column[row].as_deref());
                }
                batch.end();
            }
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}
