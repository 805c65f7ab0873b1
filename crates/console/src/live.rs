//! The one event stream of a tab: rendered fragments of whatever changed.
//!
//! Events: `services` and `urls` (a fragment that replaces the old one), `tail` (the newest log lines, replacing what
//! is shown), `lines` (more log lines), `over` (the session ended).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::header::HeaderName;
use jiff::Timestamp;
use serde::Deserialize;
use stack::log::{Level, Line};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_stream::wrappers::ReceiverStream;

use crate::access::Pass;
use crate::line::LineView;
use crate::view::{StackView, UrlGroup};
use crate::{Shared, Stack};

/// Lines shown at first, and the most that one event carries; the page keeps twice as many.
const TAIL: usize = 500;
/// Lines that come within this time travel together, so that a noisy service costs ten updates a second.
const GATHER: Duration = Duration::from_millis(100);
/// Figures that change without a change of state, such as memory, are looked at this often.
const REFRESH: Duration = Duration::from_secs(5);

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filter {
    /// Empty or absent: all.
    #[serde(default)]
    service: String,
    level: Option<Level>,
}

impl Filter {
    fn service(&self) -> Option<&str> {
        (!self.service.is_empty()).then_some(self.service.as_str())
    }

    fn admits(&self, line: &Line) -> bool {
        self.level.is_none_or(|level| line.level >= level) && self.service().is_none_or(|name| name == line.service)
    }
}

#[derive(Template)]
#[template(path = "services.html")]
struct ServicesFragment {
    stack: StackView,
}

#[derive(Template)]
#[template(path = "urls.html")]
struct UrlsFragment {
    urls: Vec<UrlGroup>,
}

#[derive(Template)]
#[template(path = "lines.html")]
struct LinesFragment {
    skipped: u64,
    lines: Vec<LineView>,
}

pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(pass): Extension<Pass>,
    Query(filter): Query<Filter>,
) -> Response {
    let (events, received) = mpsc::channel(4);
    let feed = Feed { stack: Arc::clone(&shared.stack), filter, events, sent: [None, None] };
    tokio::spawn(feed.run(pass));
    let events = Sse::new(ReceiverStream::new(received)).keep_alive(KeepAlive::default());
    ([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response()
}

struct Feed {
    stack: Arc<dyn Stack>,
    filter: Filter,
    events: mpsc::Sender<Result<Event, Infallible>>,
    /// The fragments last sent, so that only changes travel.
    sent: [Option<String>; 2],
}

/// The browser went away.
struct Gone;

impl Feed {
    /// Sends until the browser goes away or the session is over.
    async fn run(mut self, mut pass: Pass) {
        let events = self.events.clone();
        tokio::select! {
            _ = self.follow() => {}
            () = events.closed() => {}
            () = pass.over() => {
                // If the browser is gone too, there is nobody to tell.
                let _ = events.send(Ok(Event::default().event("over").data("over"))).await;
            }
        }
    }

    async fn follow(&mut self) -> Result<(), Gone> {
        let mut changes = self.stack.changes();
        let mut lines = self.stack.follow();
        let mut pending = Pending::default();
        let (mut watching, mut following) = (true, true);
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);

        self.status().await?;
        let shown = self.tail().await?;
        loop {
            tokio::select! {
                changed = changes.changed(), if watching => {
                    watching = changed.is_ok();
                    self.status().await?;
                }
                _ = refresh.tick() => self.status().await?,
                line = lines.recv(), if following => match line {
                    Ok(line) if self.filter.admits(&line) && !shown.has(&line) => pending.push(line),
                    Ok(_) => {}
                    Err(RecvError::Lagged(skipped)) => pending.skip(skipped),
                    Err(RecvError::Closed) => following = false,
                },
                () = sleep_until(pending.due), if !pending.is_empty() => {
                    let lines = pending.take();
                    self.send("lines", &lines).await?;
                }
            }
        }
    }

    async fn status(&mut self) -> Result<(), Gone> {
        let services = ServicesFragment { stack: StackView::new(self.stack.status()) };
        self.send_changed(0, "services", &services).await?;
        let urls = UrlsFragment { urls: UrlGroup::all(self.stack.urls()) };
        self.send_changed(1, "urls", &urls).await
    }

    /// Sends the newest lines; they come back for [`Shown::has`]. Following has begun before, so none is missed.
    async fn tail(&mut self) -> Result<Shown, Gone> {
        let stack = Arc::clone(&self.stack);
        let service = self.filter.service().map(str::to_owned);
        // Reads files.
        let lines = tokio::task::spawn_blocking(move || stack.tail(service.as_deref(), TAIL)).await;
        let mut lines = lines.unwrap_or_else(|error| {
            tracing::error!(%error, "the newest log lines could not be read for the console");
            Vec::new()
        });
        lines.retain(|line| self.filter.admits(line));
        let fragment = LinesFragment { skipped: 0, lines: lines.iter().map(LineView::new).collect() };
        self.send("tail", &fragment).await?;
        Ok(Shown { until: lines.iter().map(|line| line.ts).max(), lines })
    }

    async fn send_changed(&mut self, slot: usize, name: &str, fragment: &impl Template) -> Result<(), Gone> {
        let html = render(fragment);
        if self.sent[slot].as_ref() == Some(&html) {
            return Ok(());
        }
        let sent = self.emit(name, &html).await;
        self.sent[slot] = Some(html);
        sent
    }

    async fn send(&self, name: &str, fragment: &impl Template) -> Result<(), Gone> {
        self.emit(name, &render(fragment)).await
    }

    async fn emit(&self, name: &str, html: &str) -> Result<(), Gone> {
        self.events.send(Ok(Event::default().event(name).data(html))).await.map_err(|_| Gone)
    }
}

fn render(fragment: &impl Template) -> String {
    fragment.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a console fragment could not be rendered");
        String::new()
    })
}

/// The lines of the tail, which may come again through the subscription that began before it was read.
struct Shown {
    until: Option<Timestamp>,
    lines: Vec<Line>,
}

impl Shown {
    fn has(&self, line: &Line) -> bool {
        self.until.is_some_and(|until| line.ts <= until) && self.lines.contains(line)
    }
}

/// Lines that wait to travel together.
struct Pending {
    due: Instant,
    skipped: u64,
    lines: VecDeque<Line>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { due: Instant::now(), skipped: 0, lines: VecDeque::new() }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.skipped == 0 && self.lines.is_empty()
    }

    fn push(&mut self, line: Line) {
        self.begin();
        if self.lines.len() == TAIL {
            self.lines.pop_front();
            self.skipped += 1;
        }
        self.lines.push_back(line);
    }

    fn skip(&mut self, lines: u64) {
        self.begin();
        // What was gathered is older than what was lost: it goes too, so that the gap is shown where it is.
        self.skipped += lines + self.lines.len() as u64;
        self.lines.clear();
    }

    fn begin(&mut self) {
        if self.is_empty() {
            self.due = Instant::now() + GATHER;
        }
    }

    fn take(&mut self) -> LinesFragment {
        let lines = self.lines.drain(..).map(|line| LineView::new(&line)).collect();
        LinesFragment { skipped: std::mem::take(&mut self.skipped), lines }
    }
}
