//! Styles, a script and the icon, compiled in. Their addresses carry a hash of the content, so browsers may keep them.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

const CSS: &str = "text/css; charset=utf-8";

/// Name, type, content.
const ASSETS: &[(&str, &str, &str)] = &[
    ("console.css", CSS, include_str!("../../../../assets/web/console.css")),
    ("mail.css", CSS, include_str!("../../../../assets/web/mail.css")),
    ("mail.js", "text/javascript; charset=utf-8", include_str!("../../../../assets/web/mail.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../../../assets/web/icon.svg")),
];

/// Eight hexadecimal digits that change with any asset.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    ASSETS.iter().for_each(|(_, _, content)| hash.update(content));
    hash.finalize().iter().take(4).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
});

pub(crate) async fn serve(Path((version, name)): Path<(String, String)>) -> Response {
    let Some((_, kind, content)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Only the current address may be kept: an old page may still ask for an older version.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, keep)], *content).into_response()
}
