//! A place in the write-ahead log.

use std::fmt;
use std::str::FromStr;

/// A byte position in the write-ahead log, shown as PostgreSQL does: `16/B374D848`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lsn(pub u64);

/// Not a place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place in the write-ahead log is two hexadecimal numbers with a slash between them")]
pub struct BadLsn;

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

impl FromStr for Lsn {
    type Err = BadLsn;

    fn from_str(text: &str) -> Result<Self, BadLsn> {
        let (high, low) = text.split_once('/').ok_or(BadLsn)?;
        let part = |text: &str| u32::from_str_radix(text, 16).map(u64::from).map_err(|_| BadLsn);
        Ok(Self(part(high)? << 32 | part(low)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_postgresqls() {
        let lsn = Lsn(0x16_B374_D848);
        assert_eq!((lsn.to_string().as_str(), "16/B374D848".parse()), ("16/B374D848", Ok(lsn)));
        for text in ["", "1", "1/", "/1", "x/1", "1/123456789"] {
            assert_eq!(text.parse::<Lsn>(), Err(BadLsn), "{text}");
        }
    }
}
