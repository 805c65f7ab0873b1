//! Upgraded connections (WebSocket) to services in other processes: after the 101 the bytes of both sides are copied
//! until one of them ends.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use crate::body::RequestBody;
use crate::load::Guard;
use crate::upstream::{Failure, Pool};

/// Sends the request on a connection of its own. When the service agrees, a task carries the bytes and holds `guard`
/// until the tunnel ends; otherwise the guard comes back with the answer.
pub(crate) async fn open(
    pool: &Pool,
    mut request: Request<RequestBody>,
    mut guard: Guard,
    limit: Duration,
) -> Result<(Response<Incoming>, Option<Guard>), Failure> {
    let client = hyper::upgrade::on(&mut request);
    let (mut sender, driver) = pool.connect().await?;
    tokio::spawn(async move {
        // Its error is the error of the exchange, which is reported there.
        let _ = driver.with_upgrades().await;
    });
    let exchange = tokio::time::timeout(limit, sender.send_request(request)).await;
    let mut response = match exchange {
        Ok(response) => response.map_err(|error| Failure::Broken(error.to_string()))?,
        Err(_) => return Err(Failure::Timeout(limit)),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok((response, Some(guard)));
    }
    let service = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        let ended = guard.endless();
        let carry = async {
            let Ok((client, service)) = tokio::try_join!(client, service) else { return };
            let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
            // How a tunnel breaks is the business of its two ends.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
        };
        tokio::select! {
            () = carry => {}
            () = ended.cancelled() => {}
        }
        drop(guard);
    });
    Ok((response, None))
}
