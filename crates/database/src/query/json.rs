//! PostgreSQL's text form of a value as JSON text. Numbers keep every digit, which a detour over floating point would not.

use tokio_postgres::types::{Kind, Type};

use super::Column;

/// A row as one JSON object on one line. Of columns with the same name the second is called `name_2`.
pub fn object(columns: &[Column], values: &[Option<&str>]) -> String {
    let mut fields = Vec::with_capacity(columns.len());
    for (at, (column, text)) in columns.iter().zip(values).enumerate() {
        let same = columns[..at].iter().filter(|earlier| earlier.name == column.name).count();
        let name = if same == 0 { column.name.clone() } else { format!("{}_{}", column.name, same + 1) };
        fields.push(format!("{}:{}", string(&name), text.map_or("null".to_owned(), |text| value(text, &column.kind))));
    }
    format!("{{{}}}", fields.join(","))
}

fn value(text: &str, kind: &Type) -> String {
    match kind.kind() {
        Kind::Domain(base) => return value(text, base),
        Kind::Array(element) => return array(text, element).unwrap_or_else(|| string(text)),
        _ => {}
    }
    match *kind {
        Type::BOOL => (text == "t").to_string(),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8 => number(text),
        // Line ends between JSON's tokens mean nothing; inside its strings there are none.
        Type::JSON | Type::JSONB => text.replace(['\n', '\r'], " "),
        _ => string(text),
    }
}

/// `NaN` and `Infinity` have no number in JSON.
fn number(text: &str) -> String {
    let finite = text.ends_with(|c: char| c.is_ascii_digit())
        && text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    if finite { text.to_owned() } else { string(text) }
}

fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An array literal: `{1,NULL,{"a b"}}`, perhaps with bounds (`[0:1]={…}`). `None` when it is none.
fn array(text: &str, element: &Type) -> Option<String> {
    let body = if text.starts_with('[') { text.split_once('=')?.1 } else { text };
    let mut reader = Reader { rest: body, element };
    let json = reader.array()?;
    reader.rest.is_empty().then_some(json)
}

struct Reader<'a> {
    rest: &'a str,
    element: &'a Type,
}

impl Reader<'_> {
    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn array(&mut self) -> Option<String> {
        if !self.eat('{') {
            return None;
        }
        let mut items = Vec::new();
        if self.eat('}') {
            return Some("[]".to_owned());
        }
        loop {
            items.push(self.item()?);
            if self.eat('}') {
                return Some(format!("[{}]", items.join(",")));
            }
            // Boxes alone are parted by semicolons.
            if !self.eat(',') && !self.eat(';') {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<String> {
        if self.rest.starts_with('{') {
            return self.array();
        }
        let quoted = self.eat('"');
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => text.push(characters.next()?.1),
                '"' if quoted => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value(&text, self.element));
                }
                ',' | ';' | '}' if !quoted => {
                    self.rest = &self.rest[at..];
                    let null = text == "NULL";
                    return Some(if null { "null".to_owned() } else { value(&text, self.element) });
                }
                other => text.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(value("12345678901234567890.1230", &Type::NUMERIC), "12345678901234567890.1230");
        assert_eq!(value("-1e-05", &Type::FLOAT8), "-1e-05");
        assert_eq!(value("NaN", &Type::NUMERIC), "\"NaN\"");
        assert_eq!(value("-Infinity", &Type::FLOAT8), "\"-Infinity\"");
    }

    #[test]
    fn arrays_become_arrays() {
        assert_eq!(value("{1,NULL,3}", &Type::INT4_ARRAY), "[1,null,3]");
        assert_eq!(value(r#"{"a \"b\"",NULL,"NULL",c,"{"}"#, &Type::TEXT_ARRAY), r#"["a \"b\"",null,"NULL","c","{"]"#);
        assert_eq!(value("{{t,f},{f,t}}", &Type::BOOL_ARRAY), "[[true,false],[false,true]]");
        assert_eq!(value("[0:1]={1,2}", &Type::INT4_ARRAY), "[1,2]");
        assert_eq!(value("{}", &Type::TEXT_ARRAY), "[]");
        assert_eq!(value(r#"{"{\"a\": 1}"}"#, &Type::JSONB_ARRAY), r#"[{"a": 1}]"#);
    }

    #[test]
    fn columns_of_one_name_are_all_there() {
        let column = |name: &str| Column { name: name.to_owned(), kind: Type::INT4 };
        let columns = [column("a"), column("a"), column("b")];
        assert_eq!(object(&columns, &[Some("1"), Some("2"), None]), r#"{"a":1,"a_2":2,"b":null}"#);
    }
}
