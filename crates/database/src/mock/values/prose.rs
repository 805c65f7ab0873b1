//! Words, sentences, names of companies and products, addresses of the internet.

use std::sync::Arc;

use super::{
    Pcg, Row,
    lists::{self, List},
    scalar,
    stream::{self, pick},
    text::{Mark, Text},
    words::Words,
};

/// A text made of the locale's words.
fn with(words: &Arc<Words>, mark: Mark, make: impl Fn(&Words, &mut Pcg, &mut Vec<u8>) + Send + Sync + 'static) -> Text {
    let words = Arc::clone(words);
    Text::new(mark, move |_: &Row<'_>, rng, out| make(&words, rng, out))
}

/// `count` words with spaces between them.
fn run(words: &Words, count: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
    for index in 0..count {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(pick(rng, words.lorem).as_bytes());
    }
}

fn capitalise(start: usize, out: &mut [u8]) {
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_uppercase();
    }
}

/// The words of one sentence, 6 to 12 unless said otherwise.
fn one_sentence(words: &Words, count: Option<u64>, rng: &mut Pcg, out: &mut Vec<u8>) {
    let start = out.len();
    let count = count.unwrap_or_else(|| 6 + stream::below(rng, 7));
    run(words, count, rng, out);
    capitalise(start, out);
    out.push(b'.');
}

fn one_paragraph(words: &Words, sentences: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
    for index in 0..sentences {
        if index > 0 {
            out.push(b' ');
        }
        one_sentence(words, None, rng, out);
    }
}

pub fn words(words: &Arc<Words>, count: u64) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| run(words, count, rng, out))
}

/// The first letter of a heading is a capital one.
pub fn title(words: &Arc<Words>, count: Option<u64>) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| {
        let start = out.len();
        let count = count.unwrap_or_else(|| 2 + stream::below(rng, 4));
        run(words, count, rng, out);
        capitalise(start, out);
    })
}

pub fn sentences(words: &Arc<Words>, count: u64, length: Option<u64>) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| {
        for index in 0..count {
            if index > 0 {
                out.push(b' ');
            }
            one_sentence(words, length, rng, out);
        }
    })
}

pub fn paragraphs(words: &Arc<Words>, count: u64, sentences: u64, separator: &'static str) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| {
        for index in 0..count {
            if index > 0 {
                out.extend_from_slice(separator.as_bytes());
            }
            one_paragraph(words, sentences, rng, out);
        }
    })
}

pub fn markdown(words: &Arc<Words>, count: u64) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| {
        out.extend_from_slice(b"# ");
        let start = out.len();
        run(words, 3, rng, out);
        capitalise(start, out);
        for _ in 0..count {
            out.extend_from_slice(b"\n\n");
            one_paragraph(words, 3, rng, out);
            out.extend_from_slice(b"\n\n- **");
            run(words, 1, rng, out);
            out.extend_from_slice(b"** ");
            run(words, 4, rng, out);
        }
    })
}

pub fn html(words: &Arc<Words>, count: u64) -> Text {
    with(words, Mark::End(" "), move |words, rng, out| {
        for _ in 0..count {
            out.extend_from_slice(b"<p>");
            one_paragraph(words, 3, rng, out);
            out.extend_from_slice(b"</p>");
        }
    })
}

/// `voluptatem-quia-dolor`, of ASCII words in any locale.
pub fn slug(count: u64) -> Text {
    Text::new(Mark::End("-"), move |_, rng, out| ascii_words(count, b'-', rng, out))
}

fn ascii_words(count: u64, separator: u8, rng: &mut Pcg, out: &mut Vec<u8>) {
    use fake::locales::{Data, EN};
    for index in 0..count {
        if index > 0 {
            out.push(separator);
        }
        out.extend_from_slice(pick(rng, EN::LOREM_WORD).as_bytes());
    }
}

pub fn company(words: &Arc<Words>) -> Text {
    with(words, Mark::End(" "), |words, rng, out| {
        out.extend_from_slice(pick(rng, words.last_names).as_bytes());
        if stream::below(rng, 3) == 0 {
            out.extend_from_slice(b" & ");
            out.extend_from_slice(pick(rng, words.last_names).as_bytes());
        }
        out.push(b' ');
        out.extend_from_slice(pick(rng, words.company_suffixes).as_bytes());
    })
}

pub fn catch_phrase(words: &Arc<Words>) -> Text {
    with(words, Mark::End(" "), |words, rng, out| {
        for (index, list) in [words.buzz_heads, words.buzz_middles, words.buzz_tails].into_iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(pick(rng, list).as_bytes());
        }
    })
}

/// One entry of a list, of several lists in a row.
pub fn joined(parts: &'static [List], mark: Mark) -> Text {
    Text::new(mark, move |_, rng, out| {
        for (index, list) in parts.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(pick(rng, list).as_bytes());
        }
    })
}

pub fn domain() -> Text {
    Text::new(Mark::Before(b'.'), |_, rng, out| {
        ascii_words(1, b'-', rng, out);
        out.extend_from_slice(b".example");
    })
}

/// `https://example.com/quia/dolor`; with an extension, a file's address.
pub fn url(base: &'static str, extension: &'static str) -> Text {
    let mark = if extension.is_empty() { Mark::End("-") } else { Mark::Before(b'.') };
    Text::new(mark, move |_, rng, out| {
        out.extend_from_slice(b"https://");
        out.extend_from_slice(pick(rng, lists::SAFE_DOMAINS).as_bytes());
        out.push(b'/');
        out.extend_from_slice(base.as_bytes());
        ascii_words(2, if base.is_empty() { b'/' } else { b'-' }, rng, out);
        out.extend_from_slice(extension.as_bytes());
    })
}

/// `quia-dolor.pdf`, in folders when `deep`.
pub fn file(deep: bool) -> Text {
    Text::new(Mark::Before(b'.'), move |_, rng, out| {
        if deep {
            out.push(b'/');
            ascii_words(2, b'/', rng, out);
            out.push(b'/');
        }
        ascii_words(2, b'-', rng, out);
        out.push(b'.');
        out.extend_from_slice(pick(rng, lists::EXTENSIONS).as_bytes());
    })
}

/// A text of so many characters of an alphabet.
pub fn characters(alphabet: &'static [u8], length: usize) -> Text {
    Text::new(Mark::End(""), move |_, rng, out| {
        for _ in 0..length {
            out.push(alphabet[stream::below(rng, alphabet.len() as u64) as usize]);
        }
    })
}

/// `3.14.2`.
pub fn version() -> Text {
    Text::new(Mark::End("."), |_, rng, out| {
        for (index, most) in [9, 30, 20].into_iter().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            scalar::write_decimal(stream::between(rng, 0, most), 0, out);
        }
    })
}

/// A password's hash as the auth service stores it: bcrypt's form, of no password at all.
pub fn password_hash() -> Text {
    const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    Text::new(Mark::End(""), |_, rng, out| {
        out.extend_from_slice(b"$2a$10$");
        for _ in 0..53 {
            out.push(ALPHABET[stream::below(rng, 64) as usize]);
        }
    })
}

/// `#voluptas`.
pub fn hashtag() -> Text {
    Text::new(Mark::End(""), |_, rng, out| {
        out.push(b'#');
        ascii_words(1, b'_', rng, out);
    })
}
