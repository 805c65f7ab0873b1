//! Text that matches a regular expression, from its syntax tree.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::{Generate, Pcg, Row, stream};

/// A regular expression to generate from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    node: Node,
    /// The positions of a text whose length is fixed, for numbered texts.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(String),
    /// Characters to choose from.
    Class(Vec<char>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: u32,
    },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
}

#[derive(Debug, Clone, PartialEq)]
enum Slot {
    Literal(String),
    Class(Vec<char>),
}

/// How many more repetitions than the least an open `*`, `+` or `{3,}` gets.
const MORE: u32 = 8;
/// A longer text than this is nobody's intention.
const MAX_LENGTH: usize = 4_096;

impl Pattern {
    /// From PostgreSQL's regular expressions (ARE) as far as they mean the same here; None for back references,
    /// look-around and what cannot match.
    pub fn new(pattern: &str, max: usize) -> Option<Self> {
        let hir = regex_syntax::ParserBuilder::new().build().parse(&translated(pattern)?).ok()?;
        let node = node(&hir)?;
        let most = max.min(MAX_LENGTH);
        let node = if longest(&node) > most { shortened(&node, most)? } else { node };
        let mut slots = Vec::new();
        // Longer texts have more variants; the shortest fit where the longer ones do not.
        fixed(&node, true, &mut slots);
        if slots.iter().map(Slot::length).sum::<usize>() > most {
            slots.clear();
            fixed(&node, false, &mut slots);
        }
        Some(Self { node, slots })
    }

    /// How long its texts get.
    pub fn size(&self) -> usize {
        longest(&self.node)
    }

    /// A digit for `#`, 1 to 9 for `^`, a capital letter for `?`, a small one for `*`, and everything else as it is.
    pub fn template(template: &str) -> Self {
        let slot = |letter: char| match letter {
            '#' => Node::Class(('0'..='9').collect()),
            '^' => Node::Class(('1'..='9').collect()),
            '?' => Node::Class(('A'..='Z').collect()),
            '*' => Node::Class(('a'..='z').collect()),
            other => Node::Literal(other.to_string()),
        };
        let node = Node::Sequence(template.chars().map(slot).collect());
        let mut slots = Vec::new();
        fixed(&node, true, &mut slots);
        Self { node, slots }
    }
}

/// PostgreSQL's own escapes in the spelling of this crate.
pub fn translated(pattern: &str) -> Option<String> {
    let pattern = pattern.strip_prefix("***:").unwrap_or(pattern);
    if let Some(literal) = pattern.strip_prefix("***=") {
        return Some(regex::escape(literal));
    }
    let mut translated = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        if next != '\\' {
            translated.push(next);
            continue;
        }
        match chars.next()? {
            'm' | 'M' | 'y' => translated.push_str("\\b"),
            'Y' => translated.push_str("\\B"),
            'Z' => translated.push_str("\\z"),
            'd' => translated.push_str("[0-9]"),
            'w' => translated.push_str("[A-Za-z0-9_]"),
            '1'..='9' => return None,
            other if other.is_alphanumeric() => translated.extend(['\\', other]),
            other => translated.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    // `[[0-9]...]` inside a class is a nested class here, which means the same.
    Some(translated)
}

fn node(hir: &Hir) -> Option<Node> {
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Node::Literal(String::new()),
        HirKind::Literal(literal) => Node::Literal(std::str::from_utf8(&literal.0).ok()?.to_owned()),
        HirKind::Class(class) => Node::Class(characters(class)?),
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            Node::Repeat { node: Box::new(node(sub)?), min: *min, max: max.unwrap_or(min.saturating_add(MORE)) }
        }
        HirKind::Capture(capture) => node(&capture.sub)?,
        HirKind::Concat(items) => Node::Sequence(items.iter().map(node).collect::<Option<_>>()?),
        HirKind::Alternation(items) => Node::Either(items.iter().map(node).collect::<Option<_>>()?),
    })
}

/// The characters to choose from: plain letters and digits of the class where it has them, else its printable ones.
fn characters(class: &Class) -> Option<Vec<char>> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    let has = |wanted: char| ranges.iter().any(|&(start, end)| (start..=end).contains(&wanted));
    let ascii: Vec<char> = (' '..='~').filter(|&letter| has(letter)).collect();
    let small = ('a'..='z').all(has);
    if small && ascii.len() > 26 {
        return Some(
            ascii.into_iter().filter(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()).collect(),
        );
    }
    // Both cases of one letter, from `(?i)`: numbered texts must differ in more than case.
    let first_of_case = |letter: &char| !(letter.is_ascii_lowercase() && has(letter.to_ascii_uppercase()));
    let mut chosen: Vec<char> = ascii.iter().copied().filter(first_of_case).collect();
    if chosen.len() > 1 && chosen.len() != ascii.len() && chosen.iter().any(char::is_ascii_alphanumeric) {
        chosen.retain(char::is_ascii_alphanumeric);
    }
    if !chosen.is_empty() {
        return Some(chosen);
    }
    // No ASCII at all: the first letters of each range.
    let others: Vec<char> = ranges.iter().flat_map(|&(start, end)| (start..=end).take(32)).take(512).collect();
    (!others.is_empty()).then_some(others)
}

fn longest(node: &Node) -> usize {
    match node {
        Node::Literal(text) => text.chars().count(),
        Node::Class(_) => 1,
        Node::Repeat { node, max, .. } => longest(node).saturating_mul(*max as usize),
        Node::Sequence(items) => items.iter().map(longest).fold(0, usize::saturating_add),
        Node::Either(items) => items.iter().map(longest).max().unwrap_or(0),
    }
}

/// With fewer repetitions, down to the least; None when even those are too long.
fn shortened(original: &Node, most: usize) -> Option<Node> {
    fn limit(node: &Node, more: u32) -> Node {
        match node {
            Node::Repeat { node, min, max } => {
                let max = (*max).min(min.saturating_add(more));
                Node::Repeat { node: Box::new(limit(node, more)), min: *min, max }
            }
            Node::Sequence(items) => Node::Sequence(items.iter().map(|item| limit(item, more)).collect()),
            Node::Either(items) => Node::Either(items.iter().map(|item| limit(item, more)).collect()),
            other => other.clone(),
        }
    }
    let highest = u32::try_from(most).unwrap_or(u32::MAX).min(64);
    (0..=highest).rev().map(|more| limit(original, more)).find(|node| longest(node) <= most)
}

/// A text of fixed length: one alternative, one number of repetitions.
fn fixed(node: &Node, long: bool, slots: &mut Vec<Slot>) {
    match node {
        Node::Literal(text) if text.is_empty() => {}
        Node::Literal(text) => slots.push(Slot::Literal(text.clone())),
        Node::Class(letters) => slots.push(Slot::Class(letters.clone())),
        Node::Repeat { node, min, max } => {
            for _ in 0..if long { *max } else { *min } {
                fixed(node, long, slots);
            }
        }
        Node::Sequence(items) => items.iter().for_each(|item| fixed(item, long, slots)),
        Node::Either(items) => {
            if let Some(item) = items.iter().max_by_key(|item| longest(item)) {
                fixed(item, long, slots);
            }
        }
    }
}

impl Slot {
    fn length(&self) -> usize {
        match self {
            Self::Literal(text) => text.chars().count(),
            Self::Class(_) => 1,
        }
    }
}

impl Node {
    fn write(&self, rng: &mut Pcg, out: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Class(letters) => put(letters[stream::below(rng, letters.len() as u64) as usize], out),
            Self::Repeat { node, min, max } => {
                for _ in 0..*min + stream::below(rng, u64::from(max - min) + 1) as u32 {
                    node.write(rng, out);
                }
            }
            Self::Sequence(items) => items.iter().for_each(|item| item.write(rng, out)),
            Self::Either(items) => {
                if let Some(item) = items.get(stream::below(rng, items.len() as u64) as usize) {
                    item.write(rng, out);
                }
            }
        }
    }
}

fn put(letter: char, out: &mut Vec<u8>) {
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

impl Generate for Pattern {
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.node.write(rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        self.slots.iter().try_fold(1u64, |product, slot| match slot {
            Slot::Literal(_) => Some(product),
            Slot::Class(letters) => product.checked_mul(letters.len() as u64),
        })
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        // The last position turns fastest, as in a counter.
        let mut rest = index;
        let mut chosen = Vec::with_capacity(self.slots.len());
        for slot in self.slots.iter().rev() {
            let size = if let Slot::Class(letters) = slot { letters.len() as u64 } else { 1 };
            chosen.push((rest % size) as usize);
            rest /= size;
        }
        for (slot, choice) in self.slots.iter().zip(chosen.into_iter().rev()) {
            match slot {
                Slot::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Slot::Class(letters) => put(letters[choice], out),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PATTERNS: [&str; 14] = [
        r"^[A-Z]{3}-\d{4}$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        r"^\+?[1-9]\d{6,14}$",
        r"^(foo|bar)(-(x|yy))?$",
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        r"^#[0-9a-fA-F]{6}$",
        r"^https?://",
        r"\.(jpg|png)$",
        r"^[[:alpha:]][[:alnum:]_]*$",
        r"^\S+$",
        r"^.{3,5}$",
        r"^(?:[01]\d|2[0-3]):[0-5]\d$",
        r"^[àéè]{2}$",
        r"^$",
    ];

    #[test]
    fn what_is_generated_matches() {
        let (row, mut rng) = (Row { index: 0, key: 0, cells: &[] }, stream::shared(3, 3));
        for pattern in PATTERNS {
            let regex = regex::Regex::new(&translated(pattern).unwrap()).unwrap();
            let generator = Pattern::new(pattern, 20).unwrap();
            let mut seen = HashSet::new();
            let count = generator.distinct().unwrap_or(500).min(500);
            for index in 0..count {
                for numbered in [false, true] {
                    let mut out = Vec::new();
                    if numbered {
                        generator.nth(index, &row, &mut rng, &mut out);
                        seen.insert(out.to_ascii_lowercase());
                    } else {
                        generator.write(&row, &mut rng, &mut out);
                    }
                    let text = String::from_utf8(out).unwrap();
                    assert!(regex.is_match(&text) && text.chars().count() <= 20, "{pattern}: {text}");
                }
            }
            assert_eq!(seen.len() as u64, count, "{pattern}");
        }
        assert_eq!(Pattern::new(r"^(a)\1$", 9), None);
        assert_eq!(Pattern::new(r"^[a-z]{10}$", 9), None);
    }
}
