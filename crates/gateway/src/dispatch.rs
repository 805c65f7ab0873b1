//! The way of one request: check, find the route, hold it against the limits, hand it to the backend, dress the answer.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::ConnectInfo;
use futures::FutureExt;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tower::Service as _;

use crate::access::{Entry, Record};
use crate::answer::Refusal;
use crate::body::{Body, RequestBody, Upload};
use crate::connection::{Busy, Peer};
use crate::gateway::Gateway;
use crate::load::{Guard, Live};
use crate::request::{self, Forward, REQUEST_ID};
use crate::upstream::Failure;
use crate::{compress, cors, health, table, tunnel};

/// Answers one request. Every way out leads through [`Visit::finish`], so every answer is logged and carries its id.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let busy = Busy::new(Arc::clone(&peer));
    let headers = request.headers();
    let id = gateway.ids.of(headers);
    let client = request::client(peer.address.ip(), headers, &gateway.trusted);
    let entry = Entry::new(id.clone(), request.method().clone(), request.uri().clone(), client);
    let trusted = gateway.trusts(peer.address.ip());
    let mut visit = Visit {
        record: Record::new(Arc::clone(&gateway.log), Instant::now(), entry),
        https: peer.https || (trusted && request::forwarded_https(headers)),
        accept: headers.get(ACCEPT_ENCODING).cloned(),
        head: *request.method() == Method::HEAD,
        origin: None,
        in_process: false,
        gateway: &gateway,
        peer: &peer,
        id,
        client,
        trusted,
    };
    let outcome = visit.answer(request).await;
    Ok(visit.finish(outcome, busy))
}

/// What must be known about a request until its answer leaves.
struct Visit<'a> {
    gateway: &'a Gateway,
    peer: &'a Peer,
    record: Record,
    id: HeaderValue,
    client: IpAddr,
    trusted: bool,
    https: bool,
    head: bool,
    /// Accept-Encoding.
    accept: Option<HeaderValue>,
    /// The origin to answer to, where CORS is ours.
    origin: Option<HeaderValue>,
    in_process: bool,
}

type Answer = (Response<Body>, Option<Guard>);

impl Visit<'_> {
    async fn answer(&mut self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let gateway = self.gateway;
        let host = request::host(&request)?;
        self.record.note(|entry| entry.host = Some(host.clone()));
        let name = host.to_str().ok().and_then(table::host_name).unwrap_or_default();
        let path = request.uri().path();
        let routes = gateway.table();
        if health::is_own(path) && routes.own(name, path) {
            let private = health::is_private(gateway.tier, self.client);
            return Ok((health::respond(&request, &*gateway.status, private), None));
        }
        if let Some(redirect) = self.redirect(&request, name) {
            return Ok((redirect, None));
        }
        let route = Arc::clone(routes.find(name, path).ok_or(Refusal::NotFound)?);
        drop(routes);
        self.record.note(|entry| entry.service = Some(Arc::clone(&route.slot.name)));
        if let Some(zone) = &route.zone {
            let token = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
            zone.take(self.client, token).map_err(Refusal::RateLimited)?;
        }
        self.forward(request, &route, host).await
    }

    /// Staging and production speak https once they have a certificate of their own.
    fn redirect<B>(&self, request: &Request<B>, name: &str) -> Option<Response<Body>> {
        let port = self.gateway.redirect_port?;
        if self.https || request.uri().path().starts_with("/.well-known/") {
            return None;
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        let port = if port == 443 { String::new() } else { format!(":{port}") };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        response.headers_mut().insert(LOCATION, HeaderValue::from_str(&format!("https://{name}{port}{target}")).ok()?);
        Some(response)
    }

    async fn forward(
        &mut self,
        mut request: Request<Incoming>,
        route: &table::Entry,
        host: HeaderValue,
    ) -> Result<Answer, Refusal> {
        let gateway = self.gateway;
        let max_body_bytes = route.max_body_bytes.unwrap_or(gateway.max_body_bytes);
        let guard = route.slot.acquire(&gateway.load);
        self.in_process = matches!(guard.live(), Live::InProcess(_));
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let rewritten = route.rewritten(target);
        let api = cors::is_api(target) || rewritten.as_deref().is_some_and(cors::is_api);
        if api && (route.base || self.in_process) {
            self.origin = request.headers().get(ORIGIN).cloned();
        }
        if let Some(origin) = &self.origin
            && cors::is_preflight(request.method(), request.headers())
        {
            return Ok((gateway.cors.preflight(request.headers(), origin), Some(guard)));
        }
        if declared_length(request.headers()).is_some_and(|length| length > max_body_bytes) {
            return Err(Refusal::TooLarge(max_body_bytes));
        }
        let upgrade = request::upgrade(&request);
        let upgrading = upgrade.is_some();
        if upgrading
            && let Some(origin) = &self.origin
            && !gateway.cors.trusts(origin, &host)
        {
            request.headers_mut().remove(COOKIE);
        }
        let forward = Forward {
            id: &self.id,
            host: &host,
            peer: &self.peer.text,
            client: self.client,
            https: self.https,
            trusted: self.trusted,
        };
        request::prepare(&mut request, &forward, upgrade);
        request::retarget(&mut request, rewritten)?;
        let (parts, incoming) = request.into_parts();
        let (body, upload) = RequestBody::new(incoming, max_body_bytes);
        let request = Request::from_parts(parts, body);
        match guard.live() {
            Live::Unavailable(why) => {
                Err(Refusal::Unavailable { service: route.slot.name.to_string(), why: why.clone() })
            }
            Live::InProcess(router) => {
                let response = self.call(router.clone(), request, upload, route, max_body_bytes).await?;
                Ok((response, Some(guard)))
            }
            Live::Upstream(pool) => {
                let pool = Arc::clone(pool);
                let answer = self.pass(&pool, request, upload, guard, upgrading).await;
                answer.map_err(|failure| failure.refusal(&route.slot.name, max_body_bytes))
            }
        }
    }

    async fn call(
        &self,
        mut router: axum::Router,
        mut request: Request<RequestBody>,
        upload: Option<Arc<Upload>>,
        route: &table::Entry,
        max_body_bytes: u64,
    ) -> Result<Response<Body>, Refusal> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.client, self.peer.address.port())));
        let call = AssertUnwindSafe(async move { router.call(request).await }).catch_unwind();
        let response = match call.await {
            Ok(Ok(response)) => response.map(Body::local),
            Ok(Err(never)) => match never {},
            Err(_) => return Err(Refusal::Crashed { service: route.slot.name.to_string() }),
        };
        if upload.is_some_and(|upload| upload.too_large.load(std::sync::atomic::Ordering::Acquire)) {
            return Err(Refusal::TooLarge(max_body_bytes));
        }
        Ok(strip(response))
    }

    async fn pass(
        &self,
        pool: &Arc<crate::upstream::Pool>,
        mut request: Request<RequestBody>,
        upload: Option<Arc<Upload>>,
        guard: Guard,
        upgrading: bool,
    ) -> Result<Answer, Failure> {
        *request.version_mut() = Version::HTTP_11;
        if upgrading {
            let (response, guard) = tunnel::open(pool, request, guard, self.gateway.limits.response).await?;
            return Ok((strip(response.map(Body::incoming)), guard));
        }
        let response = pool.send(request, upload.as_deref()).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Broken("it switched protocols without being asked".to_owned()));
        }
        Ok((strip(response.map(Body::upstream)), Some(guard)))
    }

    fn finish(mut self, outcome: Result<Answer, Refusal>, busy: Busy) -> Response<Body> {
        let (mut response, guard) = outcome.unwrap_or_else(|refusal| (refusal.response(&self.id), None));
        let status = response.status();
        self.record.note(|entry| entry.status = status);
        let switching = status == StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.clone());
        let mut endless = switching;
        if !switching {
            let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
            endless = kind.starts_with(b"text/event-stream");
            let page = self.in_process && kind.starts_with(b"text/html");
            self.secure(headers, page);
            if let Some(origin) = &self.origin {
                self.gateway.cors.mark(headers, origin);
            }
            if self.gateway.compression && !self.head {
                response = compress::apply(response, self.accept.as_ref());
            }
        }
        let record = self.record;
        response.map(|body| body.watched(record, guard, busy, endless))
    }

    /// Headers that keep browsers careful; a service's own choice stands.
    fn secure(&self, headers: &mut HeaderMap, page: bool) {
        headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        let referrer = HeaderValue::from_static("strict-origin-when-cross-origin");
        headers.entry(REFERRER_POLICY).or_insert(referrer);
        // Only our own pages: a frontend may be meant to be shown in a frame.
        if page {
            headers.entry(X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("SAMEORIGIN"));
        }
        if self.https && self.gateway.tier == project::Tier::Prod && self.gateway.redirect_port.is_some() {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(year);
        }
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Removes hop-by-hop headers from an answer, except those of an upgrade.
fn strip(mut response: Response<Body>) -> Response<Body> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        request::strip_hop_by_hop(response.headers_mut());
    }
    response
}
