//! What a request's head says, and what it must say before it is passed on.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONNECTION, COOKIE, EXPECT, HOST, HeaderName, TE, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use crate::Network;
use crate::answer::Refusal;
use crate::table::{climbs, host_name};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Numbers requests that bring no id.
pub(crate) struct Ids {
    seed: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { seed: RandomState::new().hash_one("request ids"), next: AtomicU64::new(0) }
    }

    /// The client's own id when it is one, else a new one of 32 hexadecimal digits.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(REQUEST_ID) {
            Some(id) if is_id(id.as_bytes()) => id.clone(),
            _ => self.fresh(),
        }
    }

    fn fresh(&self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let bits = u128::from(self.seed) << 64 | u128::from(mix(self.seed ^ number));
        let text: [u8; 32] = std::array::from_fn(|place| DIGITS[(bits >> (124 - place * 4)) as usize & 15]);
        HeaderValue::from_bytes(&text).expect("hexadecimal digits are a header value")
    }
}

/// The finaliser of SplitMix64: different numbers stay different, and neighbours look unrelated.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

fn is_id(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// The Host header or the authority, checked, and the path checked with it.
pub(crate) fn host<B>(request: &Request<B>) -> Result<HeaderValue, Refusal> {
    if *request.method() == Method::CONNECT || *request.method() == Method::TRACE {
        return Err(Refusal::Malformed("this method is not served here"));
    }
    if climbs(request.uri().path()) {
        return Err(Refusal::Malformed("the path has a `.` or `..` segment"));
    }
    // RFC 9112, 3.2.2: the authority of an absolute request target beats the header.
    let host = match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => {
            let mut hosts = request.headers().get_all(HOST).iter();
            match (hosts.next(), hosts.next()) {
                (Some(host), None) => Some(host.clone()),
                (None, _) => return Err(Refusal::Malformed("no Host header")),
                (Some(_), Some(_)) => return Err(Refusal::Malformed("more than one Host header")),
            }
        }
    };
    host.filter(|host| host.to_str().is_ok_and(|host| host_name(host).is_some()))
        .ok_or(Refusal::Malformed("the Host header is not a host name"))
}

/// Who sent this: the peer, or behind trusted proxies the last address that none of them added.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    if trusted.is_empty() || !trusts(peer) {
        return client;
    }
    let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for text in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Ok(address) = text.trim().parse() else { break };
        client = address;
        if !trusts(address) {
            break;
        }
    }
    client
}

/// True when a trusted proxy says that its client used https.
pub(crate) fn forwarded_https(headers: &HeaderMap) -> bool {
    headers.get(FORWARDED_PROTO).is_some_and(|proto| proto == "https")
}

/// The protocol to switch to, when this HTTP/1.1 request asks for one that can be tunnelled.
pub(crate) fn upgrade<B>(request: &Request<B>) -> Option<HeaderValue> {
    let upgrade = request.headers().get(UPGRADE)?;
    let wanted = request.version() == Version::HTTP_11
        && tokens(request.headers()).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && !upgrade.as_bytes().eq_ignore_ascii_case(b"h2c");
    wanted.then(|| upgrade.clone())
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Removes what concerns one connection only: RFC 9110, 7.6.1.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip(headers, |_| false);
}

fn strip(headers: &mut HeaderMap, also: impl Fn(&str) -> bool) {
    let mut gone: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        let text = name.as_str();
        let hop = matches!(
            text,
            "connection"
                | "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "http2-settings"
        );
        if hop || also(text) {
            gone.push(name.clone());
        }
    }
    if gone.is_empty() {
        return;
    }
    gone.extend(tokens(headers).filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok()));
    for name in gone {
        // A client must not be able to have these removed by naming them in `Connection`.
        if name != HOST && name != http::header::CONTENT_LENGTH && name != http::header::AUTHORIZATION {
            headers.remove(name);
        }
    }
}

/// What the next hop is told about the client.
pub(crate) struct Forward<'a> {
    pub(crate) id: &'a HeaderValue,
    pub(crate) host: &'a HeaderValue,
    /// The peer's address as a header value.
    pub(crate) peer: &'a HeaderValue,
    pub(crate) client: IpAddr,
    pub(crate) https: bool,
    /// The peer is a trusted proxy: its own headers are kept and extended.
    pub(crate) trusted: bool,
}

/// Makes the head fit for the next hop.
pub(crate) fn prepare<B>(request: &mut Request<B>, forward: &Forward<'_>, upgrade: Option<HeaderValue>) {
    let http2 = request.version() == Version::HTTP_2;
    let headers = request.headers_mut();
    let trusted = forward.trusted;
    let kept_te = http2.then(|| headers.get(TE).cloned()).flatten();
    strip(headers, |name| name == "expect" || (!trusted && is_forwarded(name)));
    debug_assert!(!headers.contains_key(EXPECT));
    let mut chain = forward.peer.clone();
    if trusted {
        let before = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let all: Vec<&str> = before.chain(chain.to_str().ok()).collect();
        chain = HeaderValue::from_str(&all.join(", ")).unwrap_or(chain);
    }
    let real = if trusted { HeaderValue::from_str(&forward.client.to_string()).ok() } else { None };
    headers.insert(REAL_IP, real.unwrap_or_else(|| forward.peer.clone()));
    headers.insert(FORWARDED_FOR, chain);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if forward.https { "https" } else { "http" }));
    if !trusted || !headers.contains_key(FORWARDED_HOST) {
        headers.insert(FORWARDED_HOST, forward.host.clone());
    }
    headers.insert(REQUEST_ID, forward.id.clone());
    headers.insert(HOST, forward.host.clone());
    if http2 {
        join_cookies(headers);
        if kept_te.is_some_and(|te| te == "trailers") {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

fn is_forwarded(name: &str) -> bool {
    name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
}

/// RFC 9113, 8.2.3: HTTP/2 may split the cookies; everything else wants one header.
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// The request target in its usual form, a path and a query, rewritten where the route says so.
pub(crate) fn retarget<B>(request: &mut Request<B>, rewritten: Option<String>) -> Result<(), Refusal> {
    if let Some(target) = rewritten {
        *request.uri_mut() = target.parse().map_err(|_| Refusal::Malformed("the path cannot be forwarded"))?;
    } else if request.uri().authority().is_some() {
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Refusal::Malformed("the path cannot be forwarded"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn forward<'a>(id: &'a HeaderValue, peer: &'a HeaderValue, trusted: bool) -> Forward<'a> {
        Forward { id, host: id, peer, client: "9.9.9.9".parse().unwrap(), https: false, trusted }
    }

    #[test]
    fn ids_are_kept_when_sane_and_new_otherwise() {
        let ids = Ids::new();
        assert_eq!(ids.of(&headers(&[("x-request-id", "abc-1.2_3")])), "abc-1.2_3");
        let odd = ids.of(&headers(&[("x-request-id", "a b")]));
        assert_eq!(odd.len(), 32);
        assert_ne!(odd, ids.of(&HeaderMap::new()));
    }

    #[test]
    fn hop_by_hop_headers_go_and_connection_cannot_remove_the_important_ones() {
        let mut request = Request::new(());
        *request.headers_mut() = headers(&[
            ("connection", "keep-alive, x-mine, host, authorization, x-forwarded-for"),
            ("x-mine", "1"),
            ("authorization", "Bearer x"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("forwarded", "for=1.1.1.1"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-port", "1"),
            ("expect", "100-continue"),
            ("accept", "*/*"),
        ]);
        let (id, peer) = (HeaderValue::from_static("h"), HeaderValue::from_static("9.9.9.9"));
        prepare(&mut request, &forward(&id, &peer, false), None);
        let mut names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let expected =
            "accept authorization host x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip x-request-id";
        assert_eq!(names.join(" "), expected);
        assert_eq!(request.headers()["x-forwarded-for"], "9.9.9.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let sent = headers(&[("x-forwarded-for", "6.6.6.6, 9.9.9.9, 10.0.0.7"), ("x-forwarded-proto", "https")]);
        let ten = "10.0.0.1".parse().unwrap();
        assert_eq!(client(ten, &sent, &trusted).to_string(), "9.9.9.9", "6.6.6.6 may be a lie");
        assert_eq!(client(ten, &sent, &[]), ten);
        assert_eq!(client("11.0.0.1".parse().unwrap(), &sent, &trusted).to_string(), "11.0.0.1");
        let mut request = Request::new(());
        *request.headers_mut() = sent;
        let (id, peer) = (HeaderValue::from_static("h"), HeaderValue::from_static("10.0.0.1"));
        prepare(&mut request, &forward(&id, &peer, true), None);
        assert_eq!(request.headers()["x-forwarded-for"], "6.6.6.6, 9.9.9.9, 10.0.0.7, 10.0.0.1");
        assert_eq!(request.headers()["x-real-ip"], "9.9.9.9");
    }

    #[test]
    fn only_one_well_formed_host_is_taken() {
        let request = |pairs| {
            let mut request = Request::new(());
            *request.headers_mut() = headers(pairs);
            host(&request).map(|host| host.to_str().unwrap().to_owned())
        };
        assert_eq!(request(&[("host", "[::1]:8080")]).unwrap(), "[::1]:8080");
        assert!(request(&[]).is_err());
        assert!(request(&[("host", "a/b")]).is_err());
        let mut two = Request::new(());
        two.headers_mut().append(HOST, HeaderValue::from_static("a"));
        two.headers_mut().append(HOST, HeaderValue::from_static("a"));
        assert!(host(&two).is_err());
        let absolute = Request::get("http://b.test/x").header("host", "a.test").body(()).unwrap();
        assert_eq!(host(&absolute).unwrap(), "b.test");
    }
}
