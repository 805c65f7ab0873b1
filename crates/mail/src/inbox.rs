//! The pages: the list, kept live by one event stream, and a message with its faces.
//!
//! A mail's HTML is a stranger's page. It is shown in a frame without scripts, without this origin and without the
//! network; see [`HTML_POLICY`].

mod assets;
mod html;
mod view;

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::HeaderName;
use http::{StatusCode, header};
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::api::{Answer, Refusal, find};
use crate::parse;
use crate::search::Filter;
use crate::service::Shared;
use crate::store::Window;

pub(crate) use assets::serve as asset;
pub(crate) use html::{HTML_POLICY, shown as shown_html};
use view::{MailView, PageView, Shown};

type Inbox = State<Arc<Shared>>;

/// Messages of a page.
const PAGE: i64 = 50;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    version: &'static str,
    query: String,
    page: PageView,
}

#[derive(Template)]
#[template(path = "lines.html")]
struct Lines {
    query: String,
    page: PageView,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    version: &'static str,
    mail: MailView,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    query: String,
    #[serde(default)]
    start: i64,
}

pub(crate) async fn list(State(shared): Inbox, Query(wanted): Query<Wanted>) -> Answer<Response> {
    let page = page(&shared, &wanted).await?;
    render(&ListPage { version: &assets::VERSION, query: wanted.query, page })
}

async fn page(shared: &Shared, wanted: &Wanted) -> Answer<PageView> {
    let filter = Filter::parse(&wanted.query);
    let window = Window { start: wanted.start.max(0), limit: PAGE };
    let store = &shared.inbox.store;
    Ok(PageView::new(store.list(&filter, window).await?, store.counts(&filter).await?, window))
}

/// The list again whenever it changes, as events `list`.
pub(crate) async fn live(State(shared): Inbox, Query(wanted): Query<Wanted>) -> Response {
    let (events, received) = mpsc::channel(1);
    let mut news = shared.inbox.follow();
    tokio::spawn(async move {
        let follow = async {
            loop {
                if let Ok(page) = page(&shared, &wanted).await {
                    let lines = Lines { query: wanted.query.clone(), page }.render().unwrap_or_default();
                    if events.send(Ok::<_, Infallible>(Event::default().event("list").data(lines))).await.is_err() {
                        return;
                    }
                }
                if let Err(RecvError::Closed) = news.recv().await {
                    return;
                }
                // A hundred mails at once are one change.
                while news.try_recv().is_ok() {}
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

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Face {
    #[serde(default)]
    face: String,
    #[serde(default)]
    remote: String,
}

pub(crate) async fn message(
    State(shared): Inbox,
    Path(id): Path<String>,
    Query(face): Query<Face>,
) -> Answer<Response> {
    let stored = find(&shared, &id, None).await?;
    shared.inbox.mark(&Filter::ids(vec![stored.summary.id.clone()]), true).await?;
    let mail = MailView::new(&stored, &face.face, face.remote == "1");
    render(&MessagePage { version: &assets::VERSION, mail })
}

/// The HTML, for the frame.
pub(crate) async fn frame(State(shared): Inbox, Path(id): Path<String>, Query(face): Query<Face>) -> Answer<Response> {
    let stored = find(&shared, &id, None).await?;
    let message = parse::parse(&stored.raw).ok_or(Refusal::NotFound)?;
    let policy = if face.remote == "1" { html::REMOTE_POLICY } else { HTML_POLICY };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, shown_html(&parse::content(&message))).into_response())
}

pub(crate) async fn delete_one(State(shared): Inbox, Path(id): Path<String>) -> Answer<Redirect> {
    shared.inbox.delete(&Filter::ids(vec![id])).await?;
    Ok(Redirect::to("/"))
}

pub(crate) async fn delete_all(State(shared): Inbox) -> Answer<Redirect> {
    shared.inbox.delete(&Filter::all()).await?;
    Ok(Redirect::to("/"))
}

fn render(page: &impl Template) -> Answer<Response> {
    match page.render() {
        Ok(html) => Ok(Html(html).into_response()),
        Err(error) => {
            tracing::error!(%error, "a mail page could not be rendered");
            Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}
