//! From a value's text to COPY's text format, and into arrays, composites, ranges and JSON, in place.

/// Escapes what was written since `start` for COPY: one look at each byte when there is nothing to do.
#[inline]
pub fn copy(start: usize, out: &mut Vec<u8>) {
    // Backspace to carriage return stand in a row: 8 to 13.
    let special = |byte: u8| byte == b'\\' || byte.wrapping_sub(8) < 6;
    // Without an early end the look is taken at many bytes at once.
    if !out[start..].iter().fold(false, |found, &byte| found | special(byte)) {
        return;
    }
    let Some(first) = out[start..].iter().position(|&byte| special(byte)) else { return };
    let rest: Vec<u8> = out[start + first..].to_vec();
    out.truncate(start + first);
    for byte in rest {
        let escaped = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0b => b'v',
            0x0c => b'f',
            other => {
                out.push(other);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', escaped]);
    }
}

/// Quotes what was written since `start` as an element of an array or a field of a composite.
pub fn element(start: usize, out: &mut Vec<u8>) {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b':' | b'_');
    let text = &out[start..];
    if !text.is_empty() && text.iter().all(plain) && !text.eq_ignore_ascii_case(b"null") {
        return;
    }
    let content: Vec<u8> = text.to_vec();
    out.truncate(start);
    out.push(b'"');
    for byte in content {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Quotes what was written since `start` as a JSON string.
pub fn json(start: usize, out: &mut Vec<u8>) {
    let content: Vec<u8> = out[start..].to_vec();
    out.truncate(start);
    json_string(&content, out);
}

/// A JSON string of UTF-8 text.
pub fn json_string(content: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in content {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn done(encode: fn(usize, &mut Vec<u8>), text: &str) -> String {
        let mut out = b"\t".to_vec();
        out.extend_from_slice(text.as_bytes());
        encode(1, &mut out);
        String::from_utf8(out[1..].to_vec()).unwrap()
    }

    #[test]
    fn each_form_escapes_its_own() {
        assert_eq!(done(copy, "a\\b\nc\td"), "a\\\\b\\nc\\td");
        assert_eq!(done(copy, "plain"), "plain");
        assert_eq!(done(element, "plain"), "plain");
        assert_eq!(done(element, "a \"b\\"), "\"a \\\"b\\\\\"");
        assert_eq!(done(element, ""), "\"\"");
        assert_eq!(done(element, "NULL"), "\"NULL\"");
        assert_eq!(done(json, "a\"\\\n\u{1}é"), "\"a\\\"\\\\\\n\\u0001é\"");
    }
}
