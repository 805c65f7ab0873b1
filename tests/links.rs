//! Relative links in the documentation lead somewhere, and an anchor to a heading that is there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The page without fenced blocks and code spans: what looks like a link in there is none.
fn prose(page: &str) -> String {
    let mut text = String::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            // Every second part stands between backticks.
            line.split('`').step_by(2).for_each(|part| text.push_str(part));
            text.push('\n');
        }
    }
    text
}

/// Targets of `[text](target)` and of `[name]: target`.
fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    let inline =
        text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split_once(')').map(|(target, _)| target));
    let named = text.lines().filter_map(|line| line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")));
    let targets = inline.chain(named.map(|(_, target)| target));
    // A title may follow the target: (page.md "Title").
    targets.filter_map(|target| target.split_whitespace().next()).map(str::to_owned).collect()
}

/// A heading as an anchor, as GitHub makes it.
fn anchors(page: &str) -> Vec<String> {
    let mut fenced = false;
    let headings = page.lines().filter(|line| {
        fenced ^= line.trim_start().starts_with("```");
        !fenced && line.starts_with('#')
    });
    let slug = |heading: &str| -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_relative_link_resolves() {
    let root = root();
    let mut found: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(|page| root.join(page)).into();
    pages(&root.join("docs"), &mut found);
    let mut checked = 0;
    let mut broken = Vec::new();
    for path in &found {
        let page = std::fs::read_to_string(path).unwrap();
        for link in links(&page).into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let there = if anchor.is_empty() {
                target.exists()
            } else {
                std::fs::read_to_string(&target).is_ok_and(|page| anchors(&page).iter().any(|have| have == anchor))
            };
            if !there {
                broken.push(format!("{}: {link}", path.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(checked > 20, "only {checked} links were found");
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_link_reader_sees_links_and_nothing_else() {
    let page = "# A `b` & c!\n[one](x.md) and [two](y.md#z \"T\")\n`[no](no.md)`\n```text\n[no](no.md)\n# no\n```\n[name]: w.md\n";
    assert_eq!(links(page), ["x.md", "y.md#z", "w.md"]);
    assert_eq!(anchors(page), ["a-b--c"]);
}
