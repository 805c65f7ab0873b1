//! The text form of PostgreSQL's parse trees (`pg_node_tree`), as `outfuncs.c` writes and `read.c` reads it.

/// Deeper trees than PostgreSQL's own stack limit lets through are not worth ours.
const MAX_DEPTH: u16 = 1_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    /// `<>`
    Null,
    /// A number, a word or a string, still escaped.
    Atom(&'a str),
    /// `( … )`
    List(Vec<Node<'a>>),
    /// `{NAME :field value …}`
    Object { name: &'a str, fields: Vec<(&'a str, Node<'a>)> },
}

impl<'a> Node<'a> {
    /// None where the text is not a node tree.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, position: 0 };
        let token = reader.token()?;
        reader.node(token, 0)
    }

    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Object { name, .. } if *name == wanted)
    }

    pub(super) fn field(&self, wanted: &str) -> Option<&Self> {
        match self {
            Self::Object { fields, .. } => fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list field; none are there when the field is missing or null.
    pub(super) fn list(&self, field: &str) -> &[Self] {
        self.field(field).map_or(&[], Self::items)
    }

    pub(super) fn atom(&self, field: &str) -> Option<&'a str> {
        match self.field(field)? {
            Self::Atom(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, field: &str) -> Option<u32> {
        self.atom(field)?.parse().ok()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.atom(field) == Some("true")
    }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    /// The next token: a bracket, or everything up to white space or a bracket, where `\` takes the next byte along.
    fn token(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.position).is_some_and(u8::is_ascii_whitespace) {
            self.position += 1;
        }
        let start = self.position;
        let bracket = |byte: u8| matches!(byte, b'(' | b')' | b'{' | b'}');
        match *bytes.get(start)? {
            byte if bracket(byte) => self.position += 1,
            _ => {
                while let Some(&byte) = bytes.get(self.position) {
                    if byte.is_ascii_whitespace() || bracket(byte) {
                        break;
                    }
                    self.position += if byte == b'\\' { 2 } else { 1 };
                }
            }
        }
        // An escape before a multi-byte character may end inside it.
        while !self.text.is_char_boundary(self.position.min(self.text.len())) {
            self.position += 1;
        }
        self.text.get(start..self.position.min(self.text.len()))
    }

    fn node(&mut self, token: &'a str, depth: u16) -> Option<Node<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        match token {
            "<>" => Some(Node::Null),
            "(" => self.items(depth).map(Node::List),
            "{" => self.object(depth),
            ")" | "}" => None,
            atom => Some(Node::Atom(atom)),
        }
    }

    fn items(&mut self, depth: u16) -> Option<Vec<Node<'a>>> {
        let mut items = Vec::new();
        loop {
            match self.token()? {
                ")" => return Some(items),
                token => items.push(self.node(token, depth + 1)?),
            }
        }
    }

    fn object(&mut self, depth: u16) -> Option<Node<'a>> {
        let name = self.token()?;
        let mut fields: Vec<(&str, Node<'a>)> = Vec::new();
        let mut open = false;
        loop {
            match self.token()? {
                "}" => return Some(Node::Object { name, fields }),
                token if token.starts_with(':') => {
                    fields.push((&token[1..], Node::Null));
                    open = true;
                }
                token => {
                    let value = self.node(token, depth + 1)?;
                    // A datum is several tokens (`4 [ 1 0 0 0 ]`); only the first says something here.
                    if let (true, Some(field)) = (open, fields.last_mut()) {
                        field.1 = value;
                    }
                    open = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_objects_lists_nulls_and_datums() {
        let text = r#"({QUERY :commandType 1 :utilityStmt <> :colnames ("a\ b" "\(ü\)") :constvalue 4 [ 1 0 ] :varnullingrels (b 3) :last true})"#;
        let tree = Node::parse(text).unwrap();
        let query = &tree.items()[0];
        assert!(query.is("QUERY"));
        assert_eq!(query.number("commandType"), Some(1));
        assert_eq!(query.field("utilityStmt"), Some(&Node::Null));
        assert_eq!(query.list("colnames"), [Node::Atom(r#""a\ b""#), Node::Atom(r#""\(ü\)""#)]);
        assert_eq!(query.number("constvalue"), Some(4));
        assert!(query.flag("last"));
    }

    #[test]
    fn broken_text_is_none_and_never_a_panic() {
        let text = r#"({A :b (1 2 {C :d <>}) :e "x\ü\"})"#;
        for end in 0..text.len() {
            if text.is_char_boundary(end) {
                assert_eq!(Node::parse(&text[..end]), None, "{}", &text[..end]);
            }
        }
        assert_eq!(Node::parse(&"(".repeat(100_000)), None);
    }
}
