//! Who may come in: one-time links and the sessions made from them. Both live in memory, as SHA-256 of what the
//! browser holds, and both end with the server.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) const LINK_LIFE: Duration = Duration::from_mins(5);
pub(crate) const SESSION_LIFE: Duration = Duration::from_hours(12);
/// Enough for every browser of one team; beyond it the oldest gives way, so that memory stays bounded.
const MOST_LINKS: usize = 16;
const MOST_SESSIONS: usize = 64;

type Hash = [u8; 32];

#[derive(Default)]
pub(crate) struct Access(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    links: HashMap<Hash, Instant>,
    sessions: HashMap<Hash, Session>,
    closed: bool,
}

struct Session {
    expires: Instant,
    /// Dropped with the session, which wakes every stream that was opened with it.
    alive: watch::Sender<()>,
}

/// Proof of a session, handed to the handlers behind it.
#[derive(Clone)]
pub(crate) struct Pass {
    expires: Instant,
    alive: watch::Receiver<()>,
}

impl Pass {
    /// Comes back when the session is over: signed out, expired, or the console closed.
    pub(crate) async fn over(&mut self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.expires) => {}
            _ = self.alive.changed() => {}
        }
    }
}

impl Access {
    /// Makes a one-time token.
    pub(crate) fn issue(&self) -> String {
        let token = random_token();
        let mut kept = self.kept();
        while kept.links.len() >= MOST_LINKS {
            let oldest = kept.links.iter().min_by_key(|(_, expires)| **expires).map(|(hash, _)| *hash);
            oldest.map(|hash| kept.links.remove(&hash));
        }
        kept.links.insert(hash(&token), Instant::now() + LINK_LIFE);
        token
    }

    /// Trades a one-time token for a session; the value of its cookie comes back. A token is good once.
    pub(crate) fn enter(&self, token: &str) -> Option<String> {
        let mut kept = self.kept();
        let live = kept.links.remove(&hash(token)).is_some();
        if !live || kept.closed {
            return None;
        }
        while kept.sessions.len() >= MOST_SESSIONS {
            let oldest = kept.sessions.iter().min_by_key(|(_, session)| session.expires).map(|(hash, _)| *hash);
            oldest.map(|hash| kept.sessions.remove(&hash));
        }
        let cookie = random_token();
        let session = Session { expires: Instant::now() + SESSION_LIFE, alive: watch::Sender::new(()) };
        kept.sessions.insert(hash(&cookie), session);
        Some(cookie)
    }

    pub(crate) fn check(&self, cookie: &str) -> Option<Pass> {
        let kept = self.kept();
        let session = kept.sessions.get(&hash(cookie))?;
        Some(Pass { expires: session.expires, alive: session.alive.subscribe() })
    }

    pub(crate) fn leave(&self, cookie: &str) {
        self.kept().sessions.remove(&hash(cookie));
    }

    pub(crate) fn close(&self) {
        let mut kept = self.kept();
        kept.closed = true;
        kept.links.clear();
        kept.sessions.clear();
    }

    /// What is still valid. Nothing here can be left half-changed by a panic, so a poisoned lock is usable.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.links.retain(|_, expires| *expires > now);
        kept.sessions.retain(|_, session| session.expires > now);
        kept
    }
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// 256 random bits as hexadecimal digits.
fn random_token() -> String {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system's random source never fails once it is up");
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_hashes_are_kept() {
        let access = Access::default();
        let token = access.issue();
        let cookie = access.enter(&token).unwrap();
        let kept = access.kept();
        assert!(kept.links.is_empty());
        assert_eq!(kept.sessions.keys().collect::<Vec<_>>(), [&hash(&cookie)]);
    }

    #[test]
    fn many_links_and_sessions_push_out_the_oldest() {
        let access = Access::default();
        let first = access.issue();
        for _ in 0..MOST_LINKS {
            access.issue();
        }
        assert!(access.enter(&first).is_none());
        let cookies: Vec<_> = (0..=MOST_SESSIONS).map(|_| access.enter(&access.issue()).unwrap()).collect();
        assert!(access.check(&cookies[0]).is_none());
        assert!(access.check(&cookies[MOST_SESSIONS]).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn links_and_sessions_end_with_time() {
        let access = Access::default();
        let late = access.issue();
        let early = access.issue();
        tokio::time::advance(LINK_LIFE - Duration::from_secs(1)).await;
        let cookie = access.enter(&early).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(access.enter(&late).is_none());

        let mut pass = access.check(&cookie).unwrap();
        pass.over().await;
        assert!(access.check(&cookie).is_none());
    }
}
