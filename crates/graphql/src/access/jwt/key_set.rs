//! Keys from a URL: fetched at the first token, kept as long as the server says, fetched anew for a key not seen yet.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::header::{CACHE_CONTROL, EXPIRES, HeaderName};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

use super::super::cache_control::{Keep, keep};
use super::Key;
use crate::outbound::{Call, Client};

/// Keys that say nothing about their age are asked for again only when a token names one that is not there.
const UNSAID: Option<Duration> = None;
/// Even where nothing may be kept, keys are not fetched for every request.
const SHORTEST: Duration = Duration::from_secs(1);
/// Pause after a fetch that failed; meanwhile the old keys count.
const RETRY: Duration = Duration::from_secs(60);
/// Pause between fetches for unknown keys, which anybody can name.
const UNKNOWN: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: usize = 1 << 20;

/// The keys behind a URL.
#[derive(Debug)]
pub(super) struct KeySet {
    url: String,
    client: Client,
    kept: RwLock<Option<Kept>>,
    /// Held while fetching, so that a hundred requests make one fetch.
    fetching: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Kept {
    keys: Arc<[Key]>,
    fetched: Instant,
    until: Option<Instant>,
}

/// There are no keys and none could be fetched.
#[derive(Debug)]
pub(super) struct Unreachable;

impl KeySet {
    pub fn new(url: String, client: Client) -> Self {
        Self { url, client, kept: RwLock::new(None), fetching: Mutex::new(()) }
    }

    /// The keys, fetched when they are too old or do not hold the named one.
    pub async fn keys(&self, id: Option<&str>) -> Result<Arc<[Key]>, Unreachable> {
        if let Some(kept) = self.fresh(id) {
            return Ok(kept);
        }
        let _held = self.fetching.lock().await;
        // Whoever held it before may have fetched them.
        if let Some(kept) = self.fresh(id) {
            return Ok(kept);
        }
        let now = Instant::now();
        let kept = match (self.fetch().await, self.kept()) {
            (Ok((keys, time)), _) => Kept { keys, fetched: now, until: time.map(|time| now + time.max(SHORTEST)) },
            (Err(why), old) => {
                tracing::error!(why, "the key set of tokens cannot be fetched");
                match old {
                    Some(old) => Kept { fetched: now, until: Some(now + RETRY), ..old },
                    None => return Err(Unreachable),
                }
            }
        };
        let keys = kept.keys.clone();
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(keys)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self, id: Option<&str>) -> Option<Arc<[Key]>> {
        let kept = self.kept()?;
        let now = Instant::now();
        let in_time = kept.until.is_none_or(|until| now < until);
        let known = id.is_none_or(|id| kept.keys.iter().any(|key| key.id.as_deref().is_none_or(|own| own == id)));
        let asked_lately = now.duration_since(kept.fetched) < UNKNOWN;
        (in_time && (known || asked_lately)).then_some(kept.keys)
    }

    async fn fetch(&self) -> Result<(Arc<[Key]>, Option<Duration>), String> {
        let mut call = Call::get(&*self.url, TIMEOUT);
        call.response_limit = ANSWER_LIMIT;
        let reply = self.client.send(&call).await.map_err(|error| error.to_string())?;
        if !reply.status.is_success() {
            return Err(format!("the server answers {}", reply.status.as_u16()));
        }
        let keys = read(&reply.body).ok_or("the answer is no key set")?;
        let header = |name: HeaderName| reply.headers.get(name).and_then(|value| value.to_str().ok());
        let time = match keep(header(CACHE_CONTROL), header(EXPIRES), Timestamp::now()) {
            Keep::For(time) => Some(time),
            Keep::Unsaid => UNSAID,
        };
        tracing::info!(keys = keys.len(), "the key set of tokens is fetched");
        Ok((keys, time))
    }
}

/// The keys that can be used; unknown kinds are left out, as the standard wants.
fn read(body: &[u8]) -> Option<Arc<[Key]>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let keys = body.get("keys")?.as_array()?;
    Some(keys.iter().filter_map(Key::of_jwk).collect())
}
