//! JSON, rewritten token by token: what no rule touches keeps its bytes, numbers every digit.

/// A value inside a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leaf<'a> {
    String(&'a str),
    Number(&'a str),
    /// The name of a member.
    Key(&'a str),
}

/// What becomes of a leaf.
pub(super) enum Replace {
    Keep,
    Null,
    String(String),
    /// Digits, to be written without quotes.
    Number(String),
}

/// Calls `replace` for every string, number and member name, with the path to it (`owner.phones[]`).
///
/// # Errors
/// What `replace` says; a message when the text is not JSON.
pub(super) fn rewrite<E: From<&'static str>>(
    text: &str,
    replace: &mut dyn FnMut(&str, Leaf<'_>) -> Result<Replace, E>,
) -> Result<String, E> {
    let mut walk = Walk { text, at: 0, made: String::with_capacity(text.len() + 64), path: String::new(), replace };
    walk.value(0)?;
    walk.space();
    if walk.at == text.len() { Ok(walk.made) } else { Err("something follows the JSON".into()) }
}

/// Deeper documents are refused instead of ending the process.
const DEEPEST: usize = 512;

struct Walk<'a, E> {
    text: &'a str,
    at: usize,
    made: String,
    path: String,
    replace: &'a mut dyn FnMut(&str, Leaf<'_>) -> Result<Replace, E>,
}

impl<E: From<&'static str>> Walk<'_, E> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.made.push_str(&self.text[start..self.at]);
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.made.push(char::from(byte));
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<(), E> {
        self.space();
        match self.peek() {
            _ if depth > DEEPEST => Err("it is nested too deeply".into()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let string = self.string()?;
                let replaced = (self.replace)(&self.path, Leaf::String(&string))?;
                self.write(replaced, &string, false);
                Ok(())
            }
            Some(_) => self.word(),
            None => Err("the JSON ends too early".into()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), E> {
        self.take(b'{');
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        let before = self.path.len();
        loop {
            self.space();
            let name = self.string()?;
            let replaced = (self.replace)(&self.path, Leaf::Key(&name))?;
            self.write(replaced, &name, true);
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            self.space();
            if !self.take(b':') {
                return Err("a member has no value".into());
            }
            self.value(depth + 1)?;
            self.path.truncate(before);
            self.space();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("an object does not end".into());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), E> {
        self.take(b'[');
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        let before = self.path.len();
        self.path.push_str("[]");
        loop {
            self.value(depth + 1)?;
            self.space();
            if self.take(b']') {
                self.path.truncate(before);
                return Ok(());
            }
            if !self.take(b',') {
                return Err("an array does not end".into());
            }
        }
    }

    /// Reads a string without writing it.
    fn string(&mut self) -> Result<String, E> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return Err("a name is missing".into());
        }
        let start = self.at;
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err("a string does not end".into()),
            }
        }
        self.at = end + 1;
        serde_json::from_str(&self.text[start..self.at]).map_err(|_| "a string is not right".into())
    }

    /// true, false, null or a number.
    fn word(&mut self) -> Result<(), E> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        if matches!(word, "true" | "false" | "null") {
            self.made.push_str(word);
            return Ok(());
        }
        if !word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err("a value is not JSON".into());
        }
        match (self.replace)(&self.path, Leaf::Number(word))? {
            Replace::Keep => self.made.push_str(word),
            Replace::Null => self.made.push_str("null"),
            Replace::Number(number) => self.made.push_str(&number),
            Replace::String(string) => self.made.push_str(&quoted(&string)),
        }
        Ok(())
    }

    fn write(&mut self, replaced: Replace, old: &str, name: bool) {
        match replaced {
            Replace::Keep => self.made.push_str(&quoted(old)),
            Replace::String(string) | Replace::Number(string) => self.made.push_str(&quoted(&string)),
            // A name cannot be left out of a member.
            Replace::Null if name => self.made.push_str("\"\""),
            Replace::Null => self.made.push_str("null"),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string has a JSON form")
}

/// The name of the member that a path ends at: `phones` of `owner.phones[]`.
pub(super) fn last(path: &str) -> &str {
    let member = path.trim_end_matches("[]");
    member.rsplit('.').next().unwrap_or(member)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn leaves_are_replaced_and_the_rest_keeps_its_bytes() {
        let text = r#"{"a": {"email": "x@y.z", "n": 1.50000000000000000001}, "list": ["é\n", null, true]}"#;
        let mut seen = Vec::new();
        let same = rewrite::<&'static str>(text, &mut |path, leaf| {
            seen.push(format!("{path}={leaf:?}"));
            Ok(Replace::Keep)
        });
        assert_eq!(same.unwrap(), text);
        assert!(seen.contains(&r#"a.email=String("x@y.z")"#.to_owned()));
        assert!(seen.contains(&r#"list[]=String("é\n")"#.to_owned()));
        assert!(seen.contains(&r#"a.n=Number("1.50000000000000000001")"#.to_owned()));
        let gone = rewrite::<&'static str>(text, &mut |path, leaf| match leaf {
            Leaf::Key(_) => Ok(Replace::Keep),
            _ if last(path) == "email" => Ok(Replace::String("\"q\"".to_owned())),
            Leaf::Number(_) => Ok(Replace::Number("2".to_owned())),
            _ => Ok(Replace::Null),
        });
        assert_eq!(gone.unwrap(), r#"{"a": {"email": "\"q\"", "n": 2}, "list": [null, null, true]}"#);
        for wrong in ["{", "{\"a\"}", "[1,", "nonsense", "1 2", "\"a"] {
            assert!(rewrite::<&'static str>(wrong, &mut |_, _| Ok(Replace::Keep)).is_err(), "{wrong}");
        }
        let deep = "[".repeat(100_000);
        assert!(rewrite::<&'static str>(&deep, &mut |_, _| Ok(Replace::Keep)).is_err());
    }
}
