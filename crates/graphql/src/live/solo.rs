//! A subscription that not PostgreSQL alone answers (the outcome of an asynchronous action): asked for again and again,
//! for itself, until it is known.

use std::hash::BuildHasher;
use std::sync::Arc;

use bytes::Bytes;

use super::Subscribed;
use crate::Handle;
use crate::foreign::run::Asking;

/// Asks until nobody wants to know any more, nothing can change, or the engine stops.
pub(super) async fn poll(handle: Handle, subscribed: Arc<Subscribed>) {
    let live = handle.live().clone();
    let mut last = None;
    while !subscribed.is_dropped() {
        let (session, request) = (&subscribed.session, &subscribed.request);
        let compiled = match handle.compiled(session, request).await {
            Ok(compiled) => compiled,
            // The role may no longer ask.
            Err(failure) => return subscribed.sink.end(failure),
        };
        // Asked first, so that what was final before is so in the answer.
        let last_time = Asking { handle: &handle, session, request }.is_final(&compiled.0).await;
        let answer = handle.run(session, request, &compiled.0, &compiled.1).await;
        let body: Bytes = answer.unwrap_or_else(|failure| failure.to_body(live.dev_mode).into());
        let hash = live.hasher.hash_one(&body);
        if last != Some(hash) {
            last = Some(hash);
            subscribed.sink.send(body);
        }
        if last_time {
            return;
        }
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = subscribed.gone() => return,
            () = tokio::time::sleep(live.options.refetch) => {}
        }
    }
}
