//! Which headers go out.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use metadata::Header;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};

use crate::session::is_variable;

use super::{Environment, template};

/// The headers of the metadata with their values.
///
/// # Errors
/// A variable is not set, or a name or value cannot stand in a header.
pub fn configured(list: &[Header], environment: &Environment) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(list.len());
    for configured in list {
        let value = match (&configured.value_from_env, &configured.value) {
            (Some(name), _) => template::variable(environment, name)?.to_owned(),
            (None, Some(value)) => template::resolve(environment, value)?,
            (None, None) => String::new(),
        };
        let name = HeaderName::try_from(configured.name.as_str());
        match (name, HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => headers.insert(name, value),
            _ => {
                let message = format!("the header '{}' cannot be sent", configured.name);
                return Err(Failure::new(Code::BadRequest, "$", message));
            }
        };
    }
    Ok(headers)
}

/// What every request carries.
pub(super) fn defaults() -> HeaderMap {
    let agent = HeaderValue::from_static("hasura-graphql-engine/v2.48.1");
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(CONTENT_TYPE, json), (USER_AGENT, agent)])
}

/// Of the connection; never sent on, whatever an action's list says.
const CONNECTION: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Headers that are not forwarded unless an action has a list of its own (`ignored_client_headers`).
const WITHHELD: [&str; 12] = [
    "accept",
    "accept-datetime",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-md5",
    "content-type",
    "dnt",
    "host",
    "origin",
    "referer",
    "user-agent",
];

/// The client's headers that go to a webhook or remote schema with `forward_client_headers`: all but those of the
/// connection, those in `ignored`, and `x-hasura-…`: services take those for the session's. Host, origin and agent go
/// under `X-Forwarded-…`.
pub fn forwarded(client: &HeaderMap, ignored: Option<&[String]>) -> HeaderMap {
    let withheld = |name: &str| match ignored {
        None => WITHHELD.contains(&name),
        // The body is the engine's own, and so is its type.
        Some(list) => name == "content-type" || list.iter().any(|found| found.eq_ignore_ascii_case(name)),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in kept(client).iter().filter(|(name, _)| !withheld(name.as_str())) {
        headers.append(name.clone(), value.clone());
    }
    for (name, other) in [
        ("host", HeaderName::from_static("x-forwarded-host")),
        ("origin", HeaderName::from_static("x-forwarded-origin")),
        ("user-agent", HeaderName::from_static("x-forwarded-user-agent")),
    ] {
        if let Some(value) = client.get(name) {
            headers.append(other, value.clone());
        }
    }
    headers
}

/// The client's headers that may be kept or sent on at all: not those of the connection, and no `x-hasura-…`, for among
/// them is the admin secret, and what a session's variables are, nobody but the session says.
pub fn kept(client: &HeaderMap) -> HeaderMap {
    let may = |name: &str| !is_variable(name) && !name.starts_with("sec-websocket-") && !CONNECTION.contains(&name);
    let kept = client.iter().filter(|(name, _)| may(name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `[{"name", "value"}, …]`, as Hasura shows headers in errors and logs.
pub fn pairs(headers: &HeaderMap) -> Value {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| json!({ "name": title_case(name.as_str()), "value": String::from_utf8_lossy(value.as_bytes()) });
    headers.iter().map(shown).collect()
}

/// `content-type` as `Content-Type`: names come in lower case from the parser.
fn title_case(name: &str) -> String {
    let mut start = true;
    let upper = |found: char| {
        let found = if start { found.to_ascii_uppercase() } else { found };
        start = found == '-';
        found
    };
    name.chars().map(upper).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn secrets_and_hop_by_hop_headers_stay() {
        let names = [
            "host",
            "x-hasura-admin-secret",
            "x-hasura-access-key",
            "x-hasura-user-id",
            "authorization",
            "cookie",
            "content-length",
            "user-agent",
        ];
        let client: HeaderMap =
            names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("v"))).collect();
        let found = forwarded(&client, None);
        let mut found: Vec<&str> = found.keys().map(HeaderName::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, ["authorization", "cookie", "x-forwarded-host", "x-forwarded-user-agent"]);
        let own = ["Cookie".to_owned(), "Host".to_owned()];
        let found = forwarded(&client, Some(&own));
        assert!(found.contains_key("user-agent") && found.contains_key("authorization"));
        for name in ["cookie", "host", "content-length", "x-hasura-admin-secret", "x-hasura-user-id"] {
            assert!(!found.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_header_takes_its_value_from_the_environment() {
        let environment = Environment::from([("TOKEN".to_owned(), "t".to_owned())]);
        let from = |json: Value| -> Vec<Header> { serde_json::from_value(json).unwrap() };
        let list = from(json!([{"name": "A", "value": "x{{TOKEN}}"}, {"name": "B", "value_from_env": "TOKEN"}]));
        let headers = configured(&list, &environment).unwrap();
        assert_eq!((headers["a"].as_bytes(), headers["b"].as_bytes()), (&b"xt"[..], &b"t"[..]));
        let missing = from(json!([{"name": "B", "value_from_env": "NONE"}]));
        let failure = configured(&missing, &environment).unwrap_err();
        assert_eq!(failure.message, "environment variable 'NONE' not set");
    }
}
