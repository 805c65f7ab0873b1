//! Code, enum and page belong together.

use std::collections::BTreeSet;

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let declared: BTreeSet<&str> = cli::error_codes().into_iter().collect();
    let pages: BTreeSet<&str> = operations::explain::pages().iter().map(|(code, _)| *code).collect();
    let unexplained: Vec<_> = declared.difference(&pages).collect();
    let unused: Vec<_> = pages.difference(&declared).collect();
    assert!(unexplained.is_empty() && unused.is_empty(), "without a page: {unexplained:?}; without a code: {unused:?}");
    for (code, text) in operations::explain::pages() {
        assert!(text.starts_with(&format!("# {code}: ")), "{code}: the title is `# {code}: …`");
        for section in ["**What it means**", "**Why it happens**", "**What to do**"] {
            assert!(text.contains(section), "{code} lacks {section}");
        }
    }
}
