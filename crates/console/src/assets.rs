//! Scripts, styles and icons, compiled in. Their addresses carry a hash of the content, so browsers may keep them.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const ASSETS: &[Asset] = &[
    style("console.css", include_str!("../../../assets/web/console.css")),
    script("console.js", include_str!("../../../assets/web/console.js")),
    script("login.js", include_str!("../../../assets/web/login.js")),
    script("graphiql.js", include_str!("../../../assets/web/graphiql.js")),
    script("graphiql.min.js", include_str!("../../../assets/web/vendor/graphiql.min.js")),
    script("graphql-ws.min.js", include_str!("../../../assets/web/vendor/graphql-ws.min.js")),
    script("react-dom.min.js", include_str!("../../../assets/web/vendor/react-dom.min.js")),
    script("react.min.js", include_str!("../../../assets/web/vendor/react.min.js")),
    style("graphiql.min.css", include_str!("../../../assets/web/vendor/graphiql.min.css")),
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../../assets/web/icon.svg") },
];

const fn script(name: &'static str, content: &'static str) -> Asset {
    Asset { name, kind: "text/javascript; charset=utf-8", content }
}

const fn style(name: &'static str, content: &'static str) -> Asset {
    Asset { name, kind: "text/css; charset=utf-8", content }
}

/// Eight hexadecimal digits that change with any asset.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    ASSETS.iter().for_each(|asset| hash.update(asset.content));
    hash.finalize().iter().take(4).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
});

pub(crate) async fn serve(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Only the current address may be kept: an old page may still ask for an older version.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, keep)], asset.content).into_response()
}
