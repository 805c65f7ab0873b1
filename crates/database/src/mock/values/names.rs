//! Words of an identifier.

/// `billingAddress_line1` → `billing`, `address`, `line`, `1`: in small letters, split at `_`, at other signs, at
/// capitals and around digits.
pub fn tokens(name: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut previous = ' ';
    for letter in name.chars() {
        let boundary = (letter.is_uppercase() && previous.is_lowercase())
            || (letter.is_numeric() != previous.is_numeric() && previous.is_alphanumeric());
        if letter.is_alphanumeric() {
            match tokens.last_mut() {
                Some(last) if !boundary && previous.is_alphanumeric() => last.extend(letter.to_lowercase()),
                _ => tokens.push(letter.to_lowercase().collect()),
            }
        }
        previous = letter;
    }
    tokens
}

/// A noun without its plural ending: `companies` → `company`, `statuses` → `status`.
pub fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "uses", "xes", "ches", "shes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    let kept = word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") || word.len() < 3;
    if kept { word } else { word.strip_suffix('s').unwrap_or(word) }.to_owned()
}

/// The candidates nearest to a misspelt word, best first, at most three.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut scored: Vec<(usize, &str)> = candidates
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3 + 1)
        .collect();
    scored.sort();
    let best = scored.first().map_or(0, |(distance, _)| *distance);
    scored.retain(|(distance, _)| *distance == best);
    // Few people mistype the first letter.
    let same = |candidate: &str| candidate.to_lowercase().chars().next() == word.chars().next();
    if scored.iter().any(|(_, candidate)| same(candidate)) {
        scored.retain(|(_, candidate)| same(candidate));
    }
    scored.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, letter) in a.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_split() {
        assert_eq!(tokens("billingAddress_line1"), ["billing", "address", "line", "1"]);
        assert_eq!(tokens("Übergröße (cm)"), ["übergröße", "cm"]);
        assert_eq!(tokens("URL"), ["url"]);
        assert_eq!(
            ["companies", "statuses", "address", "users", "boxes"].map(singular),
            ["company", "status", "address", "user", "box"]
        );
        assert_eq!(nearest("emial", ["email", "url", "fullName"].into_iter()), ["email"]);
    }
}
