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
    Asset {
        name: "console.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("../../../assets/web/console.css"),
    },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/console.js"),
    },
    Asset {
        name: "login.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/login.js"),
    },
    Asset {
        name: "graphiql.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/graphiql.js"),
    },
    Asset {
        name: "graphiql.min.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/vendor/graphiql.min.js"),
    },
    Asset {
        name: "graphql-ws.min.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/vendor/graphql-ws.min.js"),
    },
    Asset {
        name: "react-dom.min.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/vendor/react-dom.min.js"),
    },
    Asset {
        name: "react.min.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/web/vendor/react.min.js"),
    },
    Asset {
        name: "graphiql.min.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("../../../assets/web/vendor/graphiql.min.css"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../../assets/web/icon.svg") },
];

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
