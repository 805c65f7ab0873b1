//! What the gateway answers about itself and the stack: `/health`, `/ready`, `/status`, `/health/<service>` and
//! `/ready/<service>` on the base domain.

use std::net::IpAddr;

use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use stack::status::{ServiceStatus, State};

use crate::StatusSource;
use crate::answer::json as answer;
use crate::body::Body;

/// True when the path is one of ours.
pub(crate) fn is_own(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/health").or_else(|| path.strip_prefix("/ready")) else {
        return path == "/status";
    };
    rest.is_empty() || rest.strip_prefix('/').is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// `private` clients (this machine, or anybody outside production) see the whole status, others only whether all is
/// well.
pub(crate) fn respond<B>(request: &Request<B>, source: &dyn StatusSource, private: bool) -> Response<Body> {
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": { "message": "GET only" } }));
        response.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let path = request.uri().path();
    if path == "/health" {
        return answer(StatusCode::OK, &json!({ "status": "ok" }));
    }
    let status = source.status();
    if let Some(name) = path.strip_prefix("/health/").or_else(|| path.strip_prefix("/ready/")) {
        let service = status.services.iter().find(|service| service.name == name);
        return service.map_or_else(|| answer(StatusCode::NOT_FOUND, &json!({ "status": "unknown" })), of_service);
    }
    let healthy = status.healthy();
    if path == "/ready" {
        let waiting: Vec<&str> = if private {
            status.services.iter().filter(|one| !ready(one)).map(|one| one.name.as_str()).collect()
        } else {
            vec![]
        };
        return answer(code(healthy), &json!({ "ready": healthy, "waiting_for": waiting }));
    }
    if !private {
        return answer(StatusCode::OK, &json!({ "timestamp": status.timestamp, "healthy": healthy }));
    }
    let mut value = serde_json::to_value(&status).expect("a status is plain data");
    value["healthy"] = json!(healthy);
    answer(StatusCode::OK, &value)
}

pub(crate) fn is_private(tier: project::Tier, client: IpAddr) -> bool {
    tier != project::Tier::Prod || client.to_canonical().is_loopback()
}

fn ready(service: &ServiceStatus) -> bool {
    matches!(service.state, State::Ready | State::External)
}

fn code(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn of_service(service: &ServiceStatus) -> Response<Body> {
    answer(code(ready(service)), &json!({ "service": service.name, "state": service.state, "since": service.since }))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn own_paths_are_exact() {
        for own in ["/health", "/ready", "/status", "/health/auth", "/ready/postgres"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["/", "/healthz", "/health/", "/health/a/b", "/status/x", "/statuses", "/readyness"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
