//! How names of fields and types are put together.

/// How names are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    pub convention: Convention,
    pub type_prefix: String,
    pub type_suffix: String,
    pub root_prefix: String,
    pub root_suffix: String,
    /// The field of every root type that holds the source's own fields.
    pub namespace: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Convention {
    /// `users_by_pk`, `users_bool_exp`.
    #[default]
    HasuraDefault,
    /// `usersByPk`, `UsersBoolExp`.
    GraphqlDefault,
}

impl Naming {
    /// The name of a table's types from a name in the database.
    pub(crate) fn type_base(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => name.to_owned(),
            Convention::GraphqlDefault => pascal(name),
        }
    }

    /// A column's or an argument's name from one in the database.
    pub(crate) fn member(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => name.to_owned(),
            Convention::GraphqlDefault => camel(name),
        }
    }

    /// A root field of a table: what stands before its name, the name, what stands behind.
    pub(crate) fn root(&self, before: &str, name: &str, behind: &str) -> String {
        let parts: Vec<&str> = [before, name, behind].into_iter().filter(|part| !part.is_empty()).collect();
        let plain = parts.join("_");
        match self.convention {
            Convention::HasuraDefault => plain,
            Convention::GraphqlDefault => camel(&plain),
        }
    }

    /// A relationship's or a function's name with something behind it.
    pub(crate) fn derived(&self, name: &str, behind: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("{name}_{behind}"),
            Convention::GraphqlDefault => format!("{name}{}", pascal(behind)),
        }
    }

    /// With the source's prefix and suffix of root fields.
    pub(crate) fn customized_root(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("{}{name}{}", self.root_prefix, self.root_suffix),
            Convention::GraphqlDefault => {
                let name = if self.root_prefix.is_empty() { name.to_owned() } else { pascal(name) };
                format!("{}{name}{}", self.root_prefix, pascal(&self.root_suffix))
            }
        }
    }

    /// True where nothing changes a type's name.
    pub(crate) fn is_plain(&self) -> bool {
        self.convention == Convention::HasuraDefault && self.type_prefix.is_empty() && self.type_suffix.is_empty()
    }

    /// What stands in the middle of a type's name.
    pub(crate) fn infix(&self, plain: &'static str) -> std::borrow::Cow<'static, str> {
        match self.convention {
            Convention::HasuraDefault => plain.into(),
            Convention::GraphqlDefault => pascal(plain.trim_matches('_')).into(),
        }
    }

    /// A type's name from the one that Hasura's own convention gives it, with the source's prefix and suffix.
    pub(crate) fn type_name(&self, plain: &str) -> String {
        let (prefix, suffix) = (&self.type_prefix, &self.type_suffix);
        match self.convention {
            Convention::HasuraDefault => format!("{prefix}{plain}{suffix}"),
            Convention::GraphqlDefault => [prefix.as_str(), plain, suffix].map(pascal).concat(),
        }
    }

    /// Undoes the source's prefix and suffix of type names.
    pub(crate) fn bare_type<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.convention {
            Convention::HasuraDefault => name.strip_prefix(&*self.type_prefix)?.strip_suffix(&*self.type_suffix),
            Convention::GraphqlDefault => {
                name.strip_prefix(&*pascal(&self.type_prefix))?.strip_suffix(&*pascal(&self.type_suffix))
            }
        }
    }

    /// What stands before `behind`, such as `_bool_exp`, in a bare type name.
    pub(crate) fn base_of<'n>(&self, name: &'n str, behind: &str) -> Option<&'n str> {
        match self.convention {
            Convention::HasuraDefault => name.strip_suffix(behind),
            Convention::GraphqlDefault => name.strip_suffix(&*pascal(behind.trim_start_matches('_'))),
        }
    }
}

/// `author_by_pk` to `authorByPk`; what stands before the first letter stays.
fn camel(name: &str) -> String {
    let start = name.len() - name.trim_start_matches('_').len();
    let mut out = name[..start].to_owned();
    for (index, part) in name[start..].split('_').filter(|part| !part.is_empty()).enumerate() {
        if index == 0 {
            out.push_str(&lower_first(part));
        } else {
            out.push_str(&upper_first(part));
        }
    }
    out
}

/// `author_by_pk` to `AuthorByPk`.
fn pascal(name: &str) -> String {
    let start = name.len() - name.trim_start_matches('_').len();
    let parts = name[start..].split('_').filter(|part| !part.is_empty()).map(upper_first);
    std::iter::once(name[..start].to_owned()).chain(parts).collect()
}

fn upper_first(part: &str) -> String {
    let mut characters = part.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn lower_first(part: &str) -> String {
    let mut characters = part.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// True for what GraphQL's grammar accepts as a name and leaves to users.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphqls_own_convention() {
        let naming = Naming {
            convention: Convention::GraphqlDefault,
            root_prefix: "test".to_owned(),
            root_suffix: "query".to_owned(),
            ..Naming::default()
        };
        assert_eq!(naming.type_name("AuthorLocal_aggregate_fields"), "AuthorLocalAggregateFields");
        let root = naming.root("insert", "author_local", "one");
        assert_eq!(root, "insertAuthorLocalOne");
        assert_eq!(naming.customized_root(&root), "testInsertAuthorLocalOneQuery");
        assert_eq!(naming.member("author_id"), "authorId");
        assert_eq!(naming.base_of("AuthorLocalBoolExp", "_bool_exp"), Some("AuthorLocal"));
    }
}
