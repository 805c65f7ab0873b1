//! Redirects of webhooks and services: followed as browsers follow them, but a header meant for one server is not sent to
//! another. The HTTP client's own policy would take only the standard secrets off, not `x-api-key` or a session's
//! variables.

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT};
use http::{Method, StatusCode};
use reqwest::{Request, Url};

/// The request that a reply asks for in place of `asked`; none: the reply is the answer.
pub(super) fn follow(mut asked: Request, status: StatusCode, headers: &HeaderMap) -> Option<Request> {
    let keeps = match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::SEE_OTHER => matches!(*asked.method(), Method::GET | Method::HEAD),
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *asked.method() != Method::POST,
        _ => return None,
    };
    let target = asked.url().join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    if !matches!(target.scheme(), "http" | "https") {
        return None;
    }
    if !keeps {
        *asked.method_mut() = Method::GET;
        *asked.body_mut() = None;
        asked.headers_mut().remove(CONTENT_TYPE);
        asked.headers_mut().remove(CONTENT_LENGTH);
    }
    if !is_same_server(asked.url(), &target) {
        let harmless = [ACCEPT, CONTENT_TYPE, USER_AGENT];
        let kept = asked.headers().iter().filter(|(name, _)| harmless.contains(name));
        *asked.headers_mut() = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    *asked.url_mut() = target;
    Some(asked)
}

/// One origin, or its own move to TLS.
fn is_same_server(from: &Url, to: &Url) -> bool {
    let upgraded = (from.scheme(), to.scheme()) == ("http", "https")
        && from.port_or_known_default() == Some(80)
        && to.port_or_known_default() == Some(443);
    from.host() == to.host() && (from.origin() == to.origin() || upgraded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn redirected(status: u16, location: &'static str) -> Option<Request> {
        let mut asked = Request::new(Method::POST, Url::parse("http://one.test/a?b").unwrap());
        asked.headers_mut().insert("x-api-key", "secret".parse().unwrap());
        asked.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *asked.body_mut() = Some("{}".into());
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        follow(asked, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn secrets_stay_with_their_server() {
        let there = |location| redirected(307, location).unwrap().headers().contains_key("x-api-key");
        assert!(there("/c") && there("http://one.test:80/c") && there("https://one.test/c"));
        for location in ["http://two.test/", "http://one.test:81/", "https://one.test:444/", "//two.test/a"] {
            assert!(!there(location), "{location}");
        }
    }

    #[test]
    fn a_post_stays_one_only_where_the_status_says_so() {
        for status in [301, 302, 303] {
            let found = redirected(status, "c").unwrap();
            assert_eq!((found.method(), found.url().as_str()), (&Method::GET, "http://one.test/c"));
            assert!(found.body().is_none() && !found.headers().contains_key(CONTENT_TYPE));
        }
        let found = redirected(308, "/c").unwrap();
        assert!(*found.method() == Method::POST && found.body().is_some());
        assert!(redirected(200, "/c").is_none() && redirected(304, "/c").is_none());
        assert!(redirected(307, "file:///etc/passwd").is_none());
    }
}
