//! The pages behind error codes: `assets/errors/<CODE>.md`, built in.

use crate::Error;

static PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Every code with its page in Markdown, sorted by code.
pub fn pages() -> &'static [(&'static str, &'static str)] {
    PAGES
}

/// The title of a page, without the code before it.
pub fn title(page: &str) -> &str {
    let line = page.lines().next().unwrap_or_default();
    line.split_once(": ").map_or(line, |(_, title)| title)
}

/// The page of a code, in any spelling a person may type: `NS-PG-001`, `ns-pg-1`, `PG001`, `error[NS-PG-001]`.
///
/// # Errors
/// [`Error::UnknownCode`] with the code that was probably meant.
pub fn find(text: &str) -> Result<(&'static str, &'static str), Error> {
    let wanted = normal(text);
    if let Ok(place) = PAGES.binary_search_by(|(code, _)| (*code).cmp(wanted.as_str())) {
        return Ok(PAGES[place]);
    }
    let distance = |code: &str| strsim::damerau_levenshtein(code, &wanted);
    let nearest = PAGES.iter().map(|(code, _)| (distance(code), *code)).min();
    let suggestion = nearest.filter(|(distance, _)| *distance <= 3).map(|(_, code)| code.to_owned());
    Err(Error::UnknownCode { code: text.to_owned(), suggestion })
}

/// `NS-AREA-NNN` of what was typed.
fn normal(text: &str) -> String {
    let text = text.trim().to_ascii_uppercase();
    let text = text.trim_start_matches("ERROR").trim_matches(['[', ']', ':', ' ']);
    let text = text.strip_prefix("NS").unwrap_or(text).trim_matches(['-', '_', ' ']);
    let area: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    let number = text[area.len()..].trim_matches(['-', '_', ' ']);
    match number.parse::<u32>() {
        Ok(number) if !area.is_empty() => format!("NS-{area}-{number:03}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_page_is_complete() {
        assert!(pages().len() > 9);
        for (code, page) in pages() {
            assert!(page.starts_with(&format!("# {code}: ")), "{code} has no title line");
            for part in ["**What it means**", "**Why it happens**", "**What to do**"] {
                assert!(page.contains(part), "{code} lacks {part}");
            }
        }
        assert!(pages().is_sorted());
    }

    #[test]
    fn codes_are_found_as_people_type_them() {
        for text in ["NS-OPS-001", "ns-ops-1", "ops001", "error[NS-OPS-001]:", " OPS-1 "] {
            assert_eq!(find(text).unwrap().0, "NS-OPS-001", "{text}");
        }
    }

    #[test]
    fn an_unknown_code_suggests_the_nearest() {
        let Err(Error::UnknownCode { suggestion, .. }) = find("NS-OPSS-001") else { panic!() };
        assert_eq!(suggestion.as_deref(), Some("NS-OPS-001"));
        let Err(Error::UnknownCode { suggestion, .. }) = find("é") else { panic!() };
        assert_eq!(suggestion, None);
    }
}
