//! Probes of services that run outside this process, as a user of theirs would see them.

use std::sync::Arc;
use std::time::Duration;

use stack::{Probe, Service};

use crate::supervisor::{Check, Red};

/// Bytes of a probe's answer that are read.
const PROBED: u64 = 256 * 1024;

/// The plan's probe of a service, ready to be asked.
pub fn of(service: &Service) -> Check {
    let port = service.ports.first().map(|port| port.number);
    let check = service.probe.clone();
    Arc::new(move || {
        let check = check.clone();
        Box::pin(async move {
            let Some(port) = port else { return Ok(()) };
            let limit = Duration::from_secs(5);
            let probed = match &check {
                Probe::Http { path } => tokio::time::timeout(limit, http_probe(port, path)).await,
                Probe::None | Probe::Builtin => return Ok(()),
                Probe::Postgres | Probe::Tcp => tokio::time::timeout(limit, tcp_probe(port)).await,
            };
            probed.unwrap_or_else(|_| Err("no answer within 5 s".to_owned())).map_err(Red::Now)
        })
    })
}

async fn tcp_probe(port: u16) -> Result<(), String> {
    let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
    connected.map(drop).map_err(|error| format!("port {port}: {error}"))
}

async fn http_probe(port: u16, path: &str) -> Result<(), String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let failed = |error: std::io::Error| format!("port {port}: {error}");
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map_err(failed)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.map_err(failed)?;
    // The rest is read as well: hanging up in the middle would be an error in the service's eyes.
    let mut rest = stream.take(PROBED);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map_err(failed)?;
    match head[9] {
        b'2' | b'3' => Ok(()),
        _ => Err(format!("GET {path} answered {}", String::from_utf8_lossy(&head[9..]))),
    }
}
