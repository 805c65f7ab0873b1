//! Format-preserving replacement: digits stay digits, letters stay letters, everything else stays, and two different texts
//! never become the same one.
//!
//! The text's letters and digits are a number in mixed radix (10 for a digit, 26 for a letter, …). An alternating Feistel
//! network over that number (the construction of NIST SP 800-38G's FF1, with HMAC-SHA-256 for its round function and a
//! radix for each place) permutes all texts of the same shape. Shapes map to themselves, so the whole is a permutation too.

use super::key::Prf;

/// FF1 has ten rounds.
const ROUNDS: u8 = 10;

/// A place that changes: which of how many, counted from which character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    first: u32,
    radix: u32,
    digit: u32,
}

/// The characters that stand in for `c`; none where it stays. The ranges part all characters: only so is the whole a
/// bijection.
fn place(c: char) -> Option<Place> {
    let of = |first: u32, radix: u32| Some(Place { first, radix, digit: c as u32 - first });
    match c {
        '0'..='9' => of('0' as u32, 10),
        'a'..='z' => of('a' as u32, 26),
        'A'..='Z' => of('A' as u32, 26),
        // Punctuation and signs.
        '\0'..='\u{bf}' | '\u{2000}'..='\u{207f}' | '\u{3000}'..='\u{303f}' => None,
        '\u{c0}'..='\u{ff}' => of(0xc0, 64),
        '\u{3040}'..='\u{30ff}' => of(0x3040, 192),
        '\u{4e00}'..='\u{9fff}' => of(0x4e00, 0x5200),
        '\u{ac00}'..='\u{d77f}' => of(0xac00, 0x2b80),
        // The others of its block: no script is told from another by more than that.
        _ => of(c as u32 & !0x7f, 128),
    }
}

/// Replaces every letter and digit of `text`. A bijection on the texts of one shape.
pub(super) fn text(prf: &Prf, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let places: Vec<Option<Place>> = characters.iter().map(|c| place(*c)).collect();
    let mut digits: Vec<Place> = places.iter().flatten().copied().collect();
    permute(prf, &mut digits);
    let mut digits = digits.into_iter();
    let replaced = characters.iter().zip(&places).map(|(c, place)| match place {
        None => *c,
        Some(_) => digits.next().and_then(|place| char::from_u32(place.first + place.digit)).unwrap_or('?'),
    });
    replaced.collect()
}

/// Replaces a number from 0 below `limit` by another. A bijection: numbers above the limit are walked over.
pub(super) fn number(prf: &Prf, value: u64, limit: u64) -> u64 {
    let width = limit.saturating_sub(1).to_string().len();
    let mut current = value;
    loop {
        let text = format!("{current:0width$}");
        let mut digits: Vec<Place> = text.chars().filter_map(place).collect();
        permute(prf, &mut digits);
        current = digits.iter().fold(0_u64, |sum, place| sum.wrapping_mul(10).wrapping_add(u64::from(place.digit)));
        // The walk stays on the cycle of a permutation, so it comes back below the limit, at the latest at `value`.
        if current < limit {
            return current;
        }
    }
}

/// Replaces bytes one for one.
pub(super) fn bytes(prf: &Prf, bytes: &mut [u8]) {
    let mut places: Vec<Place> =
        bytes.iter().map(|byte| Place { first: 0, radix: 256, digit: u32::from(*byte) }).collect();
    permute(prf, &mut places);
    for (byte, place) in bytes.iter_mut().zip(places) {
        *byte = place.digit as u8;
    }
}

fn permute(prf: &Prf, places: &mut [Place]) {
    // Texts of different shapes are permuted by different functions.
    let shape: Vec<u8> = places.iter().flat_map(|place| place.first.to_le_bytes()).collect();
    let middle = places.len().div_ceil(2);
    for round in 0..ROUNDS {
        let (left, right) = places.split_at_mut(middle);
        let (read, write) = if round % 2 == 0 { (&*right, left) } else { (&*left, right) };
        if write.is_empty() {
            continue;
        }
        // No radix is above 2^16.
        let other: Vec<u8> = read.iter().flat_map(|place| (place.digit as u16).to_le_bytes()).collect();
        let mut draws = prf.draws(&[&shape, &[round], &other]);
        for place in write {
            let add = draws.below(place.radix);
            place.digit = (place.digit + add) % place.radix;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::key::Key;
    use super::*;

    fn prf() -> Prf {
        Key::new(&project::Secret::new("a key for tests, a key for tests".to_owned())).unwrap().purpose("test")
    }

    #[test]
    fn every_text_of_a_shape_gets_one_of_its_own() {
        let prf = prf();
        let all: HashSet<String> = (0..1000).map(|number| text(&prf, &format!("a{number:03}"))).collect();
        assert_eq!(all.len(), 1000);
        let all: HashSet<u64> = (0..777).map(|value| number(&prf, value, 777)).collect();
        assert_eq!(all.len(), 777);
        assert!(all.iter().all(|value| *value < 777));
    }

    proptest! {
        #[test]
        fn the_shape_stays(original in "\\PC{0,40}") {
            let replaced = text(&prf(), &original);
            prop_assert_eq!(replaced.chars().count(), original.chars().count());
            for (before, after) in original.chars().zip(replaced.chars()) {
                match place(before) {
                    None => prop_assert_eq!(before, after),
                    Some(expected) => {
                        let code = after as u32;
                        prop_assert!((expected.first..expected.first + expected.radix).contains(&code));
                    }
                }
            }
        }

        #[test]
        fn long_texts_change(original in "[a-z]{12,30}") {
            prop_assert_ne!(text(&prf(), &original), original);
        }
    }
}
