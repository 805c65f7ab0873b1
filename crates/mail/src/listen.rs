//! Listeners on this machine only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// The address, and for 127.0.0.1 also ::1, which `localhost` means to some programs.
pub(crate) async fn bind(address: Option<SocketAddr>, setting: &'static str) -> Result<Vec<TcpListener>, Error> {
    let Some(address) = address else { return Ok(Vec::new()) };
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback { address, setting });
    }
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, setting, source })?;
    let mut listeners = Vec::with_capacity(2);
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
        && let Ok(own) = listener.local_addr()
    {
        // A machine without IPv6 has no such address.
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, own.port())).await.ok());
    }
    listeners.push(listener);
    Ok(listeners)
}

/// Serves pages and APIs without the front door. Only to who asks for this machine by its name: a web site whose name
/// suddenly means 127.0.0.1 must not read the mails (DNS rebinding).
pub(crate) async fn serve(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    let router = router.layer(from_fn(own_host));
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the mail page's own port is no longer served");
    }
}

async fn own_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_this_machine(host) {
        next.run(request).await
    } else {
        let words = "This port answers for localhost only. The front door has the page under mail.<your domain>.\n";
        (StatusCode::MISDIRECTED_REQUEST, words).into_response()
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    // `mailpit` is the name inside a container network.
    let known = ["localhost", "mailpit"].iter().any(|known| name.eq_ignore_ascii_case(known));
    known || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine() {
        for host in ["localhost:8025", "127.0.0.1:8025", "[::1]:8025", "LOCALHOST", "mailpit:8025", "127.0.0.2"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8025", "localhost.evil.example", "[evil", "0.0.0.0", "10.0.0.1:1"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
