//! How names of fields and types are put together.

use std::borrow::Cow;

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
    /// The name of a table's types from a name in the database, or from one that the metadata gives (`given`).
    pub(crate) fn type_base(&self, name: &str, given: bool) -> String {
        match self.convention {
            Convention::HasuraDefault => name.to_owned(),
            Convention::GraphqlDefault if !given => pascal(name),
            // A given name stays as it is, unless something stands before it.
            Convention::GraphqlDefault if self.type_prefix.is_empty() => name.to_owned(),
            Convention::GraphqlDefault => upper_first(name),
        }
    }

    /// A type's name: that of its table with something behind, such as `_bool_exp`.
    pub(crate) fn type_of(&self, base: &str, behind: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("{base}{behind}"),
            Convention::GraphqlDefault => format!("{base}{}", pascal(behind.trim_start_matches('_'))),
        }
    }

    /// What follows a table's name and begins with a name that no convention takes apart: `full_name` in
    /// `Full_nameAuthorArgs`.
    pub(crate) fn inner(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("_{name}"),
            Convention::GraphqlDefault => upper_first(name),
        }
    }

    /// A type's name that begins with a name that no convention takes apart.
    pub(crate) fn capital(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => name.to_owned(),
            Convention::GraphqlDefault => upper_first(name),
        }
    }

    /// A column's or an argument's name from one in the database.
    pub(crate) fn member(&self, name: &str) -> String {
        self.word(name).into_owned()
    }

    /// A name of Hasura's own: an argument, an operator, an aggregate function.
    pub(crate) fn word<'w>(&self, name: &'w str) -> Cow<'w, str> {
        match self.convention {
            Convention::GraphqlDefault if name.trim_start_matches('_').contains('_') || starts_upper(name) => {
                camel(name).into()
            }
            _ => name.into(),
        }
    }

    /// True for what [`Naming::word`] makes of `plain`.
    pub(crate) fn is(&self, word: &str, plain: &str) -> bool {
        self.word(plain) == word
    }

    /// Undoes [`Naming::word`] of such a name.
    pub(crate) fn plain_word<'w>(&self, word: &'w str) -> Cow<'w, str> {
        match self.convention {
            Convention::GraphqlDefault if word.contains(|letter: char| letter.is_ascii_uppercase()) => {
                snake(word).into()
            }
            _ => word.into(),
        }
    }

    /// An enum's value.
    pub(crate) fn value<'w>(&self, name: &'w str) -> Cow<'w, str> {
        match self.convention {
            Convention::HasuraDefault => name.into(),
            Convention::GraphqlDefault => name.to_uppercase().into(),
        }
    }

    /// A root field of a table: what stands before its name, the name (which the metadata may have `given`), what
    /// stands behind.
    pub(crate) fn root(&self, before: &str, name: &str, given: bool, behind: &str) -> String {
        let parts = [before, name, behind].into_iter().filter(|part| !part.is_empty());
        match self.convention {
            Convention::HasuraDefault => parts.collect::<Vec<_>>().join("_"),
            Convention::GraphqlDefault => {
                let name = match (before.is_empty(), given) {
                    (true, true) => name.to_owned(),
                    (true, false) => camel(name),
                    (false, true) => upper_first(name),
                    (false, false) => pascal(name),
                };
                format!("{before}{name}{}", pascal(behind))
            }
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
        self.affixed(&self.root_prefix, name, &self.root_suffix)
    }

    /// With the source's prefix and suffix of type names.
    pub(crate) fn type_name(&self, name: &str) -> String {
        self.affixed(&self.type_prefix, name, &self.type_suffix)
    }

    fn affixed(&self, prefix: &str, name: &str, suffix: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("{prefix}{name}{suffix}"),
            Convention::GraphqlDefault if prefix.is_empty() => format!("{name}{}", upper_first(suffix)),
            Convention::GraphqlDefault => format!("{prefix}{}{}", upper_first(name), upper_first(suffix)),
        }
    }

    /// A type that all sources share: only the convention changes its name.
    pub(crate) fn shared_type(&self, name: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => name.to_owned(),
            Convention::GraphqlDefault => pascal(name),
        }
    }

    /// The type of an aggregate's condition, from that of all of a table's. Hasura forgets that it names a type.
    pub(crate) fn condition_type(&self, name: &str, given: bool, function: &str) -> String {
        match self.convention {
            Convention::HasuraDefault => format!("{name}_{function}"),
            Convention::GraphqlDefault if given => format!("{name}{}", upper_first(function)),
            Convention::GraphqlDefault => format!("{}{}", lower_first(name), upper_first(function)),
        }
    }

    /// Undoes the source's prefix and suffix of type names.
    pub(crate) fn bare_type<'n>(&self, name: &'n str) -> Option<&'n str> {
        let name = name.strip_prefix(&*self.type_prefix)?;
        match self.convention {
            Convention::HasuraDefault => name.strip_suffix(&*self.type_suffix),
            Convention::GraphqlDefault => name.strip_suffix(&*upper_first(&self.type_suffix)),
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

fn starts_upper(name: &str) -> bool {
    name.trim_start_matches('_').starts_with(|first: char| first.is_ascii_uppercase())
}

/// The words of a name; an underscore that it begins with belongs to the first.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let first = usize::from(name.starts_with('_'));
    let end = name[first..].find('_').map_or(name.len(), |at| first + at);
    std::iter::once(&name[..end]).chain(name[end..].split('_').filter(|word| !word.is_empty()))
}

/// `author_by_pk` to `authorByPk`.
fn camel(name: &str) -> String {
    let mut words = words(name);
    let first = words.next().map(lower_first);
    first.into_iter().chain(words.map(upper_first)).collect()
}

/// `author_by_pk` to `AuthorByPk`.
fn pascal(name: &str) -> String {
    words(name).map(upper_first).collect()
}

/// `authorByPk` to `author_by_pk`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
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
        assert_eq!(naming.type_of("AuthorLocal", "_aggregate_fields"), "AuthorLocalAggregateFields");
        let root = naming.root("insert", "author_local", false, "one");
        assert_eq!(root, "insertAuthorLocalOne");
        assert_eq!(naming.customized_root(&root), "testInsertAuthorLocalOneQuery");
        assert_eq!(naming.member("author_id"), "authorId");
        assert_eq!(naming.base_of("AuthorLocalBoolExp", "_bool_exp"), Some("AuthorLocal"));
    }

    #[test]
    fn what_the_metadata_names_stays_unless_something_stands_before_it() {
        let naming = Naming { convention: Convention::GraphqlDefault, ..Naming::default() };
        let roots = [("", ""), ("", "by_pk"), ("insert", "one")]
            .map(|(before, behind)| naming.root(before, "table_one", true, behind));
        assert_eq!(roots, ["table_one", "table_oneByPk", "insertTable_oneOne"]);
        assert_eq!(naming.type_of(&naming.type_base("table_one", true), "_bool_exp"), "table_oneBoolExp");
    }

    #[test]
    fn words_of_the_engine_in_camel_case_and_back() {
        let naming = Naming { convention: Convention::GraphqlDefault, ..Naming::default() };
        let words = [
            ("order_by", "orderBy"),
            ("_is_null", "_isNull"),
            ("_delete_at_path", "_deleteAtPath"),
            ("where", "where"),
            ("_eq", "_eq"),
        ];
        for (plain, word) in words {
            assert_eq!((&*naming.word(plain), &*naming.plain_word(word)), (word, plain));
        }
        assert_eq!(naming.word("_st_3d_d_within"), "_st3dDWithin");
    }
}
