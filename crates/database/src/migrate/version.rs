use std::cmp::Ordering;

use serde::{Serialize, Serializer};

/// What orders migrations: the digits a file name begins with. `1` and `001` are the same version.
///
/// A sequence number, a time stamp (`20260115093000`) or milliseconds since 1970 (Hasura): all compare as numbers, so
/// that numbered files run before dated ones.
#[derive(Debug, Clone)]
pub struct Version(String);

impl Version {
    /// `None` unless the text is 1 to 38 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=38).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| Self(text.to_owned()))
    }

    /// As it stands in the file name, leading zeros included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn number(&self) -> u128 {
        self.0.parse().expect("up to 38 digits fit into 128 bits")
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for Version {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
