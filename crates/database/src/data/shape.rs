use postgres::catalog::{Catalog, TypeDefinition, TypeKind, TypeRef};

/// What JSON makes of a type's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    Bool,
    Json,
    Array(Box<Shape>),
    /// Whatever else there is: the text that PostgreSQL writes, as a string.
    Text,
}

impl Shape {
    pub(crate) fn of(catalog: &Catalog, reference: &TypeRef) -> Self {
        let reference = base(catalog, reference);
        if let Some(element) = &reference.element {
            // The elements of box[] alone are parted by semicolons; its literal says it all.
            return if element.name == "box" { Self::Text } else { Self::Array(Box::new(Self::of(catalog, element))) };
        }
        match (reference.schema.as_str(), reference.name.as_str()) {
            ("pg_catalog", "int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8") => Self::Number,
            ("pg_catalog", "bool") => Self::Bool,
            ("pg_catalog", "json" | "jsonb") => Self::Json,
            _ => Self::Text,
        }
    }
}

/// The type below all domains.
pub(crate) fn base<'a>(catalog: &'a Catalog, mut reference: &'a TypeRef) -> &'a TypeRef {
    while reference.kind == TypeKind::Domain {
        match catalog.type_named(&reference.schema, &reference.name).map(|found| &found.definition) {
            Some(TypeDefinition::Domain { base, .. }) => reference = base,
            _ => return reference,
        }
    }
    reference
}
