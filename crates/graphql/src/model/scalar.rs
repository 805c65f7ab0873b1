//! Scalars: PostgreSQL's types under the names Hasura gives them, and what can be asked of each.

use std::sync::Arc;

use postgres::Ident;
use postgres::catalog::{self, TypeDefinition, TypeKind};

use crate::plan::Reader;

use super::EnumTableValue;
use super::build::Builder;
use super::naming::is_name;

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
    let name = Ident::new(name);
    match cast.rfind('.') {
        Some(dot) => format!("{}.{name}", &cast[..dot]),
        None => name.to_string(),
    }
}

impl Builder<'_> {
    /// The scalar of a type whose name GraphQL cannot spell; only expressions of permissions meet it.
    pub(super) fn unnamed(&mut self, typed: &catalog::TypeRef) -> ScalarId {
        let name = format!("{}.{}", typed.schema, typed.name);
        self.intern(Scalar { name, family: Family::Other, item: None, comment: None, values: None })
    }

    /// A domain's base type, since GraphQL clients care about the values; any other type itself.
    pub(super) fn base_type(&self, found: &catalog::TypeRef) -> catalog::TypeRef {
        let mut current = found.clone();
        // Domains over domains end; the bound guards against a catalog that says otherwise.
        for _ in 0..32 {
            if current.kind != TypeKind::Domain {
                break;
            }
            match self.catalog.type_named(&current.schema, &current.name).map(|found| &found.definition) {
                Some(TypeDefinition::Domain { base, .. }) => current = base.clone(),
                _ => break,
            }
        }
        current
    }

    pub(super) fn scalar(&mut self, typed: &catalog::TypeRef) -> Option<ScalarId> {
        if let Some(element) = &typed.element {
            let element = self.base_type(element);
            let item = self.scalar(&element)?;
            let name = format!("{}_array", self.model.scalars[item].name);
            return Some(self.intern(Scalar {
                name,
                family: Family::Array,
                item: Some(item),
                comment: None,
                values: None,
            }));
        }
        let comment = || {
            let found = self.catalog.type_named(&typed.schema, &typed.name);
            found.filter(|found| found.extension.is_none()).and_then(|found| found.comment.clone())
        };
        let scalar = match Family::of(&typed.name) {
            Some((family, name)) if typed.kind == TypeKind::Base => {
                Scalar { name: name.to_owned(), family, item: None, comment: None, values: None }
            }
            _ => {
                let family = if typed.kind == TypeKind::Enum { Family::Enum } else { Family::Other };
                let name = self.free_name(typed)?;
                Scalar { name, family, item: None, comment: comment(), values: None }
            }
        };
        for name in scalar.family.siblings() {
            let family = Family::of(name).map_or(Family::Other, |(family, _)| family);
            self.intern(Scalar { name: (*name).to_owned(), family, item: None, comment: None, values: None });
        }
        Some(self.intern(scalar))
    }

    /// The type's own name unless GraphQL or another type has it already.
    fn free_name(&self, typed: &catalog::TypeRef) -> Option<String> {
        let built_in = BUILT_IN.contains(&typed.name.as_str()) || Family::of(&typed.name).is_some();
        let same_name = self
            .catalog
            .types
            .iter()
            .any(|other| other.name == typed.name && other.schema < typed.schema && typed.schema != "public");
        let name = if built_in || same_name { format!("{}_{}", typed.schema, typed.name) } else { typed.name.clone() };
        is_name(&name).then_some(name)
    }

    pub(super) fn intern(&mut self, scalar: Scalar) -> ScalarId {
        if let Some(&found) = self.model.scalars_by_name.get(&scalar.name) {
            return found;
        }
        let id = self.model.scalars.len();
        self.model.scalars_by_name.insert(scalar.name.clone(), id);
        self.model.scalars.push(scalar);
        id
    }
}

/// A type's name for a cast. Without its modifier: a comparison with `'abcd'::varchar(3)` would cut the value.
pub(super) fn cast(typed: &catalog::TypeRef) -> String {
    if let Some(element) = &typed.element {
        return format!("{}[]", cast(element));
    }
    match typed.schema.as_str() {
        "pg_catalog" => Ident::new(&typed.name).to_string(),
        schema => format!("{}.{}", Ident::new(schema), Ident::new(&typed.name)),
    }
}
