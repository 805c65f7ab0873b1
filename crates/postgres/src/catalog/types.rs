//! Types: how a column names one ([`TypeRef`]) and what a type is made of ([`Type`]).

use serde::{Deserialize, Serialize};

use super::{Check, Grant};

/// The use of a type by a column, an argument or another type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TypeRef {
    /// `pg_catalog` for the built-in ones.
    pub schema: String,
    /// The catalog's name: `int4`, `text`, `_int4` for an array of `int4`, `order_status`.
    pub name: String,
    /// Differs between databases, and is left out of the JSON for that reason.
    #[serde(default, skip_serializing)]
    pub oid: u32,
    pub kind: TypeKind,
    /// `pg_type.typcategory`: `N` numeric, `S` string, `D` date and time, `B` boolean, `E` enum, `A` array, …
    pub category: char,
    /// As SQL writes it, modifier included and schema-qualified outside `pg_catalog`: `numeric(10,2)`, `public.status[]`.
    pub sql: String,
    /// `pg_attribute.atttypmod`; none where the type takes no modifier or none was given.
    #[serde(default)]
    pub modifier: Option<i32>,
    /// Declared array dimensions; 0 when not an array. PostgreSQL does not enforce it.
    #[serde(default)]
    pub dimensions: u16,
    /// The element's type when this is an array.
    #[serde(default)]
    pub element: Option<Box<TypeRef>>,
}

impl TypeRef {
    pub fn is_array(&self) -> bool {
        self.element.is_some()
    }
}

/// `pg_type.typtype`, with arrays told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    #[serde(alias = "b")]
    Base,
    #[serde(alias = "a")]
    Array,
    /// A composite: `CREATE TYPE … AS (…)`, or the row type of a table or view.
    #[serde(alias = "c")]
    Composite,
    #[serde(alias = "d")]
    Domain,
    #[serde(alias = "e")]
    Enum,
    #[serde(alias = "p")]
    Pseudo,
    #[serde(alias = "r")]
    Range,
    #[serde(alias = "m")]
    Multirange,
}

/// A type somebody created: enum, domain, composite, range, or a base type of an extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Type {
    pub schema: String,
    pub name: String,
    #[serde(default, skip_serializing)]
    pub oid: u32,
    pub owner: String,
    #[serde(default)]
    pub comment: Option<String>,
    /// The extension it belongs to.
    #[serde(default)]
    pub extension: Option<String>,
    #[serde(default)]
    pub grants: Vec<Grant>,
    pub definition: TypeDefinition,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TypeDefinition {
    /// A base type; only an extension's C code makes one.
    Base,
    Enum {
        /// In sort order.
        values: Vec<String>,
    },
    Domain {
        base: TypeRef,
        #[serde(default)]
        not_null: bool,
        #[serde(default)]
        default: Option<String>,
        #[serde(default)]
        collation: Option<String>,
        #[serde(default)]
        checks: Vec<Check>,
    },
    Composite {
        #[serde(default)]
        fields: Vec<Field>,
    },
    Range {
        subtype: TypeRef,
        /// The name of the multirange type that came with it.
        #[serde(default)]
        multirange: Option<String>,
        #[serde(default)]
        collation: Option<String>,
        /// Operator class of the subtype, when not its default.
        #[serde(default)]
        opclass: Option<String>,
        /// `subtype_diff` function, qualified.
        #[serde(default)]
        difference: Option<String>,
        /// `canonical` function, qualified.
        #[serde(default)]
        canonical: Option<String>,
    },
}

/// A field of a composite type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub r#type: TypeRef,
    #[serde(default)]
    pub collation: Option<String>,
    #[serde(default)]
    pub comment: Option<String>,
}
