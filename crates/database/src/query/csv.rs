/// One line of CSV by RFC 4180, ending with a line feed. NULL is nothing, the empty string is `""`, as `COPY` writes them.
pub(super) fn line<'a>(values: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut line = values.map(|value| value.map(field).unwrap_or_default()).collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

fn field(value: &str) -> String {
    let plain = !value.is_empty() && !value.contains([',', '"', '\n', '\r']) && value.trim() == value && value != "\\.";
    if plain { value.to_owned() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_differ_and_quotes_double() {
        let values = [Some("a"), None, Some(""), Some("x,\"y\"\nz"), Some(" b")];
        assert_eq!(line(values.into_iter()), "a,,\"\",\"x,\"\"y\"\"\nz\",\" b\"\n");
    }
}
