use std::fmt;

/// The name of a database object, quoted whenever it is shown, so that it can stand in a statement.
///
/// The server cuts names after 63 bytes; a NUL byte cannot be sent and makes the driver refuse the statement.
///
/// ```
/// use postgres::Ident;
/// assert_eq!(Ident::new("users").to_string(), r#""users""#);
/// assert_eq!(Ident::new(r#"we"ird"#).to_string(), r#""we""ird""#);
/// assert_eq!(Ident::new("auth").dot("users").to_string(), r#""auth"."users""#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ident(String);

/// An object's name with its schema's, quoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Qualified {
    pub schema: Ident,
    pub name: Ident,
}

impl Ident {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as the catalog holds it, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `self` is the schema of `name`.
    pub fn dot(&self, name: impl Into<String>) -> Qualified {
        Qualified { schema: self.clone(), name: Self::new(name) }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl fmt::Display for Qualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}
