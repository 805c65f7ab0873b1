//! Where browsers may be sent.
//!
//! A URL is allowed when scheme, host and port are those of an allowed one and its path is at or below that one's. A
//! `*` in an allowed host stands for one or more labels or parts of one (`https://*.example.org`, `https://*-x.dev`).

use reqwest::Url;

use crate::api::failure::{Code, Failure};

/// The allowed URLs.
#[derive(Debug)]
pub(crate) struct Allowed {
    client: String,
    rules: Vec<Rule>,
}

#[derive(Debug, PartialEq)]
struct Rule {
    scheme: String,
    /// In lower case.
    host: String,
    port: Option<u16>,
    /// Without a slash at the end.
    path: String,
}

impl Allowed {
    /// # Errors
    /// The setting with a URL that cannot be read, and why.
    pub fn new(client: &str, more: &[String]) -> Result<Self, (&'static str, String)> {
        let mut rules = vec![Rule::parse(client).map_err(|why| ("AUTH_CLIENT_URL", why))?];
        for url in more {
            rules.push(Rule::parse(url).map_err(|why| ("AUTH_ALLOWED_REDIRECT_URLS", why))?);
        }
        Ok(Self { client: client.to_owned(), rules })
    }

    /// The URL to send a browser to: the one asked for, or the frontend's.
    ///
    /// # Errors
    /// [`Code::RedirectToNotAllowed`]
    pub fn check(&self, wanted: Option<&str>) -> Result<String, Failure> {
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(self.client.clone()) };
        if self.allows(wanted) { Ok(wanted.to_owned()) } else { Err(Code::RedirectToNotAllowed.into()) }
    }

    /// The frontend.
    pub fn client(&self) -> &str {
        &self.client
    }

    pub fn allows(&self, url: &str) -> bool {
        // Browsers drop these inside a URL, parsers at its ends.
        if url.chars().any(|char| char.is_control() || char == ' ' || char == '\\') {
            return false;
        }
        let Ok(url) = Url::parse(url) else { return false };
        // `https://allowed.org@evil.org` is read wrongly by people.
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        self.rules.iter().any(|rule| rule.fits(&url))
    }
}

impl Rule {
    /// A `*` is no character of a host, so the parts are cut by hand.
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("a URL begins with a scheme and ://")?;
        let scheme_fits = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
        if !scheme_fits || matches!(&*scheme.to_ascii_lowercase(), "javascript" | "data" | "vbscript" | "file") {
            return Err("its scheme cannot be used".to_owned());
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches(['/', '*']);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| "its port is no number".to_owned())?))
            }
            _ => (authority, None),
        };
        let scheme = scheme.to_ascii_lowercase();
        let port = port.or(match &*scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        if host.is_empty() || host.contains('@') {
            return Err("it names no host".to_owned());
        }
        if host.trim_matches(['*', '.']).is_empty() {
            return Err("its host is everything".to_owned());
        }
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port, path: path.to_owned() })
    }

    fn fits(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let below = |path: &str| match path.strip_prefix(&self.path) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        url.scheme() == self.scheme
            && url.port_or_known_default() == self.port
            && host_fits(&self.host, &host)
            && below(url.path())
    }
}

/// `*` stands for at least one letter, digit, hyphen or dot.
fn host_fits(rule: &str, host: &str) -> bool {
    let Some((before, after)) = rule.split_once('*') else { return rule == host };
    let Some(rest) = host.strip_prefix(before) else { return false };
    // Every place where the rest of the rule could go on.
    let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).skip(1);
    starts.into_iter().any(|at| {
        let taken = &rest[..at];
        taken.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '.')
            && host_fits(after, &rest[at..])
    })
}

/// A URL with parameters set in its query; one of the same name goes.
pub(crate) fn with(url: &str, params: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse(url) else { return url.to_owned() };
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !params.iter().any(|(wanted, _)| wanted == name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(params);
    url.into()
}

/// A redirect (302) to it.
pub(crate) fn found(url: &str) -> axum::response::Response {
    use axum::response::IntoResponse;

    let location = http::HeaderValue::from_str(url);
    match location {
        Ok(location) => (http::StatusCode::FOUND, [(http::header::LOCATION, location)]).into_response(),
        Err(error) => Failure::internal("a redirect's URL is no header", &error).into_response(),
    }
}

/// Stands in the extensions of a redirect that tells of a failure: by its status it looks like one that does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed;

/// A redirect that tells what went wrong in `error` and `errorDescription`.
pub(crate) fn failed(handle: &crate::Handle, url: &str, failure: Failure) -> axum::response::Response {
    let (code, message) = failure.concealed(handle.options().conceal_errors).describe();
    let mut response = found(&with(url, &[("error", code), ("errorDescription", &message)]));
    response.extensions_mut().insert(Failed);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allowed(more: &[&str]) -> Allowed {
        let more: Vec<String> = more.iter().map(|url| (*url).to_owned()).collect();
        Allowed::new("http://localhost:3000", &more).unwrap()
    }

    #[test]
    fn only_what_is_allowed() {
        let rules =
            allowed(&["https://*.example.org", "https://app.dev/in", "myapp://callback", "https://*-pr.dev/**"]);
        for url in [
            "http://localhost:3000",
            "http://localhost:3000/x?y=z#w",
            "https://a.example.org/",
            "https://a.b.example.org",
            "https://A.EXAMPLE.org:443/x",
            "https://app.dev/in",
            "https://app.dev/in/side",
            "https://app.dev/in?x",
            "myapp://callback",
            "myapp://callback/x",
            "https://12-pr.dev/y",
        ] {
            assert!(rules.allows(url), "{url}");
        }
        for url in [
            "https://evil.example.com",
            "http://localhost:3001",
            "https://localhost:3000",
            "https://example.org",
            "https://a.example.org.evil.com",
            "https://evil.com/a.example.org",
            "https://evil.com#.example.org",
            "https://evil.com?.example.org",
            "https://evil.com\\.example.org",
            "https://a.example.org@evil.com",
            "https://user@a.example.org",
            "https://a.example.org:8443",
            "https://app.dev/inside",
            "https://app.dev/in/../out",
            "https://app.dev",
            "//localhost:3000",
            "/x",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "http://localhost:3000\t",
            "myapp2://callback",
            "",
        ] {
            assert!(!rules.allows(url), "{url:?}");
        }
    }

    #[test]
    fn rules_that_allow_everything_are_refused() {
        for url in ["*", "https://*", "https://*.*", "javascript://x", "https://", "https://a:b"] {
            assert!(Allowed::new("http://localhost:3000", &[url.to_owned()]).is_err(), "{url}");
        }
    }

    #[test]
    fn parameters() {
        let url = with("https://a.b/c?x=1&error=old#f", &[("error", "a b"), ("y", "&")]);
        assert_eq!(url, "https://a.b/c?x=1&error=a+b&y=%26#f");
    }
}
