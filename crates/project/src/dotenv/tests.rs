#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

struct Map(HashMap<String, Vec<Piece>>);

impl Lookup for Map {
    fn canonical<'n>(&'n self, name: &'n str) -> &'n str {
        name
    }
    fn raw(&self, name: &str) -> Option<&[Piece]> {
        self.0.get(name).map(Vec::as_slice)
    }
    fn outside(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/me".to_owned())
    }
}

fn map(text: &str) -> Map {
    let file = parse(text);
    assert_eq!(file.faults, []);
    Map(file.entries.into_iter().map(|entry| (entry.name, entry.value)).collect())
}

/// The expanded value of `K` in a file.
fn value(text: &str) -> String {
    Expander::new(&map(text)).value("K").unwrap()
}

#[test]
fn values_are_what_they_look_like() {
    for (line, expected) in [
        ("K=plain", "plain"),
        ("K = spaced out  ", "spaced out"),
        ("export K=exported", "exported"),
        ("  K=indented", "indented"),
        ("K=", ""),
        ("K=   # only a comment", ""),
        ("K=# only a comment", ""),
        ("K=value # comment", "value"),
        ("K=value#no-comment", "value#no-comment"),
        ("K='single # quoted' # comment", "single # quoted"),
        ("K='no ${EXPANSION} \\n here'", "no ${EXPANSION} \\n here"),
        ("K=\"double # quoted\" # comment", "double # quoted"),
        ("K=\"a\\nb\\\"c\\\\d\\$e\\q\"", "a\nb\"c\\d$e\\q"),
        ("K=a=b==", "a=b=="),
        ("K=pa$$word$1$", "pa$$word$1$"),
        ("K=C:\\temp\\new", "C:\\temp\\new"),
        ("K={\"type\":\"HS256\",\"key\":\"a b#c\"}", "{\"type\":\"HS256\",\"key\":\"a b#c\"}"),
        ("K=\"{\"type\":\"HS256\",\"key\":\"x\"}\"", "{\"type\":\"HS256\",\"key\":\"x\"}"),
        ("K=ünïcode ✓", "ünïcode ✓"),
        ("K=a\r", "a"),
    ] {
        assert_eq!(value(line), expected, "{line}");
    }
}

#[test]
fn bom_crlf_and_comments_mean_nothing() {
    let file = parse("\u{feff}A=1\r\n\r\n# comment\r\n   # another\r\nB=2\r\n");
    assert_eq!(file.faults, []);
    let entries: Vec<_> = file.entries.iter().map(|entry| (entry.name.as_str(), entry.line)).collect();
    assert_eq!(entries, [("A", 1), ("B", 5)]);
}

#[test]
fn variables_expand() {
    for (text, expected) in [
        ("A=1\nK=${A}2", "12"),
        ("K=${A:-x}", "x"),
        ("A=\nK=${A:-x}", "x"),
        ("A=y\nK=${A:-x}", "y"),
        ("K=${A:-${B:-deep}}!", "deep!"),
        ("A=${B}\nB=${C}\nC=end\nK=${A}", "end"),
        ("K=\"${HOME}/x\"", "/home/me/x"),
        ("K=$${A} and \\${B}", "${A} and ${B}"),
        ("K=\"\\${A}\"", "${A}"),
        ("K=${A:-}", ""),
        ("K={\"a\":${A:-1}}", "{\"a\":1}"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_cycle_is_shown_once_and_ends() {
    let map = map("A=${B}\nB=x${C}\nC=${A}\nD=${D}\nE=${A}");
    let mut expander = Expander::new(&map);
    for name in ["A", "B", "C", "D", "E"] {
        expander.value(name);
    }
    let cycles: Vec<&str> = expander.cycles.iter().map(|(_, cycle)| cycle.as_str()).collect();
    assert_eq!(cycles, ["A → B → C → A", "D → D"]);
}

#[test]
fn a_missing_variable_is_noticed() {
    let map = map("K=${NOWHERE}x");
    let mut expander = Expander::new(&map);
    assert_eq!(expander.value("K").as_deref(), Some("x"));
    assert_eq!(expander.missing, [("NOWHERE".to_owned(), "K".to_owned())]);
}

#[test]
fn wrong_lines_are_all_reported_with_their_number() {
    let file = parse("GOOD=1\nno equals\n1BAD=x\nA=${\nB=${X-y}\nC=\"open\nD='open\nE=${A:-x\nALSO=2\n");
    assert_eq!(file.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(file.entries.len(), 2);
    assert_eq!(parse(&format!("A={}", "${A:-".repeat(100_000))).faults.len(), 1);
}

#[test]
fn setting_changes_one_line_and_nothing_else() {
    let text = "# top\r\nA=1 # keep me\r\nexport B='x' # and me\r\nA=2 # last\r\n\r\n# end";
    assert_eq!(set(text, "A", "3"), "# top\r\nexport B='x' # and me\r\nA=3 # last\r\n\r\n# end");
    assert_eq!(set(text, "B", "it's"), text.replace("'x'", "\"it's\""));
    assert_eq!(set(text, "C", "new"), format!("{text}\r\nC=new\r\n"));
    assert_eq!(set("\u{feff}A=1\n", "A", "2"), "\u{feff}A=2\n");
    assert_eq!(set("A= # why\n", "A", "2"), "A=2 # why\n");
    assert_eq!(set("A=# why\n", "A", "2"), "A=2 # why\n");
    assert_eq!(set("", "A", "2"), "A=2\n");
}

#[test]
fn exponential_growth_is_cut() {
    let mut text = "V0=xxxxxxxxxxxxxxxx\n".to_owned();
    for level in 1..60 {
        text.push_str(&format!("V{level}=${{V{}}}${{V{}}}\n", level - 1, level - 1));
    }
    text.push_str("K=${V59}");
    assert!(value(&text).len() <= 2 << 20);
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}") {
        let file = parse(&text);
        let map = Map(file.entries.into_iter().map(|entry| (entry.name, entry.value)).collect());
        let names: Vec<String> = map.0.keys().cloned().collect();
        let mut expander = Expander::new(&map);
        for name in names {
            expander.value(&name);
        }
    }

    #[test]
    fn reading_never_panics_on_what_looks_right(text in "([AB]=|[ab \"'\\\\#]|\\$\\{|\\$|:-|\\}|\r|\n){0,60}") {
        let file = parse(&text);
        let map = Map(file.entries.into_iter().map(|entry| (entry.name, entry.value)).collect());
        let mut expander = Expander::new(&map);
        expander.value("A");
        expander.value("B");
    }

    #[test]
    fn what_is_written_is_read_back(value in "([ -~]|[\n\r\té✓\"'\\\\#]|\\$\\{){0,40}") {
        let line = format!("K={}", quote(&value));
        prop_assert_eq!(super::tests::value(&line), value);
    }

    #[test]
    fn a_set_value_is_read_back_and_other_lines_stay(
        before in "(A=[a-z]{0,5}( # x)?\n|# c\n|\n){0,5}",
        value in "[ -~\n\r]{0,30}",
    ) {
        let changed = set(&before, "K", &value);
        prop_assert_eq!(super::tests::value(&changed), value.clone());
        prop_assert!(changed.starts_with(&before));
        prop_assert_eq!(super::tests::value(&set(&changed, "K", &value)), value);
    }
}
