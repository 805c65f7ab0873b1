//! Invented values: each a function of the key and the original alone.
//!
//! Names, streets and towns are put together from syllables instead of taken from lists of real ones, mail addresses end in
//! domains nobody can own (RFC 2606), and what networks number is taken from ranges that are nobody's: a replacement is no
//! other person's value, and a join of originals with replacements finds nothing.

use super::key::{Draws, Prf, hexadecimal};
use super::{Kind, scramble};

const HEADS: &[&str] = &[
    "Al", "Bel", "Bran", "Cal", "Cor", "Dar", "Del", "Dor", "El", "Er", "Fal", "Fen", "Gal", "Gor", "Hal", "Hen", "Il",
    "Jar", "Jor", "Kal", "Kel", "Lan", "Lor", "Mar", "Mel", "Mor", "Nal", "Nor", "Ol", "Or", "Pal", "Per", "Quin",
    "Ral", "Ren", "Ros", "Sal", "Sel", "Sor", "Tal", "Ter", "Tor", "Ul", "Val", "Ver", "Vol", "Wel", "Wor", "Yar",
    "Zan",
];
const MIDDLES: &[&str] = &[
    "a", "ade", "ami", "ani", "aro", "avi", "ede", "eki", "emo", "eni", "era", "evo", "ibe", "idu", "iko", "ima",
    "ino", "ira", "ivo", "obe", "ode", "oki", "ome", "ona", "ori", "ovi", "uda", "ule", "umo", "una", "uri", "uvo",
];
const FIRST_ENDS: &[&str] = &[
    "bra", "dan", "del", "dis", "fin", "ka", "lan", "lia", "lin", "mir", "na", "nis", "ra", "ric", "sa", "tan", "via",
    "yn",
];
const LAST_ENDS: &[&str] = &[
    "bard", "beck", "brook", "croft", "dahl", "den", "feld", "ford", "garth", "holt", "kamp", "land", "ley", "mere",
    "mont", "quist", "rick", "sen", "stead", "strom", "thorn", "vale", "wick", "worth",
];
const TOWN_ENDS: &[&str] =
    &["borough", "bridge", "burgh", "field", "haven", "minster", "mouth", "port", "stead", "ton", "ville", "wick"];
const STREETS: &[&str] = &["Street", "Road", "Avenue", "Lane", "Way", "Court", "Place", "Drive"];
const COMPANIES: &[&str] = &["Ltd", "Group", "& Sons", "Works", "Partners", "Trading", "Supply", "Studio"];
const JOBS: &[&str] =
    &["Clerk", "Engineer", "Planner", "Analyst", "Assistant", "Designer", "Buyer", "Editor", "Technician", "Adviser"];
const COUNTRIES: &[&str] =
    &["Norland", "Sorland", "Estria", "Westmark", "Alvonia", "Belmara", "Corvenia", "Daloria", "Ermania", "Feldora"];
const WORDS: &[&str] = &[
    "lorem", "ipsum", "dolor", "sit", "amet", "elit", "sed", "tempor", "magna", "aliqua", "enim", "minim", "quis",
    "nisi", "aute", "irure", "velit", "esse", "cillum", "fugiat", "nulla", "sint", "culpa", "officia", "mollit",
    "anim", "laborum",
];
const DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];
const AGENT: &str = "Mozilla/5.0 (compatible; anonymised)";
/// Without 0, 1, l and o, which people mix up.
const TAG: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Places of a tag that make a chance meeting of two among ten million less likely than one in a million: 65 bits.
const FULL_TAG: usize = 13;
/// The shortest tag that may stand for uniqueness: 45 bits.
const LEAST_TAG: usize = 9;

/// What an invented text must keep to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// In characters.
    pub longest: Option<usize>,
    /// Different originals get different replacements.
    pub unique: bool,
}

/// A value of `kind` for `original`.
pub(super) fn text(prf: &Prf, kind: Kind, original: &str, bounds: Bounds) -> String {
    let mut draws = prf.stream(original.as_bytes());
    let made = of_kind(prf, kind, original, bounds, &mut draws);
    let fits = made.as_ref().is_some_and(|made| bounds.longest.is_none_or(|longest| made.chars().count() <= longest));
    match made {
        Some(made) if fits => made,
        Some(made) if !bounds.unique => {
            made.chars().take(bounds.longest.unwrap_or(usize::MAX)).collect::<String>().trim_end().to_owned()
        }
        // What is too short for a tag is permuted among the texts of its shape.
        _ => scramble::text(prf, original),
    }
}

/// None where the value must be scrambled to stay unique.
fn of_kind(prf: &Prf, kind: Kind, original: &str, bounds: Bounds, draws: &mut Draws<'_>) -> Option<String> {
    let small = !bounds.unique;
    Some(match kind {
        Kind::Email => return email(bounds, draws),
        Kind::Name => tagged(bounds, format!("{} {}", first_name(draws), last_name(draws)), " ", draws)?,
        Kind::FirstName => tagged(bounds, first_name(draws), "-", draws)?,
        Kind::LastName => tagged(bounds, last_name(draws), "-", draws)?,
        Kind::Username => return username(bounds, draws),
        Kind::Address => {
            let street = format!("{} {}, {}", 1 + draws.below(999), street(draws), town(draws));
            tagged(bounds, street, " ", draws)?
        }
        Kind::Street => tagged(bounds, format!("{} {}", 1 + draws.below(999), street(draws)), " ", draws)?,
        Kind::City => tagged(bounds, town(draws), " ", draws)?,
        Kind::State if small && original.chars().count() > 3 => format!("{}shire", last_name(draws)),
        Kind::Country if small && original.chars().count() > 3 => draws.pick(COUNTRIES).to_owned(),
        Kind::Company => tagged(bounds, format!("{} {}", last_name(draws), draws.pick(COMPANIES)), " ", draws)?,
        Kind::JobTitle if small => draws.pick(JOBS).to_owned(),
        Kind::Url => url(bounds, draws)?,
        Kind::Ip => ip(prf, original),
        Kind::Mac => mac(draws),
        Kind::Uuid => uuid(draws),
        Kind::NationalId if small => national_id(original, draws),
        Kind::CreditCard if small => card(original, draws),
        Kind::Iban => return iban(prf, original),
        Kind::Latitude if small => decimal(draws, 60),
        Kind::Longitude if small => decimal(draws, 170),
        Kind::Token => return token(original, bounds, draws),
        Kind::UserAgent if small => AGENT.to_owned(),
        Kind::Text if small => words(original, draws),
        _ => scramble::text(prf, original),
    })
}

fn tag(length: usize, draws: &mut Draws<'_>) -> String {
    (0..length).map(|_| char::from(TAG[usize::from(draws.byte() % 32)])).collect()
}

/// `value` alone, or with a tag behind it where it has to be unique; none when there is no room for one.
fn tagged(bounds: Bounds, value: String, gap: &str, draws: &mut Draws<'_>) -> Option<String> {
    if !bounds.unique {
        return Some(value);
    }
    let longest = bounds.longest.unwrap_or(usize::MAX);
    let room = longest.saturating_sub(gap.len()).min(FULL_TAG);
    if room < LEAST_TAG {
        return None;
    }
    let value: String = value.chars().take(longest - room - gap.len()).collect();
    Some(format!("{value}{}{}", if value.is_empty() { "" } else { gap }, tag(room, draws)))
}

fn first_name(draws: &mut Draws<'_>) -> String {
    [draws.pick(HEADS), draws.pick(MIDDLES), draws.pick(FIRST_ENDS)].concat()
}

fn last_name(draws: &mut Draws<'_>) -> String {
    [draws.pick(HEADS), draws.pick(MIDDLES), draws.pick(LAST_ENDS)].concat()
}

fn town(draws: &mut Draws<'_>) -> String {
    [draws.pick(HEADS), draws.pick(MIDDLES), draws.pick(TOWN_ENDS)].concat()
}

fn street(draws: &mut Draws<'_>) -> String {
    format!("{} {}", last_name(draws), draws.pick(STREETS))
}

/// `marlovia.kelstead.x7k2m9p4qrstu@example.com`, shortened to what the column takes.
fn email(bounds: Bounds, draws: &mut Draws<'_>) -> Option<String> {
    let longest = bounds.longest.unwrap_or(usize::MAX);
    let (first, last) = (first_name(draws).to_lowercase(), last_name(draws).to_lowercase());
    let (tag, domain) = (tag(FULL_TAG, draws), draws.pick(DOMAINS));
    let full = format!("{first}.{last}.{tag}@{domain}");
    if full.len() <= longest {
        return Some(full);
    }
    let short = format!("{tag}@{domain}");
    if short.len() <= longest {
        return Some(short);
    }
    // `.test` is reserved as well, and shorter.
    let room = longest.checked_sub("@x.test".len())?.min(FULL_TAG);
    (room >= if bounds.unique { LEAST_TAG } else { 1 }).then(|| format!("{}@x.test", &tag[..room]))
}

fn username(bounds: Bounds, draws: &mut Draws<'_>) -> Option<String> {
    let longest = bounds.longest.unwrap_or(usize::MAX);
    let (name, tag) = (first_name(draws).to_lowercase(), tag(FULL_TAG, draws));
    let full = format!("{name}_{tag}");
    if full.len() <= longest {
        return Some(full);
    }
    let room = longest.min(FULL_TAG);
    (room >= LEAST_TAG || !bounds.unique).then(|| tag[..room].to_owned())
}

fn url(bounds: Bounds, draws: &mut Draws<'_>) -> Option<String> {
    let full = format!("https://example.com/{}", tag(FULL_TAG, draws));
    (bounds.longest.is_none_or(|longest| full.len() <= longest) || !bounds.unique).then_some(full)
}

/// Lower-case hexadecimal digits, as many as the original had, at least 16 where there is room.
fn token(original: &str, bounds: Bounds, draws: &mut Draws<'_>) -> Option<String> {
    let longest = bounds.longest.unwrap_or(usize::MAX);
    let length = original.chars().count().clamp(16, 128).min(longest);
    if bounds.unique && length < 12 {
        return None;
    }
    let bytes: Vec<u8> = (0..length.div_ceil(16)).flat_map(|_| draws.next().to_le_bytes()).collect();
    Some(hexadecimal(&bytes)[..length].to_owned())
}

/// As long as the original, to keep the layout of pages.
fn words(original: &str, draws: &mut Draws<'_>) -> String {
    let wanted = original.chars().count();
    let mut made = String::with_capacity(wanted + 10);
    while made.len() < wanted {
        if !made.is_empty() {
            made.push(' ');
        }
        made.push_str(draws.pick(WORDS));
    }
    made.truncate(wanted);
    made
}

/// A private address of the same family; prefix lengths stay.
fn ip(prf: &Prf, original: &str) -> String {
    let (address, prefix) = match original.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (original, None),
    };
    let masked = |bytes: &mut [u8]| {
        let kept = prefix.and_then(|prefix| prefix.parse::<usize>().ok()).unwrap_or(bytes.len() * 8);
        for (number, byte) in bytes.iter_mut().enumerate() {
            let bits = kept.saturating_sub(number * 8).min(8);
            *byte &= !(0xff_u16 >> bits) as u8;
        }
    };
    let made = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            let mut bytes = address.octets();
            scramble::bytes(prf, &mut bytes);
            masked(&mut bytes);
            std::net::Ipv4Addr::from(bytes).to_string()
        }
        Ok(std::net::IpAddr::V6(address)) => {
            let mut bytes = address.octets();
            scramble::bytes(prf, &mut bytes);
            // A local address (RFC 4193), unless its bits are needed.
            bytes[0] = 0xfd;
            masked(&mut bytes);
            std::net::Ipv6Addr::from(bytes).to_string()
        }
        Err(_) => return scramble::text(prf, original),
    };
    prefix.map_or(made.clone(), |prefix| format!("{made}/{prefix}"))
}

/// A locally administered address.
fn mac(draws: &mut Draws<'_>) -> String {
    let bytes = draws.next().to_le_bytes();
    format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
}

/// Version 4 (RFC 9562).
pub(super) fn uuid(draws: &mut Draws<'_>) -> String {
    let mut bytes = [draws.next().to_le_bytes(), draws.next().to_le_bytes()].concat();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hexadecimal(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// Its shape with other digits, and a 9 in front: no United States number begins with one.
fn national_id(original: &str, draws: &mut Draws<'_>) -> String {
    let mut first = true;
    let replaced = original.chars().map(|c| match c {
        '0'..='9' if std::mem::take(&mut first) => '9',
        '0'..='9' => char::from(b'0' + draws.below(10) as u8),
        'a'..='z' => char::from(b'a' + draws.below(26) as u8),
        _ if c.is_alphabetic() => char::from(b'A' + draws.below(26) as u8),
        _ => c,
    });
    replaced.collect()
}

/// Its shape with the digits of a range that card networks keep for tests, and a right check digit (Luhn).
fn card(original: &str, draws: &mut Draws<'_>) -> String {
    let length = original.chars().filter(char::is_ascii_digit).count();
    let mut digits: Vec<u32> = [4, 0, 0, 0, 0, 0].into_iter().take(length).collect();
    while digits.len() < length {
        digits.push(draws.below(10));
    }
    if let Some(last) = length.checked_sub(1) {
        digits[last] = 0;
        digits[last] = (10 - luhn(&digits) % 10) % 10;
    }
    let mut digits = digits.into_iter().filter_map(|digit| char::from_digit(digit, 10));
    let replaced = original.chars().map(|c| match c {
        '0'..='9' => digits.next().unwrap_or('0'),
        _ if c.is_alphanumeric() => 'x',
        _ => c,
    });
    replaced.collect()
}

/// The sum of ISO/IEC 7812-1, a multiple of ten for a valid number.
pub(super) fn luhn(digits: &[u32]) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    digits.iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit }).sum()
}

/// The same country, other digits, right check digits (ISO 13616); none when it is no IBAN.
fn iban(prf: &Prf, original: &str) -> Option<String> {
    let compact: String = original.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.len() < 15 || !compact.is_ascii() || !compact[..2].chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let account = scramble::text(prf, &compact[4..].to_ascii_uppercase());
    let country = compact[..2].to_ascii_uppercase();
    let check = 98 - modulo_97(&format!("{account}{country}00"))?;
    let made = format!("{country}{check:02}{account}");
    let mut made = made.chars();
    // Its groups stay.
    Some(original.chars().map(|c| if c.is_whitespace() { c } else { made.next().unwrap_or(c) }).collect())
}

/// The remainder of ISO 7064 (letters count 10 to 35); none for other characters.
pub(super) fn modulo_97(text: &str) -> Option<u32> {
    text.chars().try_fold(0_u32, |rest, c| {
        let digit = c.to_digit(36)?;
        Some(if digit < 10 { (rest * 10 + digit) % 97 } else { (rest * 100 + digit) % 97 })
    })
}

pub(super) fn decimal(draws: &mut Draws<'_>, limit: u32) -> String {
    let sign = if draws.below(2) == 0 { "-" } else { "" };
    format!("{sign}{}.{:05}", draws.below(limit), draws.below(100_000))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::super::key::Key;
    use super::*;

    fn prf() -> Prf {
        Key::new(&project::Secret::new("a key for tests, a key for tests".to_owned())).unwrap().purpose("fake")
    }

    fn made(kind: Kind, original: &str) -> String {
        text(&prf(), kind, original, Bounds::default())
    }

    #[test]
    fn replacements_are_of_their_kind() {
        let email = made(Kind::Email, "ann@shop.com");
        assert!(email.contains('@') && email.rsplit('@').next().unwrap().starts_with("example."));
        assert_eq!(email, made(Kind::Email, "ann@shop.com"));
        let digits: Vec<u32> =
            made(Kind::CreditCard, "5500 0000 0000 0004").chars().filter_map(|c| c.to_digit(10)).collect();
        assert_eq!((digits.len(), luhn(&digits) % 10), (16, 0));
        let iban = made(Kind::Iban, "DE89 3704 0044 0532 0130 00");
        let plain = iban.replace(' ', "");
        assert!(plain.starts_with("DE") && plain != "DE89370400440532013000");
        assert_eq!(modulo_97(&format!("{}{}", &plain[4..], &plain[..4])), Some(1));
        assert!(made(Kind::NationalId, "123-45-6789").starts_with('9'));
        assert_eq!(made(Kind::Phone, "+1 (555) 123-4567").chars().filter(|c| *c == '-').count(), 1);
        assert!(made(Kind::Ip, "192.168.7.0/24").ends_with(".0/24"));
        assert!(made(Kind::Ip, "2001:db8::1").starts_with("fd"));
        assert_eq!(made(Kind::Text, "a secret sentence").len(), 17);
    }

    #[test]
    fn unique_replacements_fit_into_their_columns() {
        for kind in Kind::all().filter_map(Kind::parse) {
            for longest in [4, 8, 12, 16, 20, 40, 80] {
                let bounds = Bounds { longest: Some(longest), unique: true };
                let originals: Vec<String> =
                    (0..120).map(|number| format!("{number:0width$}", width = longest.min(12))).collect();
                let made: HashSet<String> =
                    originals.iter().map(|original| text(&prf(), kind, original, bounds)).collect();
                let (most, fewest) = (made.iter().map(|text| text.chars().count()).max(), made.len());
                assert!(most <= Some(longest), "{kind:?} in {longest}: {most:?}");
                assert_eq!(fewest, originals.len(), "{kind:?} in {longest}");
            }
        }
    }
}
