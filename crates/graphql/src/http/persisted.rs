//! Automatic persisted queries, as Apollo's clients use them: a query's SHA-256 instead of its text, once the text has
//! been sent along with it.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::failure::{Code, Failure};

/// Bytes of all texts kept; anybody may send some.
const CAPACITY: u64 = 16 << 20;
/// A longer text is not kept.
const LONGEST: usize = 256 << 10;

type Hash = [u8; 32];

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<Hash, Arc<str>> for ByLength {
    fn weight(&self, _: &Hash, text: &Arc<str>) -> u64 {
        text.len() as u64 + 128
    }
}

/// Texts by hash; the least used go when there are too many.
#[derive(Debug)]
pub(crate) struct Persisted(Cache<Hash, Arc<str>, ByLength>);

impl Default for Persisted {
    fn default() -> Self {
        Self(Cache::with_weighter(4_096, CAPACITY, ByLength))
    }
}

impl Persisted {
    /// The query's text: the one sent, which is kept if it has that hash, or the one kept.
    ///
    /// # Errors
    /// There is neither, or text and hash do not belong together.
    pub fn resolve(&self, query: Option<String>, hash: Option<&str>) -> Result<String, Failure> {
        let Some(hash) = hash else {
            return query.ok_or_else(|| Failure::new(Code::ParseFailed, "$", "the key 'query' was not present"));
        };
        let hash = parse(hash).ok_or_else(|| Failure::new(Code::BadRequest, "$", "sha256Hash is no SHA-256"))?;
        match query {
            Some(query) => {
                if hash != Hash::from(Sha256::digest(&query)) {
                    return Err(Failure::new(Code::BadRequest, "$", "provided sha does not match query"));
                }
                if query.len() <= LONGEST {
                    self.0.insert(hash, query.as_str().into());
                }
                Ok(query)
            }
            None => {
                let missing = || Failure::new(Code::PersistedQueryNotFound, "$", "PersistedQueryNotFound");
                self.0.get(&hash).map(|text| text.to_string()).ok_or_else(missing)
            }
        }
    }
}

fn parse(text: &str) -> Option<Hash> {
    let bytes = text.as_bytes();
    let mut hash = Hash::default();
    if bytes.len() != 2 * hash.len() {
        return None;
    }
    for (place, pair) in hash.iter_mut().zip(bytes.chunks(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *place = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sent_once() {
        let persisted = Persisted::default();
        let code = |query: Option<&str>, hash: Option<&str>| {
            persisted.resolve(query.map(str::to_owned), hash).map_err(|failure| failure.code)
        };
        let hash: String = Sha256::digest("{ a }").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(code(None, None), Err(Code::ParseFailed));
        assert_eq!(code(None, Some(&hash[1..])), Err(Code::BadRequest));
        assert_eq!(code(None, Some(&"é".repeat(32))), Err(Code::BadRequest));
        assert_eq!(code(None, Some(&hash)), Err(Code::PersistedQueryNotFound));
        assert_eq!(code(Some("{ b }"), Some(&hash)), Err(Code::BadRequest));
        assert_eq!(code(None, Some(&hash)), Err(Code::PersistedQueryNotFound));
        assert_eq!(code(Some("{ a }"), Some(&hash)), Ok("{ a }".to_owned()));
        assert_eq!(code(None, Some(&hash.to_uppercase())), Ok("{ a }".to_owned()));
    }
}
