//! What a column's type takes: the built-in and well-known types, with domains seen through.

use postgres::catalog::{Catalog, TypeDefinition, TypeKind, TypeRef};

use super::checks::{Checks, Constraint, VALUE};

/// A type as generators see it.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Boolean,
    Integer {
        low: i64,
        high: i64,
    },
    /// `numeric`, with digits in all and behind the point where they were declared.
    Decimal {
        precision: Option<u32>,
        scale: Option<u32>,
    },
    Float,
    Money,
    /// In characters, and in bytes for `name`.
    Text {
        max: usize,
        bytes: usize,
    },
    Uuid,
    Date,
    Timestamp {
        zone: bool,
    },
    Time {
        zone: bool,
    },
    Interval,
    Json,
    Bytea,
    Bits {
        length: Option<u32>,
        varying: bool,
    },
    Enum(Vec<String>),
    Array(Box<Resolved>),
    Range(Box<Resolved>),
    Multirange(Box<Resolved>),
    Composite(Vec<Resolved>),
    /// A type of the catalog's name that has a generator of its own, with what stands in its parentheses.
    Special {
        name: String,
        modifier: String,
    },
    Unknown,
}

/// A type, and what its domains ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub target: Target,
    pub constraint: Constraint,
    pub not_null: bool,
    /// As SQL writes the column's own type, for messages.
    pub sql: String,
    /// Digits of a second that a type with a precision keeps.
    pub fraction: Option<u32>,
}

/// Types with generators of their own in [`super::special`].
pub const SPECIAL: [&str; 36] = [
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "xml",
    "pg_lsn",
    "jsonpath",
    "txid_snapshot",
    "pg_snapshot",
    "hstore",
    "ltree",
    "lquery",
    "ltxtquery",
    "geometry",
    "geography",
    "vector",
    "halfvec",
    "cube",
    "regtype",
    "regclass",
    "regproc",
    "regrole",
    "regnamespace",
    "tid",
    "int2vector",
    "oidvector",
    "refcursor",
];

/// Domains may stand on domains, and composites hold composites, this deep.
const MAX_DEPTH: u8 = 16;

impl Resolved {
    pub fn new(catalog: &Catalog, used: &TypeRef) -> Self {
        Self::at(catalog, used, 0)
    }

    fn at(catalog: &Catalog, used: &TypeRef, depth: u8) -> Self {
        let plain = |target| Self {
            target,
            constraint: Constraint::default(),
            not_null: false,
            sql: used.sql.clone(),
            fraction: used.modifier.and_then(|modifier| u32::try_from(modifier).ok()).filter(|&digits| digits <= 6),
        };
        if depth > MAX_DEPTH {
            return plain(Target::Unknown);
        }
        if let Some(element) = &used.element {
            return plain(Target::Array(Box::new(Self::at(catalog, element, depth + 1))));
        }
        match used.kind {
            TypeKind::Domain | TypeKind::Enum | TypeKind::Composite => {}
            TypeKind::Range | TypeKind::Multirange => return plain(range(catalog, used, depth)),
            _ => return plain(base(used)),
        }
        match catalog.type_named(&used.schema, &used.name).map(|found| &found.definition) {
            Some(TypeDefinition::Enum { values }) => plain(Target::Enum(values.clone())),
            Some(TypeDefinition::Composite { fields }) => plain(Target::Composite(
                fields.iter().map(|field| Self::at(catalog, &field.r#type, depth + 1)).collect(),
            )),
            Some(TypeDefinition::Domain { base, not_null, checks, .. }) => {
                let mut inner = Self::at(catalog, base, depth + 1);
                let read = Checks::of(checks, &[]).column(VALUE);
                inner.constraint = inner.constraint.and(&read).unwrap_or(inner.constraint);
                inner.not_null |= *not_null;
                inner.sql.clone_from(&used.sql);
                inner
            }
            _ => match catalog.table(&used.schema, &used.name) {
                // The row type of a table.
                Some(table) if used.kind == TypeKind::Composite => plain(Target::Composite(
                    table.columns.iter().map(|column| Self::at(catalog, &column.r#type, depth + 1)).collect(),
                )),
                _ => plain(Target::Unknown),
            },
        }
    }

    /// A built-in type by its name.
    fn built_in(target: Target, sql: &str) -> Self {
        Self { target, constraint: Constraint::default(), not_null: false, sql: sql.to_owned(), fraction: None }
    }
}

fn range(catalog: &Catalog, used: &TypeRef, depth: u8) -> Target {
    let name = used.name.as_str();
    let subtype = match name {
        "int4range" | "int4multirange" => Some((INT4, "integer")),
        "int8range" | "int8multirange" => Some((INT8, "bigint")),
        "numrange" | "nummultirange" => Some((Target::Decimal { precision: None, scale: None }, "numeric")),
        "daterange" | "datemultirange" => Some((Target::Date, "date")),
        "tsrange" | "tsmultirange" => Some((Target::Timestamp { zone: false }, "timestamp")),
        "tstzrange" | "tstzmultirange" => Some((Target::Timestamp { zone: true }, "timestamptz")),
        _ => None,
    };
    let subtype = subtype.map(|(target, sql)| Resolved::built_in(target, sql)).or_else(|| {
        catalog.types.iter().find_map(|found| match &found.definition {
            TypeDefinition::Range { subtype, multirange, .. }
                if found.schema == used.schema && (found.name == name || multirange.as_deref() == Some(name)) =>
            {
                Some(Resolved::at(catalog, subtype, depth + 1))
            }
            _ => None,
        })
    });
    match subtype {
        Some(subtype) if used.kind == TypeKind::Multirange => Target::Multirange(Box::new(subtype)),
        Some(subtype) => Target::Range(Box::new(subtype)),
        None => Target::Unknown,
    }
}

const INT4: Target = Target::Integer { low: i32::MIN as i64, high: i32::MAX as i64 };
const INT8: Target = Target::Integer { low: i64::MIN, high: i64::MAX };

fn base(used: &TypeRef) -> Target {
    let unlimited = |max| Target::Text { max, bytes: usize::MAX };
    // varchar's and char's modifier counts the four bytes of a length word too.
    let declared = used.modifier.and_then(|modifier| usize::try_from(modifier - 4).ok());
    match used.name.as_str() {
        "bool" => Target::Boolean,
        "int2" => Target::Integer { low: i64::from(i16::MIN), high: i64::from(i16::MAX) },
        "int4" => INT4,
        "int8" => INT8,
        "oid" | "xid" | "cid" => Target::Integer { low: 1, high: i64::from(u32::MAX) },
        "xid8" => Target::Integer { low: 3, high: i64::MAX },
        "numeric" => match used.modifier.filter(|&modifier| modifier >= 4) {
            Some(modifier) => {
                let bits = (modifier - 4) as u32;
                // Since PostgreSQL 15 a scale is a signed number of 11 bits; below zero it rounds to tens.
                let scale = ((bits & 0x7ff) ^ 0x400) as i32 - 0x400;
                Target::Decimal { precision: Some(bits >> 16), scale: Some(u32::try_from(scale).unwrap_or(0)) }
            }
            None => Target::Decimal { precision: None, scale: None },
        },
        "float4" | "float8" => Target::Float,
        "money" => Target::Money,
        "text" | "citext" => unlimited(usize::MAX),
        "varchar" | "bpchar" => unlimited(declared.unwrap_or(usize::MAX)),
        "char" => Target::Text { max: 1, bytes: 1 },
        "name" => Target::Text { max: 63, bytes: 63 },
        "uuid" => Target::Uuid,
        "date" => Target::Date,
        "timestamp" => Target::Timestamp { zone: false },
        "timestamptz" => Target::Timestamp { zone: true },
        "time" => Target::Time { zone: false },
        "timetz" => Target::Time { zone: true },
        "interval" => Target::Interval,
        "json" | "jsonb" => Target::Json,
        "bytea" => Target::Bytea,
        "bit" => Target::Bits {
            length: Some(used.modifier.and_then(|bits| u32::try_from(bits).ok()).unwrap_or(1)),
            varying: false,
        },
        "varbit" => Target::Bits { length: used.modifier.and_then(|bits| u32::try_from(bits).ok()), varying: true },
        name if SPECIAL.contains(&name) => {
            let modifier =
                used.sql.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inner, _)| inner);
            Target::Special { name: name.to_owned(), modifier: modifier.to_owned() }
        }
        _ => Target::Unknown,
    }
}
