//! A mail's HTML, made fit to be shown in a frame.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::parse::Content;

/// No scripts, no forms, an origin of its own, nothing from the network; links open in a tab of their own.
pub(crate) const HTML_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
     img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The same with pictures from anywhere, for who asks for them: the sender learns that the mail was read.
pub(crate) const REMOTE_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
     img-src data: http: https:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'";

/// Pictures that may stand inside. SVG is none: it is a document.
const PICTURES: &[&str] = &["image/gif", "image/jpeg", "image/png", "image/webp"];

/// The HTML with the mail's own pictures in it and links that leave the frame.
pub(crate) fn shown(content: &Content) -> String {
    let mut html = content.html.clone();
    for file in &content.files {
        let picture = PICTURES.contains(&&*file.content_type) && !file.content_id.is_empty();
        let cid = format!("cid:{}", file.content_id);
        if picture && html.contains(&cid) {
            let data = format!("data:{};base64,{}", file.content_type, STANDARD.encode(&file.bytes));
            html = html.replace(&cid, &data);
        }
    }
    // After the document type, without which the browser would lay it out as in 1998.
    let at = after_doctype(&html);
    html.insert_str(at, "<base target=\"_blank\">");
    html
}

fn after_doctype(html: &str) -> usize {
    let start = html.len() - html.trim_start().len();
    let has = html[start..].get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    if !has {
        return 0;
    }
    html[start..].find('>').map_or(0, |end| start + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_stands_after_the_document_type() {
        assert_eq!(after_doctype("<p>x"), 0);
        assert_eq!(after_doctype(" <!DOCTYPE html><p>"), 16);
        assert_eq!(after_doctype("<!doctype"), 0);
        assert_eq!(after_doctype("é"), 0);
    }
}
