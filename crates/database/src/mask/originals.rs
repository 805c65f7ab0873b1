//! What was replaced, remembered as numbers that say nothing: the other side of the leak check's join.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::Mutex;

/// Shorter values are nobody's alone.
pub(super) const SHORTEST: usize = 6;
/// Digits that are enough to be somebody's.
const DIGITS: usize = 9;
/// Numbers gathered before they are handed in.
const BATCH: usize = 8192;

/// Hashes of original values, under a key that is drawn for this run and kept nowhere.
#[derive(Debug, Default)]
pub(super) struct Originals {
    key: RandomState,
    seen: Mutex<HashSet<u64, BuildHasherDefault<Itself>>>,
}

/// The numbers are hashes already.
#[derive(Debug, Default)]
pub(super) struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// One worker's originals, handed in now and then.
pub(super) struct Notes<'a> {
    originals: &'a Originals,
    batch: Vec<u64>,
}

impl Originals {
    pub fn notes(&self) -> Notes<'_> {
        Notes { originals: self, batch: Vec::with_capacity(BATCH) }
    }

    /// True for a value that is one of the originals, in any case and spacing.
    pub fn hold(&self, value: &str) -> bool {
        let Some(number) = self.number(value) else { return false };
        self.seen.lock().is_ok_and(|seen| seen.contains(&number))
    }

    pub fn len(&self) -> usize {
        self.seen.lock().map_or(0, |seen| seen.len())
    }

    /// None for values that many people share.
    fn number(&self, value: &str) -> Option<u64> {
        let value = value.trim();
        if !is_telling(value) {
            return None;
        }
        let digits = value.chars().filter(char::is_ascii_digit).count();
        let letters = value.chars().any(char::is_alphabetic);
        // One number in all its spellings: +49 30 1234567, +49-30-1234567.
        let plain: String = match letters {
            false if digits >= DIGITS => value.chars().filter(char::is_ascii_digit).collect(),
            _ => value.to_lowercase(),
        };
        Some(self.key.hash_one(plain.as_bytes()))
    }
}

/// True for what points to one person: an address, a number, more than one word, or a word with digits in it.
fn is_telling(value: &str) -> bool {
    if value.chars().count() < SHORTEST {
        return false;
    }
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().any(char::is_alphabetic);
    let words = value.chars().any(char::is_whitespace);
    value.contains('@') || digits >= DIGITS || (letters && (words || digits >= 2 || value.chars().count() >= 20))
}

impl Notes<'_> {
    pub fn add(&mut self, value: &str) {
        if let Some(number) = self.originals.number(value) {
            self.batch.push(number);
            if self.batch.len() >= BATCH {
                self.hand_in();
            }
        }
    }

    fn hand_in(&mut self) {
        if let Ok(mut seen) = self.originals.seen.lock() {
            seen.extend(self.batch.drain(..));
        }
    }
}

impl Drop for Notes<'_> {
    fn drop(&mut self) {
        self.hand_in();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn originals_are_known_again_in_other_spellings() {
        let originals = Originals::default();
        let mut notes = originals.notes();
        ["Ann@Shop.com", "+49 30 1234567", "Ann Lee", "Ann", "active"].iter().for_each(|value| notes.add(value));
        drop(notes);
        assert_eq!(originals.len(), 3);
        assert!(originals.hold("ann@shop.com ") && originals.hold("+49-30-1234567") && originals.hold("ann lee"));
        assert!(!originals.hold("Ann") && !originals.hold("active") && !originals.hold("bob@shop.com"));
    }
}
