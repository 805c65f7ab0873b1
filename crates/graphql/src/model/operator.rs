//! What can be asked of a value: the fields of comparison expressions.

use super::Family;

/// The right-hand side an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A value of the column's own type.
    Same,
    /// A list of values of the column's own type.
    List,
    /// A text, such as a key, cast to this SQL type.
    Text(&'static str),
    /// A list of texts, cast to an array of the type in the column's own extension, or of `text`.
    TextList(Option<&'static str>),
    /// A value of another type of the column's own extension.
    Sibling(&'static str),
    /// `_is_null`.
    Flag,
    /// An object of several values.
    Shape(Shape),
}

/// How an operator stands in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Between its sides.
    Infix(&'static str),
    /// A function of the column's own extension, with the column as its first argument.
    Call(&'static str),
}

/// A field of a comparison expression that takes a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: &'static str,
    pub takes: Takes,
    pub syntax: Syntax,
    pub description: Option<&'static str>,
}

/// An input object of several values for one operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    GeometryWithin,
    GeographyWithin,
    BandGeometry,
    GeometryBand,
}

/// A field of a [`Shape`].
#[derive(Debug, PartialEq, Eq)]
pub struct ShapeField {
    pub name: &'static str,
    pub r#type: ShapeType,
    pub required: bool,
    pub default: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeType {
    /// A built-in scalar and the SQL type it is sent as.
    BuiltIn(&'static str, &'static str),
    /// A type of the column's own extension.
    Sibling(&'static str),
}

const fn field(name: &'static str, r#type: ShapeType, required: bool) -> ShapeField {
    ShapeField { name, r#type, required, default: None }
}

const DISTANCE: ShapeType = ShapeType::BuiltIn("Float", "float8");
const BAND: ShapeType = ShapeType::BuiltIn("Int", "int4");
const GEOMETRY: ShapeType = ShapeType::Sibling("geometry");

impl Shape {
    pub const ALL: [Self; 4] = [Self::GeometryWithin, Self::GeographyWithin, Self::BandGeometry, Self::GeometryBand];

    /// Of the GraphQL type.
    pub fn name(self) -> &'static str {
        match self {
            Self::GeometryWithin => "st_d_within_input",
            Self::GeographyWithin => "st_d_within_geography_input",
            Self::BandGeometry => "st_intersects_nband_geom_input",
            Self::GeometryBand => "st_intersects_geom_nband_input",
        }
    }

    /// In the order in which the SQL function takes them, after the column.
    pub fn fields(self) -> &'static [ShapeField] {
        match self {
            Self::GeometryWithin => const { &[field("from", GEOMETRY, true), field("distance", DISTANCE, true)] },
            Self::GeographyWithin => {
                const {
                    &[
                        field("from", ShapeType::Sibling("geography"), true),
                        field("distance", DISTANCE, true),
                        ShapeField {
                            name: "use_spheroid",
                            r#type: ShapeType::BuiltIn("Boolean", "bool"),
                            required: false,
                            default: Some("true"),
                        },
                    ]
                }
            }
            Self::BandGeometry => const { &[field("nband", BAND, true), field("geommin", GEOMETRY, true)] },
            Self::GeometryBand => const { &[field("geommin", GEOMETRY, true), field("nband", BAND, false)] },
        }
    }
}

const fn op(name: &'static str, takes: Takes, sql: &'static str, description: &'static str) -> Operator {
    let description = if description.is_empty() { None } else { Some(description) };
    Operator { name, takes, syntax: Syntax::Infix(sql), description }
}

const fn call(name: &'static str, takes: Takes, sql: &'static str, description: &'static str) -> Operator {
    let description = if description.is_empty() { None } else { Some(description) };
    Operator { name, takes, syntax: Syntax::Call(sql), description }
}

const EQUALITY: &[Operator] = &[
    op("_eq", Takes::Same, "=", ""),
    op("_neq", Takes::Same, "<>", ""),
    op("_in", Takes::List, "= ANY", ""),
    op("_nin", Takes::List, "<> ALL", ""),
    op("_is_null", Takes::Flag, "", ""),
];

const ORDER: &[Operator] = &[
    op("_gt", Takes::Same, ">", ""),
    op("_lt", Takes::Same, "<", ""),
    op("_gte", Takes::Same, ">=", ""),
    op("_lte", Takes::Same, "<=", ""),
];

const TEXT: &[Operator] = &[
    op("_like", Takes::Same, "LIKE", "does the column match the given pattern"),
    op("_nlike", Takes::Same, "NOT LIKE", "does the column NOT match the given pattern"),
    op("_ilike", Takes::Same, "ILIKE", "does the column match the given case-insensitive pattern"),
    op("_nilike", Takes::Same, "NOT ILIKE", "does the column NOT match the given case-insensitive pattern"),
    op("_similar", Takes::Same, "SIMILAR TO", "does the column match the given SQL regular expression"),
    op("_nsimilar", Takes::Same, "NOT SIMILAR TO", "does the column NOT match the given SQL regular expression"),
    op("_regex", Takes::Same, "~", "does the column match the given POSIX regular expression, case sensitive"),
    op("_iregex", Takes::Same, "~*", "does the column match the given POSIX regular expression, case insensitive"),
    op("_nregex", Takes::Same, "!~", "does the column NOT match the given POSIX regular expression, case sensitive"),
    op(
        "_niregex",
        Takes::Same,
        "!~*",
        "does the column NOT match the given POSIX regular expression, case insensitive",
    ),
];

const JSONB: &[Operator] = &[
    op("_contains", Takes::Same, "@>", "does the column contain the given json value at the top level"),
    op("_contained_in", Takes::Same, "<@", "is the column contained in the given json value"),
    op("_has_key", Takes::Text("text"), "?", "does the string exist as a top-level key in the column"),
    op("_has_keys_any", Takes::TextList(None), "?|", "do any of these strings exist as top-level keys in the column"),
    op("_has_keys_all", Takes::TextList(None), "?&", "do all of these strings exist as top-level keys in the column"),
    op(
        "_jsonb_path_exists",
        Takes::Text("jsonpath"),
        "@?",
        "does the jsonpath return any item for the specified JSON value",
    ),
    op(
        "_jsonb_path_match",
        Takes::Text("jsonpath"),
        "@@",
        "does the jsonpath predicate check return true for the specified JSON value",
    ),
];

const ARRAY: &[Operator] = &[
    op("_contains", Takes::Same, "@>", "does the array contain the given value"),
    op("_contained_in", Takes::Same, "<@", "is the array contained in the given array value"),
];

const LTREE: &[Operator] = &[
    op("_ancestor", Takes::Same, "@>", "is the left argument an ancestor of right (or equal)?"),
    op("_ancestor_any", Takes::List, "@>", "does array contain an ancestor of `ltree`?"),
    op("_descendant", Takes::Same, "<@", "is the left argument a descendant of right (or equal)?"),
    op("_descendant_any", Takes::List, "<@", "does array contain a descendant of `ltree`?"),
    op("_matches", Takes::Sibling("lquery"), "~", "does `ltree` match `lquery`?"),
    op("_matches_any", Takes::TextList(Some("lquery")), "?", "does `ltree` match any `lquery` in array?"),
    op("_matches_fulltext", Takes::Sibling("ltxtquery"), "@", "does `ltree` match `ltxtquery`?"),
];

const GEOMETRY_OPERATORS: &[Operator] = &[
    call("_st_contains", Takes::Same, "st_contains", "does the column contain the given geometry value"),
    call("_st_crosses", Takes::Same, "st_crosses", "does the column cross the given geometry value"),
    call(
        "_st_equals",
        Takes::Same,
        "st_equals",
        "is the column equal to given geometry value (directionality is ignored)",
    ),
    call(
        "_st_overlaps",
        Takes::Same,
        "st_overlaps",
        "does the column 'spatially overlap' (intersect but not completely contain) the given geometry value",
    ),
    call(
        "_st_touches",
        Takes::Same,
        "st_touches",
        "does the column have atleast one point in common with the given geometry value",
    ),
    call("_st_within", Takes::Same, "st_within", "is the column contained in the given geometry value"),
    call(
        "_st_intersects",
        Takes::Same,
        "st_intersects",
        "does the column spatially intersect the given geometry value",
    ),
    call(
        "_st_3d_intersects",
        Takes::Same,
        "st_3dintersects",
        "does the column spatially intersect the given geometry value in 3D",
    ),
    call(
        "_st_d_within",
        Takes::Shape(Shape::GeometryWithin),
        "st_dwithin",
        "is the column within a given distance from the given geometry value",
    ),
    call(
        "_st_3d_d_within",
        Takes::Shape(Shape::GeometryWithin),
        "st_3ddwithin",
        "is the column within a given 3D distance from the given geometry value",
    ),
];

const GEOGRAPHY_OPERATORS: &[Operator] = &[
    call(
        "_st_intersects",
        Takes::Same,
        "st_intersects",
        "does the column spatially intersect the given geography value",
    ),
    call(
        "_st_d_within",
        Takes::Shape(Shape::GeographyWithin),
        "st_dwithin",
        "is the column within a given distance from the given geography value",
    ),
];

const RASTER: &[Operator] = &[
    call("_st_intersects_rast", Takes::Same, "st_intersects", ""),
    call("_st_intersects_nband_geom", Takes::Shape(Shape::BandGeometry), "st_intersects", ""),
    call("_st_intersects_geom_nband", Takes::Shape(Shape::GeometryBand), "st_intersects", ""),
];

impl Family {
    /// Every operator of the family's comparison expression; `_cast` aside, which nests.
    pub fn operators(self) -> impl Iterator<Item = &'static Operator> {
        let order: &[Operator] = if matches!(self, Self::Raster | Self::EnumTable) { &[] } else { ORDER };
        let more: &'static [Operator] = match self {
            Self::Text | Self::NamedText => TEXT,
            Self::Jsonb => JSONB,
            Self::Array => ARRAY,
            Self::Ltree => LTREE,
            Self::Geometry => GEOMETRY_OPERATORS,
            Self::Geography => GEOGRAPHY_OPERATORS,
            Self::Raster => RASTER,
            _ => &[],
        };
        EQUALITY.iter().chain(order).chain(more)
    }

    pub fn operator(self, name: &str) -> Option<&'static Operator> {
        self.operators().find(|operator| operator.name == name)
    }
}
