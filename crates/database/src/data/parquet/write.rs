use std::{io::Write, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use postgres::{
    Ident,
    catalog::{self, Catalog, TypeRef},
};

use super::values::{DAY, DAYS, MICROS, unscaled};
use crate::data::base;

/// When a row group is written out: at so many rows, or at so many bytes of values.
const GROUP_ROWS: usize = 128 * 1024;
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// How a column's values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int16,
    Int32,
    Int64,
    Oid,
    Float,
    Double,
    Date,
    Time,
    Timestamp { utc: bool },
    Decimal { precision: u32, scale: u32 },
    Uuid,
    Bytes,
    Json,
    Text,
}

impl Kind {
    fn of(reference: &TypeRef) -> Self {
        if reference.schema != "pg_catalog" {
            return Self::Text;
        }
        match reference.name.as_str() {
            "bool" => Self::Bool,
            "int2" => Self::Int16,
            "int4" => Self::Int32,
            "int8" => Self::Int64,
            "oid" => Self::Oid,
            "float4" => Self::Float,
            "float8" => Self::Double,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp { utc: false },
            "timestamptz" => Self::Timestamp { utc: true },
            "numeric" => Self::numeric(reference.modifier),
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes,
            "json" | "jsonb" => Self::Json,
            _ => Self::Text,
        }
    }

    /// `numeric(p, s)` is a decimal as long as Parquet has such a one. Source of the modifier's form: `numeric.c`.
    fn numeric(modifier: Option<i32>) -> Self {
        let Some(modifier) = modifier.map(|modifier| modifier - 4) else { return Self::Text };
        let precision = (modifier >> 16) & 0xffff;
        let scale = ((modifier & 0x7ff) ^ 1024) - 1024;
        match (u32::try_from(precision), u32::try_from(scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => Self::Decimal { precision, scale },
            _ => Self::Text,
        }
    }

    /// Comes as the text that PostgreSQL writes.
    fn is_text(self) -> bool {
        matches!(self, Self::Decimal { .. } | Self::Json | Self::Text)
    }

    fn logical(self) -> Option<LogicalType> {
        Some(match self {
            Self::Bool | Self::Int32 | Self::Int64 | Self::Float | Self::Double | Self::Bytes => return None,
            Self::Int16 => LogicalType::integer(16, true),
            Self::Oid => LogicalType::integer(32, false),
            Self::Date => LogicalType::Date,
            Self::Time => LogicalType::time(false, TimeUnit::MICROS),
            Self::Timestamp { utc } => LogicalType::timestamp(utc, TimeUnit::MICROS),
            Self::Decimal { precision, scale } => LogicalType::decimal(scale.cast_signed(), precision.cast_signed()),
            Self::Uuid => LogicalType::Uuid,
            Self::Json => LogicalType::Json,
            Self::Text => LogicalType::String,
        })
    }

    fn physical(self) -> Physical {
        match self {
            Self::Bool => Physical::BOOLEAN,
            Self::Int16 | Self::Int32 | Self::Oid | Self::Date => Physical::INT32,
            Self::Int64 | Self::Time | Self::Timestamp { .. } => Physical::INT64,
            Self::Float => Physical::FLOAT,
            Self::Double => Physical::DOUBLE,
            Self::Decimal { .. } | Self::Uuid => Physical::FIXED_LEN_BYTE_ARRAY,
            Self::Bytes | Self::Json | Self::Text => Physical::BYTE_ARRAY,
        }
    }

    fn schema(self, name: &str, required: bool) -> Result<Type, ParquetError> {
        let builder = Type::primitive_type_builder(name, self.physical())
            .with_repetition(if required { Repetition::REQUIRED } else { Repetition::OPTIONAL })
            .with_logical_type(self.logical());
        match self {
            Self::Decimal { precision, scale } => {
                builder.with_length(16).with_precision(precision.cast_signed()).with_scale(scale.cast_signed()).build()
            }
            Self::Uuid => builder.with_length(16).build(),
            _ => builder.build(),
        }
    }
}

struct Column {
    name: String,
    kind: Kind,
    required: bool,
}

/// The columns of a table as Parquet keeps them.
pub(in crate::data) struct Table {
    name: String,
    types: String,
    columns: Vec<Column>,
}

/// What writing a file came to.
#[derive(Debug)]
pub(in crate::data) enum Written {
    Done,
    /// A value that the column's type cannot hold: begin anew, with this column as text.
    AsText(String),
}

impl Table {
    /// `as_text` names columns that hold a value which their Parquet type could not.
    pub fn new(catalog: &Catalog, table: &catalog::Table, columns: &[&catalog::Column], as_text: &[String]) -> Self {
        let column = |column: &&catalog::Column| Column {
            name: column.name.clone(),
            kind: if as_text.contains(&column.name) { Kind::Text } else { Kind::of(base(catalog, &column.r#type)) },
            required: column.not_null,
        };
        let types: serde_json::Map<String, serde_json::Value> =
            columns.iter().map(|column| (column.name.clone(), column.r#type.sql.clone().into())).collect();
        Self {
            name: format!("{}.{}", table.schema, table.name),
            types: serde_json::Value::from(types).to_string(),
            columns: columns.iter().map(column).collect(),
        }
    }

    /// What to select, for `COPY (SELECT … ) TO STDOUT (FORMAT binary)`.
    pub fn select(&self) -> String {
        let one = |column: &Column| {
            let name = Ident::new(&column.name);
            if column.kind.is_text() { format!("{name}::pg_catalog.text") } else { name.to_string() }
        };
        self.columns.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    pub fn writer<W: Write + Send>(&self, out: W) -> Result<Writer<'_, W>, ParquetError> {
        let fields: Result<Vec<_>, _> =
            self.columns.iter().map(|column| column.kind.schema(&column.name, column.required).map(Arc::new)).collect();
        let schema = Type::group_type_builder("row").with_fields(fields?).build()?;
        let facts = [("nself.table", self.name.clone()), ("nself.types", self.types.clone())];
        let facts = facts.map(|(name, value)| KeyValue::new(name.to_owned(), value)).to_vec();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("nself".to_owned())
            .set_key_value_metadata(Some(facts))
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let mut writer = Writer { table: self, file, values: Vec::new(), levels: Vec::new(), rows: 0, bytes: 0 };
        writer.begin();
        Ok(writer)
    }
}

/// Values of one column, waiting for their row group.
enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A Parquet file that is being written.
pub(in crate::data) struct Writer<'a, W: Write + Send> {
    table: &'a Table,
    file: SerializedFileWriter<W>,
    values: Vec<Values>,
    levels: Vec<Vec<i16>>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> Writer<'_, W> {
    fn begin(&mut self) {
        let empty = |column: &Column| match column.kind.physical() {
            Physical::BOOLEAN => Values::Bool(Vec::new()),
            Physical::INT32 => Values::Int32(Vec::new()),
            Physical::INT64 | Physical::INT96 => Values::Int64(Vec::new()),
            Physical::FLOAT => Values::Float(Vec::new()),
            Physical::DOUBLE => Values::Double(Vec::new()),
            Physical::BYTE_ARRAY => Values::Bytes(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => Values::Fixed(Vec::new()),
        };
        self.values = self.table.columns.iter().map(empty).collect();
        self.levels = vec![Vec::new(); self.values.len()];
        (self.rows, self.bytes) = (0, 0);
    }

    /// Adds a row of COPY's binary form.
    pub fn row(&mut self, fields: &[Option<Bytes>]) -> Result<Written, ParquetError> {
        for (at, field) in fields.iter().enumerate() {
            let column = &self.table.columns[at];
            if !column.required {
                self.levels[at].push(i16::from(field.is_some()));
            }
            let Some(field) = field else { continue };
            self.bytes += field.len();
            if push(&mut self.values[at], column.kind, field).is_none() {
                return Ok(Written::AsText(column.name.clone()));
            }
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.group()?;
        }
        Ok(Written::Done)
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for ((values, levels), column) in self.values.iter().zip(&self.levels).zip(&self.table.columns) {
            write(&mut group, values, (!column.required).then_some(levels))?;
        }
        group.close()?;
        self.begin();
        Ok(())
    }

    /// Writes what is left and the file's end.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.group()?;
        self.file.close().map(|_| ())
    }
}

/// Adds a value; `None` when the column's type cannot hold it.
fn push(values: &mut Values, kind: Kind, field: &Bytes) -> Option<()> {
    match (values, kind) {
        (Values::Bool(values), _) => values.push(*field.first()? != 0),
        (Values::Int32(values), Kind::Int16) => values.push(i16::from_be_bytes(field[..].try_into().ok()?).into()),
        (Values::Int32(values), Kind::Date) => match i32::from_be_bytes(field[..].try_into().ok()?) {
            i32::MIN | i32::MAX => return None,
            days => values.push(days + DAYS),
        },
        (Values::Int32(values), _) => values.push(i32::from_be_bytes(field[..].try_into().ok()?)),
        (Values::Int64(values), kind) => {
            let value = i64::from_be_bytes(field[..].try_into().ok()?);
            match kind {
                Kind::Timestamp { .. } if matches!(value, i64::MIN | i64::MAX) => return None,
                Kind::Timestamp { .. } => values.push(value.checked_add(MICROS)?),
                Kind::Time if value >= DAY => return None,
                _ => values.push(value),
            }
        }
        (Values::Float(values), _) => values.push(f32::from_be_bytes(field[..].try_into().ok()?)),
        (Values::Double(values), _) => values.push(f64::from_be_bytes(field[..].try_into().ok()?)),
        (Values::Fixed(values), Kind::Decimal { precision, scale }) => {
            let value = unscaled(std::str::from_utf8(field).ok()?, precision, scale)?;
            values.push(value.to_be_bytes().to_vec().into());
        }
        (Values::Fixed(values), _) => values.push(ByteArray::from(field.clone()).into()),
        (Values::Bytes(values), _) => values.push(field.clone().into()),
    }
    Some(())
}

fn write<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &Values,
    levels: Option<&Vec<i16>>,
) -> Result<(), ParquetError> {
    let levels = levels.map(Vec::as_slice);
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    match (column.untyped(), values) {
        (ColumnWriter::BoolColumnWriter(writer), Values::Bool(values)) => writer.write_batch(values, levels, None),
        (ColumnWriter::Int32ColumnWriter(writer), Values::Int32(values)) => writer.write_batch(values, levels, None),
        (ColumnWriter::Int64ColumnWriter(writer), Values::Int64(values)) => writer.write_batch(values, levels, None),
        (ColumnWriter::FloatColumnWriter(writer), Values::Float(values)) => writer.write_batch(values, levels, None),
        (ColumnWriter::DoubleColumnWriter(writer), Values::Double(values)) => writer.write_batch(values, levels, None),
        (ColumnWriter::ByteArrayColumnWriter(writer), Values::Bytes(values)) => {
            writer.write_batch(values, levels, None)
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Values::Fixed(values)) => {
            writer.write_batch(values, levels, None)
        }
        _ => return Err(ParquetError::General("a column is not what its schema says".to_owned())),
    }?;
    column.close()
}
