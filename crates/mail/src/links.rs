//! The links of a mail, so that a test or a person can follow them without reading HTML.

/// More than any real mail has.
const MOST: usize = 200;

/// Addresses of the HTML's links, then those in the text, each once, in the order in which they stand there.
pub(crate) fn of(html: &str, text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for link in hrefs(html).into_iter().chain(bare(text)) {
        if links.len() < MOST && is_web(&link) && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

fn is_web(link: &str) -> bool {
    let start = |scheme: &str| link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    start("http://") || start("https://")
}

/// Values of `href` attributes.
fn hrefs(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lower = html.to_ascii_lowercase();
    for (at, _) in lower.match_indices("href") {
        let rest = html[at + "href".len()..].trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else { continue };
        let value = match value.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => value[1..].split(char::from(*quote)).next(),
            _ => value.split(|char: char| char.is_whitespace() || char == '>').next(),
        };
        found.extend(value.map(|value| unescape(value.trim())));
    }
    found
}

/// Addresses that stand in running text; the punctuation of the sentence is none of theirs.
fn bare(text: &str) -> Vec<String> {
    let words = text.split(|char: char| char.is_whitespace() || "<>\"".contains(char));
    let start = |word: &str| word.find("http://").or_else(|| word.find("https://"));
    words
        .filter_map(|word| Some(word[start(word)?..].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\''])))
        .map(str::to_owned)
        .collect()
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_html_and_text() {
        let html = "<A HREF='https://a.example/?x=1&amp;y=2'>a</A> <a href=http://b.example>b</a> \
                    <a href=\"mailto:x@y.example\">c</a> <link href=\"javascript:alert(1)\">";
        let text = "Go to https://a.example/?x=1&y=2, or (http://c.example/path). <https://d.example>";
        assert_eq!(
            of(html, text),
            ["https://a.example/?x=1&y=2", "http://b.example", "http://c.example/path", "https://d.example"]
        );
        assert!(of("href", "https").is_empty());
    }
}
