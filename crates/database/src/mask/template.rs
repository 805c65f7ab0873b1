//! The rule `template`: a fixed text with invented pieces.

use super::Kind;
use super::invent::{self, Bounds};
use super::key::{Key, Prf, hexadecimal};

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(String),
    Hash(usize),
    Digits(usize),
    Letters(usize),
    Fake(Kind),
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').ok_or("a `{` is never closed")? + start;
            if start > 0 {
                pieces.push(Piece::Literal(rest[..start].to_owned()));
            }
            pieces.push(piece(&rest[start + 1..end])?);
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// True when enough of it depends on the original that two originals never give the same text.
    pub fn is_unique(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Hash(12..) | Piece::Digits(16..) | Piece::Letters(12..)))
    }

    /// Its longest text; none where that is not known.
    pub fn longest(&self) -> Option<usize> {
        self.0.iter().try_fold(0, |sum, piece| match piece {
            Piece::Literal(text) => Some(sum + text.chars().count()),
            Piece::Hash(length) | Piece::Digits(length) | Piece::Letters(length) => Some(sum + length),
            Piece::Fake(_) => None,
        })
    }

    pub fn fill(&self, key: &Key, prf: &Prf, original: &str) -> String {
        let mut draws = prf.stream(original.as_bytes());
        let mut made = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => made.push_str(text),
                Piece::Hash(length) => made.push_str(&hexadecimal(&prf.digest(&[original.as_bytes()]))[..*length]),
                Piece::Digits(length) => made.extend((0..*length).map(|_| char::from(b'0' + draws.below(10) as u8))),
                Piece::Letters(length) => made.extend((0..*length).map(|_| char::from(b'a' + draws.below(26) as u8))),
                Piece::Fake(kind) => {
                    let prf = key.purpose(kind.as_str());
                    made.push_str(&invent::text(&prf, *kind, original, Bounds::default()));
                }
            }
        }
        made
    }
}

fn piece(name: &str) -> Result<Piece, String> {
    let (name, length) = match name.split_once(':') {
        Some((name, length)) => (name, Some(length.parse().map_err(|_| format!("`{length}` is not a length"))?)),
        None => (name, None),
    };
    let length = |default: usize| match length {
        None => Ok(default),
        Some(length @ 1..=64) => Ok(length),
        Some(_) => Err("a length is 1 to 64".to_owned()),
    };
    match name {
        "hash" => Ok(Piece::Hash(length(16)?)),
        "digits" => Ok(Piece::Digits(length(4)?)),
        "letters" => Ok(Piece::Letters(length(8)?)),
        _ => match Kind::parse(name) {
            Some(kind) => Ok(Piece::Fake(kind)),
            None => Err(format!("`{{{name}}}` is neither hash, digits, letters nor a kind")),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_template_is_filled() {
        let key = Key::new(&project::Secret::new("a key for tests, a key for tests".to_owned())).unwrap();
        let template = Template::parse("user-{hash:8}-{digits:3}@example.com").unwrap();
        let made = template.fill(&key, &key.purpose("template"), "ann@shop.com");
        assert!(made.starts_with("user-") && made.ends_with("@example.com"));
        assert_eq!(Some(made.len()), template.longest());
        assert!(!template.is_unique() && Template::parse("{hash}").unwrap().is_unique());
        assert!(Template::parse("{hash").is_err() && Template::parse("{hash:99}").is_err());
    }
}
