use serde::{Serialize, Serializer};
use squawk_syntax::{
    ast::{self, AstNode},
    quote::quote_ident,
};

/// A relation, index or type as a statement names it: with its schema where that is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    pub schema: Option<String>,
    /// As the catalog holds it: folded to lower case unless it was quoted.
    pub name: String,
}

impl Name {
    pub(super) fn new(path: Option<ast::PathRef>) -> Option<Self> {
        let path = path?;
        let name = path.segment()?.text();
        let schema = path.qualifier().and_then(|qualifier| qualifier.segment()).map(|segment| segment.text());
        (!name.is_empty()).then_some(Self { schema, name })
    }

    /// The name of something that the statement makes.
    pub(super) fn made(path: Option<ast::Path>) -> Option<Self> {
        let path = path?;
        let name = path.segment()?.text();
        let schema = path.qualifier().and_then(|qualifier| qualifier.segment()).map(|segment| segment.text());
        (!name.is_empty()).then_some(Self { schema, name })
    }

    /// A name without a schema: a schema's own, a database's.
    pub(super) fn bare(node: Option<impl AstNode>) -> Option<Self> {
        let name = ast::normalize_name_node(node?.syntax());
        (!name.is_empty()).then_some(Self { schema: None, name })
    }

    /// The relation of a column that is written `a.b` or `s.a.b`, and the column.
    pub(super) fn column(path: Option<ast::PathRef>) -> Option<(Self, String)> {
        let path = path?;
        Some((Self::new(path.qualifier())?, path.segment()?.text()))
    }
}

/// As it can stand in a statement: quoted where it must be.
impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_ident(schema))?;
        }
        f.write_str(&quote_ident(&self.name))
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
