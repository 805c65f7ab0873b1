//! `-- UP` and `-- DOWN` in one file.

use std::{ops::Range, path::Path};

use crate::{
    Error,
    sql::{self, Kind, Lexer},
};

pub(super) struct Sections {
    pub up: Range<usize>,
    pub down: Option<Range<usize>>,
}

pub(super) fn whole(text: &str) -> Sections {
    Sections { up: 0..text.len(), down: None }
}

/// Finds the sections. A marker is a comment alone on its line, outside strings and function bodies: `-- UP`, `-- DOWN`,
/// or as other tools write them, `-- migrate:up` (dbmate), `-- +migrate Up` (sql-migrate), `-- +goose Up`. A file without
/// markers is all up.
pub(super) fn find(text: &str, file: &Path) -> Result<Sections, Error> {
    let wrong = |problem| Error::Sections { file: file.to_owned(), problem };
    let mut up: Option<Range<usize>> = None;
    let mut down: Option<Range<usize>> = None;
    for token in Lexer::new(text).filter(|token| token.kind == Kind::Comment) {
        let Some(marker) = marker(&text[token.range.clone()]) else { continue };
        if !text[..token.range.start].rsplit('\n').next().is_some_and(|before| before.trim().is_empty()) {
            continue;
        }
        match (marker, &up, &down) {
            (Marker::Up, None, None) => {
                if !sql::split(&text[..token.range.start]).is_empty() {
                    return Err(wrong("statements stand above `-- UP`"));
                }
                up = Some(token.range.end..text.len());
            }
            (Marker::Up, _, Some(_)) => return Err(wrong("`-- DOWN` stands above `-- UP`")),
            (Marker::Up, Some(_), None) => return Err(wrong("`-- UP` stands twice")),
            (Marker::Down, _, Some(_)) => return Err(wrong("`-- DOWN` stands twice")),
            (Marker::Down, before, None) => {
                up = Some(before.as_ref().map_or(0, |up| up.start)..token.range.start);
                down = Some(token.range.end..text.len());
            }
        }
    }
    Ok(Sections { up: up.unwrap_or(0..text.len()), down })
}

enum Marker {
    Up,
    Down,
}

fn marker(comment: &str) -> Option<Marker> {
    let said = comment.strip_prefix("--")?.trim().to_ascii_lowercase();
    match said.trim_end_matches(':') {
        "up" | "migrate:up" | "+migrate up" | "+goose up" => Some(Marker::Up),
        "down" | "migrate:down" | "+migrate down" | "+goose down" => Some(Marker::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cut(text: &str) -> Result<(&str, Option<&str>), Error> {
        let sections = find(text, Path::new("001_a.sql"))?;
        Ok((text[sections.up].trim(), sections.down.map(|range| text[range].trim())))
    }

    #[test]
    fn markers_cut_the_file() {
        assert_eq!(cut("-- hello\n-- UP\nA;\n-- DOWN\nB;\n").unwrap(), ("A;", Some("B;")));
        assert_eq!(cut("-- migrate:up\nA;\n-- migrate:down\nB;").unwrap(), ("A;", Some("B;")));
        assert_eq!(cut("A;\n-- down:\nB;").unwrap(), ("A;", Some("B;")));
        assert_eq!(cut("A;").unwrap(), ("A;", None));
        assert_eq!(cut("-- UP\r\nA;\r\n-- DOWN\r\nB;").unwrap(), ("A;", Some("B;")));
    }

    #[test]
    fn a_marker_inside_a_function_or_behind_code_is_none() {
        let body = "-- UP\nCREATE FUNCTION f() AS $$\n-- DOWN\n$$;\n-- DOWN\nB;";
        assert_eq!(cut(body).unwrap().1, Some("B;"));
        assert_eq!(cut("SELECT 1; -- up\nSELECT 2;").unwrap().1, None);
        assert_eq!(cut("SELECT 1; -- down\nSELECT 2;").unwrap().1, None);
    }

    #[test]
    fn unclear_sections_are_refused() {
        for text in ["A;\n-- UP\nB;", "-- DOWN\nA;\n-- UP\nB;", "-- UP\n-- UP\n", "-- DOWN\n-- DOWN\n"] {
            assert!(matches!(cut(text), Err(Error::Sections { .. })), "{text}");
        }
    }
}
