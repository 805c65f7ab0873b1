//! Scalars: PostgreSQL's types under the names Hasura gives them, and what can be asked of each.

use std::sync::Arc;

use crate::plan::Reader;

use super::EnumTableValue;

/// GraphQL's own scalars, `ID` aside.
pub(crate) const BUILT_IN: [&str; 4] = ["Boolean", "Float", "Int", "String"];

/// Position of a scalar in [`super::Model::scalars`].
pub type ScalarId = usize;

/// A GraphQL scalar, or the list of one that an array column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// `Int`, `String`, `timestamptz`, `order_status`; for an array the item's name with `_array`.
    pub name: String,
    pub family: Family,
    /// What an array holds.
    pub item: Option<ScalarId>,
    pub comment: Option<String>,
    /// What an enum has; its kind is then none of GraphQL's scalars.
    pub values: Option<Arc<[EnumTableValue]>>,
}

/// How values of a type are read, compared and aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    Int,
    SmallInt,
    BigInt,
    /// `float4`, GraphQL's `Float`.
    Float,
    Float8,
    Numeric,
    Money,
    Boolean,
    /// `text` and `varchar`, GraphQL's `String`.
    Text,
    /// `bpchar` and `citext`: text with a name of its own.
    NamedText,
    Uuid,
    /// Dates, times and intervals.
    Temporal,
    Enum,
    /// What refers to a table of values; text in the database.
    EnumTable,
    Json,
    Jsonb,
    Array,
    Ltree,
    /// `lquery` and `ltxtquery`, which patterns over `ltree` are written in.
    LtreePattern,
    Geometry,
    Geography,
    Raster,
    /// Known to PostgreSQL alone: read from a string, compared, not aggregated.
    Other,
}

impl Family {
    /// The family and GraphQL name of a type of `pg_catalog` or of a well-known extension.
    pub fn of(type_name: &str) -> Option<(Self, &'static str)> {
        Some(match type_name {
            "int4" => (Self::Int, "Int"),
            "int2" => (Self::SmallInt, "smallint"),
            "int8" => (Self::BigInt, "bigint"),
            "float4" => (Self::Float, "Float"),
            "float8" => (Self::Float8, "float8"),
            "numeric" => (Self::Numeric, "numeric"),
            "money" => (Self::Money, "money"),
            "bool" => (Self::Boolean, "Boolean"),
            "text" | "varchar" => (Self::Text, "String"),
            "bpchar" => (Self::NamedText, "bpchar"),
            "citext" => (Self::NamedText, "citext"),
            "uuid" => (Self::Uuid, "uuid"),
            "date" => (Self::Temporal, "date"),
            "time" => (Self::Temporal, "time"),
            "timetz" => (Self::Temporal, "timetz"),
            "timestamp" => (Self::Temporal, "timestamp"),
            "timestamptz" => (Self::Temporal, "timestamptz"),
            "interval" => (Self::Temporal, "interval"),
            "json" => (Self::Json, "json"),
            "jsonb" => (Self::Jsonb, "jsonb"),
            "ltree" => (Self::Ltree, "ltree"),
            "lquery" => (Self::LtreePattern, "lquery"),
            "ltxtquery" => (Self::LtreePattern, "ltxtquery"),
            "geometry" => (Self::Geometry, "geometry"),
            "geography" => (Self::Geography, "geography"),
            "raster" => (Self::Raster, "raster"),
            _ => return None,
        })
    }

    /// Has a sum and an average.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Int | Self::SmallInt | Self::BigInt | Self::Float | Self::Float8 | Self::Numeric | Self::Money
        )
    }

    /// Has a least and a greatest value.
    pub fn is_comparable(self) -> bool {
        self.is_number() || self.is_text() || matches!(self, Self::Uuid | Self::Temporal | Self::Enum)
    }

    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::NamedText)
    }

    pub fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonb)
    }

    /// Holds numbers that a JSON reader may round: what `stringify_numeric` turns into strings.
    pub fn is_big_number(self) -> bool {
        matches!(self, Self::BigInt | Self::Float8 | Self::Numeric)
    }

    /// Comes in and goes out as GeoJSON.
    pub fn is_spatial(self) -> bool {
        matches!(self, Self::Geometry | Self::Geography)
    }

    /// How PostgreSQL makes a value of it from a text.
    pub fn reader(self) -> Reader {
        match self {
            Self::Geometry | Self::Geography => Reader::GeoJson,
            Self::Raster => Reader::Raster,
            _ => Reader::Text,
        }
    }

    /// Other types of the same extension that its operators take or that it casts to, by their SQL names.
    pub fn siblings(self) -> &'static [&'static str] {
        match self {
            Self::Ltree => &["lquery", "ltxtquery"],
            Self::Geometry => &["geography"],
            Self::Geography | Self::Raster => &["geometry"],
            _ => &[],
        }
    }

    /// `_cast: {String: …}`: the GraphQL and the SQL name of the type that a comparison may cast to.
    pub fn casts_to(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Jsonb => Some(("String", "text")),
            Self::Geometry => Some(("geography", "geography")),
            Self::Geography => Some(("geometry", "geometry")),
            _ => None,
        }
    }
}

/// The name of another type of the schema that `cast` names a type of; for an unqualified name, the other's alone.
pub fn sibling_type(cast: &str, name: &str) -> String {
    let name = postgres::Ident::new(name);
    match cast.rfind('.') {
        Some(dot) => format!("{}.{name}", &cast[..dot]),
        None => name.to_string(),
    }
}
