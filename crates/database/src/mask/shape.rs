//! What a column can hold, as far as rewriting its values goes.

use postgres::catalog::{Catalog, Column, TypeDefinition, TypeKind, TypeRef};

/// The kind of text that PostgreSQL writes for a column's values, and what it takes back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// `longest` in characters; `fold`: capital letters count as small ones; `padded`: `character(n)`.
    Text {
        longest: Option<usize>,
        fold: bool,
        padded: bool,
    },
    Integer {
        largest: i64,
    },
    /// `numeric`: digits before and after the point, where they are limited.
    Decimal {
        precision: Option<(u32, u32)>,
    },
    Float,
    Uuid,
    Bytes,
    Json,
    Date,
    Timestamp,
    /// `network`: bits behind the prefix must be zero.
    Address {
        network: bool,
    },
    HardwareAddress {
        bytes: usize,
    },
    /// Lexemes of a text.
    Words,
    Array(Box<Shape>),
    /// Takes a few values that say nothing about a person.
    Choice,
    /// Nothing here can be invented; `text` when it may hold any text (composite types, XML, ranges of text).
    Other {
        text: bool,
    },
}

impl Shape {
    pub fn of(catalog: &Catalog, column: &Column) -> Self {
        of_type(catalog, &column.r#type, 0)
    }

    /// True where anything a person wrote can stand in it.
    pub fn holds_text(&self) -> bool {
        match self {
            Self::Text { .. } | Self::Json | Self::Bytes | Self::Words | Self::Other { text: true } => true,
            Self::Array(element) => element.holds_text(),
            _ => false,
        }
    }

    /// The same, for the elements of an array.
    pub fn element(&self) -> &Self {
        match self {
            Self::Array(element) => element.element(),
            _ => self,
        }
    }
}

fn of_type(catalog: &Catalog, of: &TypeRef, depth: usize) -> Shape {
    if let Some(element) = &of.element {
        return Shape::Array(Box::new(of_type(catalog, element, depth)));
    }
    match of.kind {
        TypeKind::Enum => return Shape::Choice,
        TypeKind::Domain => return of_domain(catalog, of, depth),
        TypeKind::Composite | TypeKind::Pseudo => return Shape::Other { text: true },
        TypeKind::Range | TypeKind::Multirange => return Shape::Other { text: of.schema != "pg_catalog" },
        TypeKind::Base | TypeKind::Array => {}
    }
    let length = of.modifier.and_then(|modifier| usize::try_from(modifier - 4).ok());
    match of.name.as_str() {
        "text" => Shape::Text { longest: None, fold: false, padded: false },
        "varchar" => Shape::Text { longest: length, fold: false, padded: false },
        "bpchar" => Shape::Text { longest: length, fold: false, padded: true },
        "citext" => Shape::Text { longest: None, fold: true, padded: false },
        "name" => Shape::Text { longest: Some(63), fold: false, padded: false },
        "int2" => Shape::Integer { largest: i64::from(i16::MAX) },
        "int4" => Shape::Integer { largest: i64::from(i32::MAX) },
        "int8" => Shape::Integer { largest: i64::MAX },
        "numeric" => Shape::Decimal { precision: of.modifier.map(precision) },
        "float4" | "float8" => Shape::Float,
        "uuid" => Shape::Uuid,
        "bytea" => Shape::Bytes,
        "json" | "jsonb" => Shape::Json,
        "date" => Shape::Date,
        "timestamp" | "timestamptz" => Shape::Timestamp,
        "inet" => Shape::Address { network: false },
        "cidr" => Shape::Address { network: true },
        "macaddr" => Shape::HardwareAddress { bytes: 6 },
        "macaddr8" => Shape::HardwareAddress { bytes: 8 },
        "tsvector" => Shape::Words,
        "bool" | "char" => Shape::Choice,
        "time" | "timetz" | "interval" | "oid" | "xid" | "xid8" | "cid" | "tid" | "pg_lsn" | "bit" | "varbit"
        | "regclass" | "regtype" | "regproc" | "regprocedure" | "regrole" | "regnamespace" | "money" => {
            Shape::Other { text: false }
        }
        // XML, hstore, ltree, geometry, and whatever else extensions bring.
        _ => Shape::Other { text: true },
    }
}

/// `numeric(10,2)`: ten digits, two of them behind the point.
fn precision(modifier: i32) -> (u32, u32) {
    let packed = (modifier - 4).max(0);
    ((packed >> 16) as u32 & 0xffff, packed as u32 & 0x7ff)
}

fn of_domain(catalog: &Catalog, of: &TypeRef, depth: usize) -> Shape {
    match catalog.type_named(&of.schema, &of.name).map(|found| &found.definition) {
        // Domains over domains end; the limit is for a catalog that is not sane.
        Some(TypeDefinition::Domain { base, .. }) if depth < 32 => of_type(catalog, base, depth + 1),
        _ => Shape::Other { text: true },
    }
}
