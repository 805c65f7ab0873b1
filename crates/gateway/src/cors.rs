//! Cross-origin requests to the API: paths below `/v1/` and `/v2/`.
//!
//! The gateway answers preflights and marks answers there for services of the base domain and those of this process,
//! unless the service has set the headers itself. A program with a host of its own keeps its own rules. Credentials
//! (cookies) are allowed for origins that the settings name, never for `*`.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::body::Body;

/// Who may read answers across origins.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    any: bool,
    exact: Vec<String>,
    /// Patterns cut at their stars.
    patterns: Vec<Vec<String>>,
}

impl Policy {
    pub(crate) fn new(origins: &[String]) -> Self {
        let mut policy = Self::default();
        for origin in origins.iter().map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase()) {
            if origin == "*" {
                policy.any = true;
            } else if origin.contains('*') {
                policy.patterns.push(origin.split('*').map(str::to_owned).collect());
            } else if !origin.is_empty() {
                policy.exact.push(origin);
            }
        }
        policy
    }

    /// True when the settings name this origin, by itself or by a pattern. A star stands for one or more characters
    /// of a host name or a port.
    fn names(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.exact.contains(&origin) || self.patterns.iter().any(|pattern| matches(pattern, &origin))
    }

    /// True when a page of `origin` may act with the browser's cookies: one of the host that is asked, or one that the
    /// settings name. Browsers ask nobody before they open a socket, and send cookies along.
    pub(crate) fn trusts(&self, origin: &HeaderValue, host: &HeaderValue) -> bool {
        let (Ok(origin), Ok(host)) = (origin.to_str(), host.to_str()) else { return false };
        let own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
        own || self.names(origin)
    }

    /// Marks an answer to `origin`.
    pub(crate) fn mark(&self, headers: &mut HeaderMap, origin: &HeaderValue) {
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if origin.to_str().is_ok_and(|origin| self.names(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        } else if self.any {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            return;
        }
        let expose = HeaderValue::from_static("Content-Disposition, Content-Range, ETag, Retry-After, X-Request-Id");
        headers.entry(ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(expose);
    }

    /// The answer to a preflight. One that is not allowed gets an answer without permissions, which is a no.
    pub(crate) fn preflight(&self, request: &HeaderMap, origin: &HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        self.mark(headers, origin);
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
            headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
        response
    }
}

fn matches(pattern: &[String], origin: &str) -> bool {
    let [first, middle @ .., last] = pattern else { return false };
    let Some(mut rest) = origin.strip_prefix(first.as_str()) else { return false };
    let fits = |gap: &str| !gap.is_empty() && gap.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    for part in middle {
        let Some((gap, after)) = rest.split_once(part.as_str()) else { return false };
        if !fits(gap) {
            return false;
        }
        rest = after;
    }
    rest.strip_suffix(last.as_str()).is_some_and(fits)
}

pub(crate) fn is_api(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/v2/")
}

pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(origins: &[&str]) -> Policy {
        Policy::new(&origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_star_stands_for_a_piece_of_a_host_or_a_port() {
        let policy = policy(&["http://localhost:*", "https://*.example.com", "https://app.test/"]);
        for allowed in ["http://localhost:3000", "https://a.example.com", "https://a.b.example.com", "https://APP.test"]
        {
            assert!(policy.names(allowed), "{allowed}");
        }
        for refused in [
            "http://localhost:",
            "http://localhost.evil.com:80",
            "https://example.com",
            "https://evil.com/.example.com",
            "https://evil.com#.example.com",
            "https://evil.com:1@x.example.com",
            "http://a.example.com",
            "null",
        ] {
            assert!(!policy.names(refused), "{refused}");
        }
    }

    #[test]
    fn sockets_take_cookies_from_pages_of_their_own_and_of_named_origins() {
        let trusts = |origins: &[&str], origin: &'static str| {
            let host = HeaderValue::from_static("api.example.com:8443");
            policy(origins).trusts(&HeaderValue::from_static(origin), &host)
        };
        assert!(trusts(&[], "https://API.example.com:8443") && trusts(&["https://app.test"], "https://app.test"));
        for foreign in
            ["https://evil.test", "null", "https://api.example.com", "https://evil.test/api.example.com:8443"]
        {
            assert!(!trusts(&["*", "https://app.test"], foreign), "{foreign}");
        }
    }

    #[test]
    fn credentials_only_for_named_origins() {
        let mut headers = HeaderMap::new();
        policy(&["*"]).mark(&mut headers, &HeaderValue::from_static("https://x.test"));
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        let mut headers = HeaderMap::new();
        policy(&["*", "https://x.test"]).mark(&mut headers, &HeaderValue::from_static("https://x.test"));
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://x.test");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn an_answer_that_is_marked_already_stays_as_it_is() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://other.test"));
        policy(&["*"]).mark(&mut headers, &HeaderValue::from_static("https://x.test"));
        assert_eq!(headers.len(), 1);
    }
}
