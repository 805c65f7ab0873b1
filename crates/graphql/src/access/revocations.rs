//! Tokens that do not count any more although they have not expired: their session has ended, or their user may not come
//! in.
//!
//! It is not: who decides that. Whoever knows ([`Revocations::revoke`]) tells; a request only looks into a table in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::session::Session;

/// What has ended. Shared by whoever tells and whoever asks.
#[derive(Debug)]
pub struct Revocations {
    ended: RwLock<Ended>,
    changes: watch::Sender<u64>,
    /// So long are they remembered: at least as long as tokens live.
    keep: Duration,
}

#[derive(Debug, Default)]
struct Ended {
    /// Ids of sessions and of users, and when they ended last.
    ids: HashMap<Box<str>, Instant>,
    /// In the order of their ends; what has ended again stands here twice.
    order: VecDeque<(Instant, Box<str>)>,
}

/// Whose a token is, as far as it can be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its claim `sid`.
    session: Option<Box<str>>,
    /// Its `x-hasura-user-id`.
    user: Option<Box<str>>,
}

impl Token {
    /// Of a verified token.
    pub(super) fn of(claims: &Map<String, Value>, session: &Session) -> Self {
        Self {
            session: claims.get("sid").and_then(Value::as_str).map(Into::into),
            user: session.variable("x-hasura-user-id").map(Into::into),
        }
    }
}

impl Revocations {
    /// None; `keep` is how long access tokens live at most.
    pub fn new(keep: Duration) -> Self {
        Self { ended: RwLock::default(), changes: watch::channel(0).0, keep }
    }

    /// How long is remembered what has ended.
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// These and no others have ended.
    pub fn replace(&self, ids: impl IntoIterator<Item = String>) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        *ended = Ended::default();
        ended.add(ids, self.keep);
        drop(ended);
        self.changed();
    }

    /// The tokens of these sessions or users, by their ids as tokens say them, are refused from now on.
    pub fn revoke(&self, ids: impl IntoIterator<Item = String>) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).add(ids, self.keep);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// They count again, as those of a user do who was disabled by mistake.
    pub fn reinstate(&self, id: &str) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.ids.remove(id.to_ascii_lowercase().as_str());
    }

    pub fn is_revoked(&self, token: &Token) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        let has = |id: &Option<Box<str>>| id.as_ref().is_some_and(|id| ended.ids.contains_key(id));
        !ended.ids.is_empty() && (has(&token.session) || has(&token.user))
    }

    /// Until a token is revoked.
    pub(crate) async fn revoked(&self, token: &Token) {
        let mut changes = self.changes.subscribe();
        while !self.is_revoked(token) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Ended {
    fn add(&mut self, ids: impl IntoIterator<Item = String>, keep: Duration) {
        let now = Instant::now();
        for id in ids {
            let id: Box<str> = id.to_ascii_lowercase().into();
            self.order.push_back((now, id.clone()));
            self.ids.insert(id, now);
        }
        self.forget(now, keep);
    }

    fn forget(&mut self, now: Instant, keep: Duration) {
        while let Some((at, _)) = self.order.front()
            && now.duration_since(*at) > keep
            && let Some((at, id)) = self.order.pop_front()
        {
            // Not when it has ended again since.
            if self.ids.get(&id) == Some(&at) {
                self.ids.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(session: &str, user: &str) -> Token {
        let claims = json!({ "sid": session });
        Token::of(claims.as_object().unwrap_or(&Map::new()), &Session::role("user").with("x-hasura-user-id", user))
    }

    #[test]
    fn sessions_and_users_end() {
        let revocations = Revocations::new(Duration::from_secs(900));
        let (mine, other, yours) = (token("s1", "me"), token("s2", "me"), token("s3", "you"));
        assert!(!revocations.is_revoked(&mine));
        revocations.revoke(["S1".to_owned()]);
        assert!(revocations.is_revoked(&mine) && !revocations.is_revoked(&other));
        revocations.revoke(["me".to_owned()]);
        assert!(revocations.is_revoked(&other) && !revocations.is_revoked(&yours));
        revocations.reinstate("me");
        assert!(revocations.is_revoked(&mine) && !revocations.is_revoked(&other));
        revocations.replace(["s3".to_owned()]);
        assert!(!revocations.is_revoked(&mine) && revocations.is_revoked(&yours));
    }

    #[test]
    fn what_has_expired_anyway_is_forgotten() {
        let revocations = Revocations::new(Duration::ZERO);
        revocations.revoke(["s1".to_owned()]);
        std::thread::sleep(Duration::from_millis(2));
        revocations.revoke(["s2".to_owned()]);
        assert!(!revocations.is_revoked(&token("s1", "me")) && revocations.is_revoked(&token("s2", "me")));
    }
}
