//! Word lists of the locales, from the `fake` crate's public tables.
//!
//! They are data of a dependency, and a value depends on them: a test holds their hash, so that an update that changes
//! a list is noticed and raises [`super::VERSION`].

use fake::locales::{
    AR_SA, CY_GB, DE_DE, Data, EN, FA_IR, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, PT_PT, TR_TR, ZH_CN, ZH_TW,
};

type List = &'static [&'static str];

/// The lists of one locale, and what is derived from them once.
#[derive(Debug)]
pub struct Words {
    pub locale: &'static str,
    pub first_names: List,
    pub last_names: List,
    /// The same names in small ASCII letters, for addresses and user names; English ones where a script has none.
    pub first_handles: Vec<Box<str>>,
    pub last_handles: Vec<Box<str>>,
    pub last_name_first: bool,
    /// Between the two names: nothing in Chinese.
    pub name_separator: &'static str,
    pub titles: List,
    pub lorem: List,
    pub street_suffixes: List,
    /// `Rue {name}` rather than `{name} Street`.
    pub street_suffix_first: bool,
    pub state_codes: List,
    pub postcode: &'static str,
    pub phone: &'static str,
    pub company_suffixes: List,
    pub job_seniorities: List,
    pub job_fields: List,
    pub job_positions: List,
    pub buzz_heads: List,
    pub buzz_middles: List,
    pub buzz_tails: List,
}

/// What a locale is called in a configuration, its postcode and its telephone numbers.
///
/// In the patterns `#` is a digit, `^` a digit from 1 to 9 and `?` a letter; telephone numbers come from ranges that look right and,
/// where a country reserves one for fiction, from that.
const LOCALES: [(&str, &str, &str); 15] = [
    ("en", "^####", "+1 ^##-555-01##"),
    ("fr_FR", "^####", "+33 6 ## ## ## ##"),
    ("de_DE", "^####", "+49 15# ########"),
    ("it_IT", "^####", "+39 3## #######"),
    ("nl_NL", "^### ??", "+31 6 ########"),
    ("pt_BR", "^####-###", "+55 11 9####-####"),
    ("pt_PT", "^###-###", "+351 9## ### ###"),
    ("tr_TR", "^####", "+90 5## ### ## ##"),
    ("cy_GB", "CF^# #??", "+44 7700 900###"),
    ("ja_JP", "^##-####", "+81 90-####-####"),
    ("zh_CN", "^#####", "+86 13# #### ####"),
    ("zh_TW", "^##", "+886 9## ### ###"),
    ("ar_SA", "^####", "+966 5# ### ####"),
    ("fa_IR", "^#########", "+98 91# ### ####"),
    ("en_GB", "SW^# #??", "+44 7700 900###"),
];

/// The names that [`Words::new`] knows.
pub fn locales() -> impl Iterator<Item = &'static str> {
    LOCALES.iter().map(|(name, ..)| *name)
}

impl Words {
    /// By name, in either spelling (`de_DE`, `de-DE`) or by language alone (`de`); None for one that is not known.
    pub fn new(locale: &str) -> Option<Self> {
        let wanted = locale.replace('-', "_").to_lowercase();
        let (name, postcode, phone) =
            LOCALES.iter().find(|(name, ..)| name.to_lowercase() == wanted).or_else(|| {
                LOCALES.iter().find(|(name, ..)| name[..2] == *wanted || wanted.starts_with("en_us") && *name == "en")
            })?;
        Some(match *name {
            "fr_FR" => Self::of::<FR_FR>(name, postcode, phone),
            "de_DE" => Self::of::<DE_DE>(name, postcode, phone),
            "it_IT" => Self::of::<IT_IT>(name, postcode, phone),
            "nl_NL" => Self::of::<NL_NL>(name, postcode, phone),
            "pt_BR" => Self::of::<PT_BR>(name, postcode, phone),
            "pt_PT" => Self::of::<PT_PT>(name, postcode, phone),
            "tr_TR" => Self::of::<TR_TR>(name, postcode, phone),
            "cy_GB" => Self::of::<CY_GB>(name, postcode, phone),
            "ja_JP" => Self::of::<JA_JP>(name, postcode, phone),
            "zh_CN" => Self::of::<ZH_CN>(name, postcode, phone),
            "zh_TW" => Self::of::<ZH_TW>(name, postcode, phone),
            "ar_SA" => Self::of::<AR_SA>(name, postcode, phone),
            "fa_IR" => Self::of::<FA_IR>(name, postcode, phone),
            _ => Self::of::<EN>(name, postcode, phone),
        })
    }

    fn of<L: Data>(locale: &'static str, postcode: &'static str, phone: &'static str) -> Self {
        // A list that a locale leaves empty falls back to English.
        fn or(own: List, english: List) -> List {
            if own.is_empty() { english } else { own }
        }
        let first_names = or(L::NAME_FIRST_NAME, EN::NAME_FIRST_NAME);
        let last_names = or(L::NAME_LAST_NAME, EN::NAME_LAST_NAME);
        Self {
            locale,
            first_names,
            last_names,
            first_handles: handles(first_names, EN::NAME_FIRST_NAME),
            last_handles: handles(last_names, EN::NAME_LAST_NAME),
            last_name_first: L::NAME_TPL.starts_with("{LastName}"),
            name_separator: if L::NAME_TPL.contains("}{") { "" } else { " " },
            titles: or(L::NAME_TITLE, EN::NAME_TITLE),
            lorem: or(L::LOREM_WORD, EN::LOREM_WORD),
            street_suffixes: or(L::ADDRESS_STREET_SUFFIX, EN::ADDRESS_STREET_SUFFIX),
            street_suffix_first: L::ADDRESS_STREET_TPL.starts_with("{StreetSuffix}"),
            state_codes: or(L::ADDRESS_STATE_ABBR, EN::ADDRESS_STATE_ABBR),
            postcode,
            phone,
            company_suffixes: or(L::COMPANY_SUFFIX, EN::COMPANY_SUFFIX),
            job_seniorities: or(L::JOB_SENIORITY, EN::JOB_SENIORITY),
            job_fields: or(L::JOB_FIELD, EN::JOB_FIELD),
            job_positions: or(L::JOB_POSITION, EN::JOB_POSITION),
            buzz_heads: or(L::COMPANY_BUZZWORD_HEAD, EN::COMPANY_BUZZWORD_HEAD),
            buzz_middles: or(L::COMPANY_BUZZWORD_MIDDLE, EN::COMPANY_BUZZWORD_MIDDLE),
            buzz_tails: or(L::COMPANY_BUZZWORD_TAIL, EN::COMPANY_BUZZWORD_TAIL),
        }
    }
}

fn handles(names: List, english: List) -> Vec<Box<str>> {
    let handle = |(index, name): (usize, &&str)| {
        let folded = fold(name);
        if folded.is_empty() { fold(english[index % english.len()]) } else { folded }.into_boxed_str()
    };
    names.iter().enumerate().map(handle).collect()
}

/// Small ASCII letters of a name in Latin script; empty when it has other letters.
pub fn fold(name: &str) -> String {
    let mut folded = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' => folded.push(letter),
            ' ' | '-' | '\'' | '’' | '.' | '\u{307}' => {}
            'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' => folded.push('a'),
            'ä' | 'æ' => folded.push_str("ae"),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' | 'ı' => folded.push('i'),
            'ñ' | 'ń' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => folded.push('o'),
            'ö' | 'œ' => folded.push_str("oe"),
            'ù' | 'ú' | 'û' | 'ŵ' => folded.push('u'),
            'ü' => folded.push_str("ue"),
            'ý' | 'ÿ' | 'ŷ' => folded.push('y'),
            'ß' => folded.push_str("ss"),
            'ş' | 'š' => folded.push('s'),
            'ğ' => folded.push('g'),
            'ž' => folded.push('z'),
            _ => return String::new(),
        }
    }
    folded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mock::values::stream::hash;

    /// When this fails after an update of `fake`, a list changed: raise `VERSION` and write the new hash here.
    #[test]
    fn the_lists_are_those_of_this_version() {
        let mut all = String::new();
        for locale in locales() {
            let words = Words::new(locale).unwrap();
            assert_eq!(words.locale, locale);
            all.push_str(&format!("{words:?}"));
        }
        assert_eq!(hash(all.as_bytes()), 18_120_178_329_976_967_223);
    }

    #[test]
    fn locales_are_found_in_any_spelling() {
        assert_eq!(Words::new("de-DE").unwrap().locale, "de_DE");
        assert_eq!(Words::new("fr").unwrap().locale, "fr_FR");
        assert_eq!(Words::new("en_US").unwrap().locale, "en");
        assert!(Words::new("xx").is_none());
    }

    #[test]
    fn handles_are_ascii() {
        assert_eq!(fold("Jean-François"), "jeanfrancois");
        assert_eq!(fold("Müller"), "mueller");
        assert_eq!(fold("山田"), "");
        for locale in locales() {
            let words = Words::new(locale).unwrap();
            let handles = words.first_handles.iter().chain(&words.last_handles);
            assert!(handles.into_iter().all(|handle| !handle.is_empty() && handle.is_ascii()));
        }
    }
}
