//! New messages as server-sent events, each in MailHog's shape.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::header::HeaderName;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::mailhog;
use crate::mailbox::News;
use crate::service::Shared;

pub(crate) async fn stream(State(shared): State<Arc<Shared>>) -> Response {
    let (events, received) = mpsc::channel(4);
    // Before the answer begins, so that nothing that comes after it is missed.
    let mut news = shared.inbox.follow();
    tokio::spawn(async move {
        let follow = async {
            loop {
                match news.recv().await {
                    Ok(News::New(summary)) => {
                        let Ok(Some(stored)) = shared.inbox.store.get(&summary.id).await else { continue };
                        let data = mailhog::to_json(&stored).to_string();
                        if events.send(Ok::<_, Infallible>(Event::default().data(data))).await.is_err() {
                            return;
                        }
                    }
                    Ok(News::Changed) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        };
        tokio::select! {
            () = follow => {}
            () = events.closed() => {}
            () = shared.stop.cancelled() => {}
        }
    });
    let events = Sse::new(ReceiverStream::new(received)).keep_alive(KeepAlive::default());
    ([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response()
}
