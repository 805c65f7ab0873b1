//! Arrays in PostgreSQL's text form: `{a,"b c",NULL,{…}}`, perhaps with bounds before it: `[0:1]={…}`.

/// Replaces every element that is not NULL.
///
/// # Errors
/// What `replace` says; a message when the text is no array.
pub(super) fn rewrite<E: From<&'static str>>(
    text: &str,
    replace: &mut dyn FnMut(&str) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let start = text.find('{').ok_or("it is not an array")?;
    let mut made = String::with_capacity(text.len() + 16);
    made.push_str(&text[..start]);
    let mut rest = text[start..].chars().peekable();
    let mut depth = 0;
    while let Some(c) = rest.next() {
        match c {
            '{' => {
                depth += 1;
                made.push(c);
            }
            '}' => {
                depth -= 1;
                made.push(c);
            }
            ',' => made.push(c),
            '"' => {
                let mut element = String::new();
                loop {
                    match rest.next().ok_or("a quoted element does not end")? {
                        '"' => break,
                        '\\' => element.push(rest.next().ok_or("it ends with a backslash")?),
                        c => element.push(c),
                    }
                }
                push(&mut made, replace(&element)?);
            }
            c => {
                let mut element = String::from(c);
                while let Some(next) = rest.next_if(|next| !matches!(next, ',' | '}')) {
                    element.push(next);
                }
                if element == "NULL" { made.push_str("NULL") } else { push(&mut made, replace(&element)?) }
            }
        }
    }
    if depth == 0 { Ok(made) } else { Err("its braces do not match".into()) }
}

fn push(made: &mut String, element: Option<String>) {
    let Some(element) = element else {
        made.push_str("NULL");
        return;
    };
    made.push('"');
    for c in element.chars() {
        if matches!(c, '"' | '\\') {
            made.push('\\');
        }
        made.push(c);
    }
    made.push('"');
}

/// Calls `see` with every element that is not NULL; what is no array is one element.
pub(super) fn each(text: &str, see: &mut dyn FnMut(&str)) {
    let seen = rewrite::<&'static str>(text, &mut |element| {
        see(element);
        Ok(None)
    });
    if seen.is_err() {
        see(text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn elements_are_replaced_and_the_rest_stays() {
        let upper = |text: &str| rewrite::<&'static str>(text, &mut |element| Ok(Some(element.to_uppercase())));
        assert_eq!(upper(r#"{a,"b, c",NULL,"q\"\\"}"#).unwrap(), r#"{"A","B, C",NULL,"Q\"\\"}"#);
        assert_eq!(upper("[0:1]={{a},{b}}").unwrap(), r#"[0:1]={{"A"},{"B"}}"#);
        assert_eq!(upper("{}").unwrap(), "{}");
        assert!(upper("{a").is_err() && upper("a").is_err());
    }
}
