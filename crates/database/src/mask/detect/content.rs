//! What a value looks like.

use std::collections::HashSet;
use std::sync::OnceLock;

use fake::locales::{self, Data};

use crate::mask::Kind;
use crate::mask::invent::{luhn, modulo_97};

/// Longer texts are looked at up to here; names and numbers stand in the first pages as well as in the last.
const MOST: usize = 20_000;

/// Something personal inside `text`, of the kinds that are told by their form: addresses, account and card numbers, secrets.
/// Certain enough to stop for a single one.
pub(in crate::mask) fn strong(text: &str) -> Option<Kind> {
    let bytes = text.as_bytes();
    if bytes.len() < 7 {
        return None;
    }
    if bytes.contains(&b'@') && tokens(text).any(is_email) {
        return Some(Kind::Email);
    }
    if secret(text) {
        return Some(Kind::Token);
    }
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 7 {
        return None;
    }
    if has_iban(text) {
        return Some(Kind::Iban);
    }
    numbers(text).find_map(number)
}

/// An account's number in one piece or in groups of four.
fn has_iban(text: &str) -> bool {
    let words: Vec<&str> = tokens(text).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let starts = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() >= 4 && bytes[..2].iter().all(u8::is_ascii_uppercase) && bytes[2..4].iter().all(u8::is_ascii_digit)
    };
    (0..words.len()).filter(|at| starts(words[*at])).any(|at| {
        let mut joined = String::new();
        words[at..].iter().take(9).any(|word| {
            joined.push_str(word);
            is_iban(&joined)
        })
    })
}

/// As [`strong`], and what many values of a column together make likely.
pub(super) fn likely(text: &str) -> Option<Kind> {
    let text = shortened(text);
    strong(text).or_else(|| address(text)).or_else(|| name(text)).or_else(|| plain_number(text))
}

fn shortened(text: &str) -> &str {
    if text.len() <= MOST { text } else { &text[..text.floor_char_boundary(MOST)] }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace()
            || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '"' | '\'' | '|' | '=' | ':')
    })
}

/// Mail addresses of the domains that [`crate::mask`] itself uses are nobody's.
pub(in crate::mask) fn is_email(token: &str) -> bool {
    let token = token.trim_matches(|c: char| matches!(c, '.' | '!' | '?'));
    let Some((local, domain)) = token.rsplit_once('@') else { return false };
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let own = domain.ends_with(".test") || matches!(domain, "example.com" | "example.net" | "example.org");
    !own && !local.is_empty()
        && top.chars().count() >= 2
        && top.chars().all(char::is_alphanumeric)
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

/// Tokens, keys and hashes of passwords with a form of their own.
fn secret(text: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "eyJ",
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$pbkdf2",
        "$scrypt",
        "sk_live_",
        "rk_live_",
        "ghp_",
        "github_pat_",
        "xoxb-",
        "xoxp-",
        "AKIA",
        "AIza",
        "SCRAM-SHA-256$",
    ];
    text.contains("-----BEGIN ")
        || tokens(text).any(|token| token.len() >= 16 && BEGINNINGS.iter().any(|start| token.starts_with(start)))
}

/// Runs of digits with what people put between them; a run begins where no letter or digit stands before it.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
    text.split(move |c: char| !part(c)).flat_map(candidates)
}

/// The longest pieces of `run` without words in them, and its tokens.
fn candidates(run: &str) -> impl Iterator<Item = &str> {
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
    let pieces = run.split(move |c: char| !numeric(c)).map(str::trim).filter(|piece| piece.len() >= 7);
    pieces.chain(std::iter::once(run.trim()))
}

fn number(text: &str) -> Option<Kind> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if text.chars().any(char::is_alphabetic) {
        return None;
    }
    let grouped = text.contains([' ', '-']) || text.len() == digits.len();
    if grouped
        && (13..=19).contains(&digits.len())
        && matches!(digits[0], 3..=6)
        && luhn(&digits).is_multiple_of(10)
        && !is_made(&digits)
    {
        return Some(Kind::CreditCard);
    }
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups == [3, 2, 4] && digits.len() == 9 && digits[0] != 9 {
        return Some(Kind::NationalId);
    }
    let international = text.starts_with('+') && (8..=15).contains(&digits.len()) && !text[1..].contains('+');
    let national = groups == [3, 3, 4] && digits.len() == 10 || text.starts_with('(') && digits.len() == 10;
    (international || national).then_some(Kind::Phone)
}

/// Cards that [`crate::mask::invent`] makes.
fn is_made(digits: &[u32]) -> bool {
    digits.starts_with(&[4, 0, 0, 0, 0, 0])
}

fn is_iban(compact: &str) -> bool {
    let bytes = compact.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && compact.is_ascii()
        && bytes[4..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 8
        && modulo_97(&format!("{}{}", &compact[4..], &compact[..4])) == Some(1)
}

/// A number and a word for a street.
fn address(text: &str) -> Option<Kind> {
    const STREETS: &[&str] = &[
        "street",
        "st",
        "st.",
        "road",
        "rd",
        "rd.",
        "avenue",
        "ave",
        "ave.",
        "lane",
        "drive",
        "boulevard",
        "blvd",
        "strasse",
        "straße",
        "str.",
        "rue",
        "via",
        "calle",
        "avenida",
        "plaza",
        "platz",
        "weg",
        "allee",
        "laan",
        "straat",
        "gasse",
    ];
    let words: Vec<String> =
        text.split([' ', ',', '\n']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let street = words.iter().position(|word| {
        STREETS.contains(&word.as_str()) || ["straße", "strasse", "straat"].iter().any(|end| word.ends_with(end))
    })?;
    let near = &words[street.saturating_sub(4)..(street + 4).min(words.len())];
    near.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit())).then_some(Kind::Address)
}

/// A first name alone, or before another capitalised word.
fn name(text: &str) -> Option<Kind> {
    let mut words =
        text.split(|c: char| !c.is_alphabetic() && c != '-' && c != '\'').filter(|word| !word.is_empty()).peekable();
    let alone = text.split_whitespace().count() == 1;
    while let Some(word) = words.next() {
        if !first_names().contains(word.to_lowercase().as_str()) || !capital(word) {
            continue;
        }
        if alone {
            return Some(Kind::FirstName);
        }
        if words.peek().is_some_and(|next| capital(next) && next.chars().count() > 1) {
            return Some(Kind::Name);
        }
    }
    None
}

fn capital(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_lowercase())
}

/// Nothing but the digits of a phone or an account.
fn plain_number(text: &str) -> Option<Kind> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let only = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')'));
    (only && (9..=19).contains(&digits)).then_some(Kind::Phone)
}

/// First names of many languages, in small letters.
fn first_names() -> &'static HashSet<String> {
    static NAMES: OnceLock<HashSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let lists = [
            locales::EN::NAME_FIRST_NAME,
            locales::DE_DE::NAME_FIRST_NAME,
            locales::FR_FR::NAME_FIRST_NAME,
            locales::IT_IT::NAME_FIRST_NAME,
            locales::NL_NL::NAME_FIRST_NAME,
            locales::PT_BR::NAME_FIRST_NAME,
            locales::TR_TR::NAME_FIRST_NAME,
            locales::AR_SA::NAME_FIRST_NAME,
        ];
        lists
            .iter()
            .flat_map(|list| list.iter())
            .filter(|name| name.len() > 2)
            .map(|name| name.to_lowercase())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_form_is_seen_anywhere() {
        for (text, expected) in [
            ("write to Ann.Lee@shop.co.uk, please", Some(Kind::Email)),
            ("<ann@shop.com>", Some(Kind::Email)),
            ("call +49 30 1234567 now", Some(Kind::Phone)),
            ("555-123-4567", Some(Kind::Phone)),
            ("his number is (555) 123-4567", Some(Kind::Phone)),
            ("SSN 123-45-6789", Some(Kind::NationalId)),
            ("paid with 4111 1111 1111 1111", Some(Kind::CreditCard)),
            ("4111111111111111", Some(Kind::CreditCard)),
            ("DE89 3704 0044 0532 0130 00", Some(Kind::Iban)),
            ("to GB82WEST12345698765432.", Some(Kind::Iban)),
            ("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", Some(Kind::Token)),
            ("2024-01-02 10:00:00", None),
            ("1234567890123", None),
            ("x@y", None),
            ("a marlo@example.com b", None),
            ("550e8400-e29b-41d4-a716-446655440000", None),
            ("version 1.2.3-4", None),
            ("@media (max-width: 600px)", None),
        ] {
            assert_eq!(strong(text), expected, "{text}");
        }
    }

    #[test]
    fn names_and_addresses_are_likely() {
        assert_eq!(likely("met Alice Johnson there"), Some(Kind::Name));
        assert_eq!(likely("Alice"), Some(Kind::FirstName));
        assert_eq!(likely("12 High Street, Leeds"), Some(Kind::Address));
        assert_eq!(likely("Hauptstraße 5"), Some(Kind::Address));
        assert_eq!(likely("0301234567"), Some(Kind::Phone));
        assert_eq!(likely("blue jeans"), None);
    }
}
