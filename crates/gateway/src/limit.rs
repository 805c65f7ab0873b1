//! Rates per zone, by the generic cell rate algorithm (a token bucket that stores one time stamp a client): a client
//! may send `1 + burst` requests at once, and earns one more every `per_seconds / requests`. These are the semantics
//! of nginx's `limit_req` with `nodelay`, which the Bash nself used.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Clients remembered in one shard; beyond it, strangers share one bucket until others have expired.
const SHARD: usize = 4096;
const SHARDS: usize = 16;
const STRANGERS: u64 = 0;

pub(crate) struct Zone {
    /// Nanoseconds that one request costs.
    cost: u64,
    /// Nanoseconds that a client may be ahead.
    ahead: u64,
    by_token: bool,
    epoch: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// Hash of the client → when its bucket is empty again, nanoseconds since the epoch.
    empty_at: HashMap<u64, u64>,
    swept_at: u64,
}

impl Zone {
    /// The zone `user` counts each bearer token besides each address.
    pub(crate) fn new(name: &str, rate: stack::Rate) -> Self {
        let cost = u64::from(rate.per_seconds.max(1)) * 1_000_000_000 / u64::from(rate.requests.max(1));
        Self {
            cost,
            ahead: cost * u64::from(rate.burst),
            by_token: name == "user",
            epoch: Instant::now(),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes one request of this client; `Err` holds the seconds to wait.
    pub(crate) fn take(&self, client: IpAddr, token: Option<&[u8]>) -> Result<(), u64> {
        let now = self.epoch.elapsed().as_nanos() as u64;
        self.take_at(self.hasher.hash_one(network(client)), now)?;
        match token {
            Some(token) if self.by_token => self.take_at(self.hasher.hash_one(token), now),
            _ => Ok(()),
        }
    }

    fn take_at(&self, client: u64, now: u64) -> Result<(), u64> {
        let shard = &self.shards[client as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let key = shard.room(client, now);
        let empty_at = shard.empty_at.entry(key).or_insert(now);
        let start = (*empty_at).max(now);
        let wait = (start - now).saturating_sub(self.ahead);
        if wait > 0 {
            return Err(wait.div_ceil(1_000_000_000));
        }
        *empty_at = start + self.cost;
        Ok(())
    }
}

impl Shard {
    /// The key to count under: the client's own while there is room. A full shard is swept at most once a second, so
    /// a flood of addresses costs neither memory nor time.
    fn room(&mut self, client: u64, now: u64) -> u64 {
        if self.empty_at.len() < SHARD || self.empty_at.contains_key(&client) {
            return client;
        }
        if now.saturating_sub(self.swept_at) > 1_000_000_000 {
            self.swept_at = now;
            self.empty_at.retain(|_, empty_at| *empty_at > now);
        }
        if self.empty_at.len() < SHARD { client } else { STRANGERS }
    }
}

/// An IPv6 client owns a whole /64, so that is what counts.
fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn zone(requests: u32, per_seconds: u32, burst: u32) -> Zone {
        Zone::new("general", stack::Rate { requests, per_seconds, burst })
    }

    #[test]
    fn burst_then_steady_rate() {
        let zone = zone(10, 1, 4);
        let at_once = (0..20).filter(|_| zone.take_at(7, 0).is_ok()).count();
        assert_eq!(at_once, 5);
        assert_eq!(zone.take_at(7, 0), Err(1));
        assert_eq!(zone.take_at(7, SECOND / 10), Ok(()));
        assert_eq!(zone.take_at(7, SECOND / 10), Err(1));
        assert_eq!(zone.take_at(8, 0), Ok(()), "another client has its own bucket");
        let later = (0..20).filter(|_| zone.take_at(7, 100 * SECOND).is_ok()).count();
        assert_eq!(later, 5, "rest never earns more than the burst");
    }

    #[test]
    fn the_wait_is_the_time_to_the_next_token() {
        let zone = zone(5, 60, 0);
        assert_eq!(zone.take_at(1, 0), Ok(()));
        assert_eq!(zone.take_at(1, 0), Err(12));
        assert_eq!(zone.take_at(1, 5 * SECOND), Err(7));
        assert_eq!(zone.take_at(1, 12 * SECOND), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_known_clients_keep_their_bucket() {
        let zone = zone(1, 1000, 0);
        assert_eq!(zone.take_at(16, 0), Ok(()));
        for client in 2..=(SHARD as u64 * 3) {
            let _ = zone.take_at(client * SHARDS as u64, 0);
        }
        let shard = zone.shards[0].lock().unwrap_or_else(PoisonError::into_inner);
        assert!(shard.empty_at.len() <= SHARD + 1, "{}", shard.empty_at.len());
        drop(shard);
        assert!(zone.take_at(16, 0).is_err(), "the first client is still counted");
        assert_eq!(zone.take_at(16 * 99_999_999, 2000 * SECOND), Ok(()), "expired clients make room");
    }

    #[test]
    fn tokens_count_in_the_zone_user_only() {
        let rate = stack::Rate { requests: 1, per_seconds: 1000, burst: 0 };
        let user = Zone::new("user", rate);
        let address = |last| IpAddr::from([10, 0, 0, last]);
        assert_eq!(user.take(address(1), Some(b"Bearer a")), Ok(()));
        assert!(user.take(address(2), Some(b"Bearer a")).is_err());
        let general = Zone::new("general", rate);
        assert_eq!(general.take(address(1), Some(b"Bearer a")), Ok(()));
        assert_eq!(general.take(address(2), Some(b"Bearer a")), Ok(()));
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let zone = zone(1, 1000, 0);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(zone.take(address("2001:db8::1"), None), Ok(()));
        assert!(zone.take(address("2001:db8::2"), None).is_err());
        assert_eq!(zone.take(address("2001:db8:0:1::1"), None), Ok(()));
    }
}
