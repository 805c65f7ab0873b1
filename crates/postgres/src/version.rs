use std::fmt;

use serde::Serialize;

/// A PostgreSQL version: `15.18` is major 15, minor 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl Version {
    /// The oldest and the newest major version that nself works with.
    pub const SUPPORTED: std::ops::RangeInclusive<u32> = 14..=18;

    /// Reads what `postgres --version` prints, for example `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, or
    /// a bare `15.18`. Development versions (`19devel`, `18beta1`) have minor 0.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let mut parts = number.splitn(2, |c: char| !c.is_ascii_digit());
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next().unwrap_or_default();
        let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
        let released = number.contains('.');
        Some(Self { major, minor: if released { minor.parse().ok()? } else { 0 } })
    }

    pub fn supported(self) -> bool {
        Self::SUPPORTED.contains(&self.major)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn reads_what_the_programs_print() {
        let version = |major, minor| Some(Version { major, minor });
        assert_eq!(Version::parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), version(15, 18));
        assert_eq!(Version::parse("postgres (PostgreSQL) 18.4"), version(18, 4));
        assert_eq!(Version::parse("postgres (PostgreSQL) 18beta1"), version(18, 0));
        assert_eq!(Version::parse("15"), version(15, 0));
        assert_eq!(Version::parse("postgres"), None);
    }
}
