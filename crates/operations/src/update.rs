//! Whether a newer release is out, by a release feed that the user names: a file or an `http://` address.
//!
//! The feed is JSON with a `version` (or `tag_name`) and, where there is one, a `url` (or `html_url`) to read more; or
//! one line of text with the version. Nothing is asked unless [`check`] is called with a feed.

use std::cmp::Ordering;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The variable that names the feed.
pub const SETTING: &str = "NSELF_UPDATE_URL";

/// The newest release by the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    pub version: String,
    /// Where to read about it.
    pub url: Option<String>,
    /// Newer than the one asked for.
    pub newer: bool,
}

#[derive(Deserialize)]
struct Feed {
    #[serde(alias = "tag_name")]
    version: String,
    #[serde(default, alias = "html_url")]
    url: Option<String>,
}

/// Seconds until a silent server is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a feed that are read at most.
const LONGEST: u64 = 1 << 20;

/// Asks the feed at `url` and compares with `current`.
///
/// # Errors
/// [`Error::Feed`].
pub fn check(url: &str, current: &str) -> Result<Release, Error> {
    let failed = |reason: String| Error::Feed { url: url.to_owned(), reason };
    let text = fetch(url).map_err(failed)?;
    let feed = parse(&text).map_err(failed)?;
    let version = feed.version.trim().trim_start_matches(['v', 'V']).to_owned();
    let order = compare(&version, current).ok_or_else(|| failed(format!("`{version}` is not a version")))?;
    Ok(Release { newer: order == Ordering::Greater, version, url: feed.url })
}

fn parse(text: &str) -> Result<Feed, String> {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    match text.lines().next() {
        Some(line) if text.lines().count() == 1 => Ok(Feed { version: line.to_owned(), url: None }),
        _ => Err("it is neither JSON nor one line with a version".to_owned()),
    }
}

fn fetch(url: &str) -> Result<String, String> {
    if let Some(path) = url.strip_prefix("file://") {
        return std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return Err("only http:// and file:// are understood".to_owned());
    };
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
    get(host, &format!("/{path}")).map_err(|error| error.to_string())?
}

/// One GET in HTTP/1.0, whose answer ends with the connection.
fn get(host: &str, path: &str) -> std::io::Result<Result<String, String>> {
    let address = if host.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let address = address.to_socket_addrs()?.next().ok_or_else(|| std::io::Error::other("the host has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json, text/plain\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    Ok(if status == "200" { Ok(body.to_owned()) } else { Err(format!("the server answered {status}")) })
}

/// By semantic versioning; a pre-release comes before its release. `None` when one is no version.
fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Version::parse(one)?, Version::parse(other)?);
    Some(one.numbers.cmp(&other.numbers).then_with(|| match (one.pre, other.pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => pre_release(one, other),
    }))
}

struct Version<'a> {
    numbers: [u64; 3],
    pre: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let parts: Vec<u64> = numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        Some(Self { numbers: parts.try_into().ok()?, pre })
    }
}

/// Identifier by identifier; numbers before words, and the shorter list first.
fn pre_release(one: &str, other: &str) -> Ordering {
    let key = |part: &str| (part.parse::<u64>().map_or((1, 0), |number| (0, number)), part.to_owned());
    let (one, other) = (one.split('.').map(key), other.split('.').map(key));
    one.cmp(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_compare_by_number_not_by_letter() {
        for (one, other, order) in [
            ("0.10.0", "0.9.1", Ordering::Greater),
            ("1.0.0", "1.0.0", Ordering::Equal),
            ("1.0.0-rc.2", "1.0.0-rc.10", Ordering::Less),
            ("1.0.0-rc.1", "1.0.0", Ordering::Less),
            ("1.0.0+build", "1.0.0", Ordering::Equal),
        ] {
            assert_eq!(compare(one, other), Some(order), "{one} {other}");
        }
        assert_eq!(compare("latest", "1.0.0"), None);
    }

    #[test]
    fn feeds_are_json_or_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("feed");
        let url = format!("file://{}", file.display());
        std::fs::write(&file, r#"{"tag_name":"v0.2.0","html_url":"http://x"}"#).unwrap();
        let release = check(&url, "0.1.0").unwrap();
        assert_eq!(
            (release.version.as_str(), release.newer, release.url.as_deref()),
            ("0.2.0", true, Some("http://x"))
        );
        std::fs::write(&file, "0.1.0\n").unwrap();
        assert!(!check(&url, "0.1.0").unwrap().newer);
        std::fs::write(&file, "<html>\n</html>").unwrap();
        assert!(check(&url, "0.1.0").is_err());
        assert!(check("https://example.org", "0.1.0").is_err());
    }

    #[test]
    fn http_feeds_are_fetched_and_errors_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for answer in ["HTTP/1.1 200 OK\r\n\r\n{\"version\":\"9.0.0\"}", "HTTP/1.1 404 Not Found\r\n\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                assert!(request.starts_with(b"GET /releases/latest?x=1 HTTP/1.0\r\n"));
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let url = format!("http://{address}/releases/latest?x=1");
        assert!(check(&url, "0.1.0").unwrap().newer);
        let Err(Error::Feed { reason, .. }) = check(&url, "0.1.0") else { panic!() };
        assert!(reason.contains("404"), "{reason}");
        server.join().unwrap();
    }
}
