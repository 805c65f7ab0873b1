use serde::Serialize;

/// A place in a text as editors count: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The place of a byte; one past the end is the end.
    pub fn of_byte(text: &str, byte: usize) -> Self {
        let before = &text[..text.floor_char_boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// PostgreSQL counts an error's position in characters from 1; this is its byte.
pub fn byte_of_character(text: &str, character: usize) -> usize {
    text.char_indices().nth(character.saturating_sub(1)).map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        let text = "é\n ñx";
        let byte = byte_of_character(text, 5);
        assert_eq!(&text[byte..], "x");
        assert_eq!(Position::of_byte(text, byte), Position { line: 2, column: 3 });
        assert_eq!(Position::of_byte("ab", 99), Position { line: 1, column: 3 });
    }
}
