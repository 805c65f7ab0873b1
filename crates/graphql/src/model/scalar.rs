//! Scalars: PostgreSQL's types under the names Hasura gives them, and what can be asked of each.

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
    Json,
    Jsonb,
    Array,
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
}

/// The right-hand side an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandKind {
    /// A value of the column's own type.
    Same,
    /// A list of values of the column's own type.
    List,
    /// A text, such as a pattern or a key.
    Text,
    /// A list of texts.
    TextList,
    /// `_is_null`.
    Flag,
}

/// A field of a comparison expression that takes a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: &'static str,
    pub operand: OperandKind,
    /// What stands between the sides; for lists `ANY` or `ALL` follows.
    pub sql: &'static str,
    pub description: Option<&'static str>,
}

const fn op(name: &'static str, operand: OperandKind, sql: &'static str, description: &'static str) -> Operator {
    let description = if description.is_empty() { None } else { Some(description) };
    Operator { name, operand, sql, description }
}

const EVERY: &[Operator] = &[
    op("_eq", OperandKind::Same, "=", ""),
    op("_neq", OperandKind::Same, "<>", ""),
    op("_gt", OperandKind::Same, ">", ""),
    op("_lt", OperandKind::Same, "<", ""),
    op("_gte", OperandKind::Same, ">=", ""),
    op("_lte", OperandKind::Same, "<=", ""),
    op("_in", OperandKind::List, "= ANY", ""),
    op("_nin", OperandKind::List, "<> ALL", ""),
    op("_is_null", OperandKind::Flag, "", ""),
];

const TEXT: &[Operator] = &[
    op("_like", OperandKind::Text, "LIKE", "does the column match the given pattern"),
    op("_nlike", OperandKind::Text, "NOT LIKE", "does the column NOT match the given pattern"),
    op("_ilike", OperandKind::Text, "ILIKE", "does the column match the given case-insensitive pattern"),
    op("_nilike", OperandKind::Text, "NOT ILIKE", "does the column NOT match the given case-insensitive pattern"),
    op("_similar", OperandKind::Text, "SIMILAR TO", "does the column match the given SQL regular expression"),
    op("_nsimilar", OperandKind::Text, "NOT SIMILAR TO", "does the column NOT match the given SQL regular expression"),
    op("_regex", OperandKind::Text, "~", "does the column match the given POSIX regular expression, case sensitive"),
    op(
        "_iregex",
        OperandKind::Text,
        "~*",
        "does the column match the given POSIX regular expression, case insensitive",
    ),
    op(
        "_nregex",
        OperandKind::Text,
        "!~",
        "does the column NOT match the given POSIX regular expression, case sensitive",
    ),
    op(
        "_niregex",
        OperandKind::Text,
        "!~*",
        "does the column NOT match the given POSIX regular expression, case insensitive",
    ),
];

const JSONB: &[Operator] = &[
    op("_contains", OperandKind::Same, "@>", "does the column contain the given json value at the top level"),
    op("_contained_in", OperandKind::Same, "<@", "is the column contained in the given json value"),
    op("_has_key", OperandKind::Text, "?", "does the string exist as a top-level key in the column"),
    op("_has_keys_any", OperandKind::TextList, "?|", "do any of these strings exist as top-level keys in the column"),
    op("_has_keys_all", OperandKind::TextList, "?&", "do all of these strings exist as top-level keys in the column"),
];

const ARRAY: &[Operator] = &[
    op("_contains", OperandKind::Same, "@>", "does the array contain the given value"),
    op("_contained_in", OperandKind::Same, "<@", "is the array contained in the given array value"),
];

impl Family {
    /// Every operator of the family's comparison expression; `_cast` aside, which nests.
    pub fn operators(self) -> impl Iterator<Item = &'static Operator> {
        let more: &'static [Operator] = match self {
            Self::Text | Self::NamedText => TEXT,
            Self::Jsonb => JSONB,
            Self::Array => ARRAY,
            _ => &[],
        };
        EVERY.iter().chain(more)
    }

    pub fn operator(self, name: &str) -> Option<&'static Operator> {
        self.operators().find(|operator| operator.name == name)
    }

    /// `_cast: {String: …}`.
    pub fn casts_to_text(self) -> bool {
        self == Self::Jsonb
    }
}
