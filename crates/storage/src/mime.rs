//! The type of bytes, told from the first of them: for files whose client says nothing.

/// Bytes that are looked at.
pub(crate) const HEAD: usize = 3072;

/// First bytes that mean one type, and where they stand.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/x-m4a"),
    (4, b"ftypM4V", "video/x-m4v"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"\x00\x01\x00\x00", "font/ttf"),
    (0, b"OTTO", "font/otf"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
];

/// Whether it is one media type, with or without parameters (RFC 9110, section 8.3.1), that everybody reads alike.
pub(crate) fn is_one(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let kind = text.split(';').next().unwrap_or_default().trim_end();
    let plain = text.len() <= 255 && !text.contains(',') && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    plain && kind.split_once('/').is_some_and(|(family, name)| token(family) && token(name))
}

/// The type; `application/octet-stream` when the bytes say nothing.
pub(crate) fn sniff(head: &[u8]) -> &'static str {
    let known = SIGNATURES.iter().find(|(at, bytes, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    if let Some((_, _, found)) = known {
        return found;
    }
    if is_text(head) { text(head) } else { "application/octet-stream" }
}

/// UTF-8 without control characters that text does not have. The head may end within a character.
fn is_text(head: &[u8]) -> bool {
    let complete = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && head.len() == HEAD,
    };
    complete && !head.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
}

fn text(head: &[u8]) -> &'static str {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |word: &str| head.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()));
    let has_svg = || head.windows(4).any(|window| window.eq_ignore_ascii_case(b"<svg"));
    if ["<!doctype html", "<html", "<head", "<body", "<script"].iter().any(|word| begins(word)) {
        "text/html; charset=utf-8"
    } else if begins("<svg") || (begins("<?xml") || begins("<!--")) && has_svg() {
        "image/svg+xml"
    } else if begins("<?xml") {
        "text/xml; charset=utf-8"
    } else if is_json(head) {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    }
}

/// A whole JSON object or array, or the beginning of a longer one.
fn is_json(head: &[u8]) -> bool {
    if !matches!(head.first(), Some(b'{' | b'[')) {
        return false;
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(head) {
        Ok(_) => true,
        Err(error) => error.is_eof() && head.len() >= HEAD - 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_their_type() {
        for (bytes, expected) in [
            (&b""[..], "text/plain; charset=utf-8"),
            (b"Hello, World!", "text/plain; charset=utf-8"),
            (b"  <!DOCTYPE html><html>", "text/html; charset=utf-8"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\"/>", "image/svg+xml"),
            (b"{\"a\":1}", "application/json"),
            (b"{not json}", "text/plain; charset=utf-8"),
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"\x00\x00\x00\x20ftypavif", "image/avif"),
            (b"\x01\x02\x03", "application/octet-stream"),
            ("Grüße".as_bytes(), "text/plain; charset=utf-8"),
            (b"\xffabc", "application/octet-stream"),
        ] {
            assert_eq!(sniff(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
