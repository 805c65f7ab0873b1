//! Where one SQL statement ends and the next begins.

/// The statements of a script, without the semicolons between them. Knows strings, quoted names, dollar quotes,
/// comments and `BEGIN ATOMIC` bodies; what is only blank or comment is left out.
pub fn split(script: &str) -> Vec<&str> {
    let bytes = script.as_bytes();
    let mut found = Vec::new();
    let (mut start, mut at, mut atomic) = (0, 0, 0_usize);
    let mut blank = true;
    while at < bytes.len() {
        let skipped = skip(script, at);
        if skipped > at {
            blank &= matches!(bytes[at], b'-' | b'/');
            at = skipped;
            continue;
        }
        match bytes[at] {
            b';' if atomic == 0 => {
                if !blank {
                    found.push(script[start..at].trim());
                }
                (start, blank) = (at + 1, true);
            }
            byte if byte.is_ascii_whitespace() => {}
            byte if byte.is_ascii_alphabetic() => {
                blank = false;
                let word = word(script, at);
                match word.to_ascii_lowercase().as_str() {
                    "atomic" => atomic += 1,
                    "case" if atomic > 0 => atomic += 1,
                    "end" => atomic = atomic.saturating_sub(1),
                    _ => {}
                }
                at += word.len();
                continue;
            }
            _ => blank = false,
        }
        at += 1;
    }
    if !blank {
        found.push(script[start..].trim());
    }
    found
}

fn word(script: &str, from: usize) -> &str {
    let rest = &script[from..];
    let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'));
    &rest[..end.unwrap_or(rest.len())]
}

/// The place after the string, quoted name or comment that begins at `at`, or `at`.
fn skip(script: &str, at: usize) -> usize {
    let rest = &script[at..];
    let until = |end: Option<usize>| at + end.unwrap_or(rest.len());
    if rest.starts_with("--") {
        return until(rest.find('\n'));
    }
    if rest.starts_with("/*") {
        return at + comment(rest.as_bytes());
    }
    match rest.as_bytes()[0] {
        b'\'' => {
            let escapes = at > 0 && matches!(script.as_bytes()[at - 1], b'e' | b'E');
            at + quoted(rest.as_bytes(), b'\'', escapes)
        }
        b'"' => at + quoted(rest.as_bytes(), b'"', false),
        b'$' => {
            let is_tag = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 128;
            let length = rest.as_bytes()[1..].iter().take_while(|byte| is_tag(byte)).count() + 2;
            let digit = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
            match rest.get(..length).filter(|tag| tag.ends_with('$') && !digit) {
                Some(tag) => until(rest[length..].find(tag).map(|end| length + end + length)),
                None => at,
            }
        }
        _ => at,
    }
}

/// Bytes of a comment, which may hold others.
fn comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Bytes of what stands between two quotes, where a doubled quote is one.
fn quoted(bytes: &[u8], quote: u8, escapes: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_where_postgresql_does() {
        assert_eq!(split("SELECT 1; SELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(split(" -- none\n ; /* ; /* ; */ */ ;"), Vec::<&str>::new());
        assert_eq!(split("SELECT ';''', \"a;b\"; X"), ["SELECT ';''', \"a;b\"", "X"]);
        assert_eq!(split("SELECT E'\\';'; X"), ["SELECT E'\\';'", "X"]);
        assert_eq!(split("DO $a$ BEGIN; $b$ END; $a$; X"), ["DO $a$ BEGIN; $b$ END; $a$", "X"]);
        assert_eq!(split("SELECT $1; X"), ["SELECT $1", "X"]);
        let atomic = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(split(&format!("{atomic}; X")), [atomic, "X"]);
        assert_eq!(split("SELECT 'é;ü'"), ["SELECT 'é;ü'"]);
    }
}
