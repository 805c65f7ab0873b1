use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::Certificates;

/// All that the gateway needs from outside.
pub struct Options {
    /// Address, ports, limits, rate zones, CORS.
    pub plan: stack::Gateway,
    /// How careful to be: outside dev with a custom certificate plain HTTP is redirected to https, in prod with HSTS, and
    /// there strangers learn from `/status` only whether all is well.
    pub tier: project::Tier,
    pub routes: Vec<stack::Route>,
    /// By service name. A route whose service is missing here answers 503 until [`crate::Handle::swap`] brings one.
    pub backends: HashMap<String, Backend>,
    /// `None`: no https, whatever the plan says.
    pub certificates: Option<Certificates>,
    pub status: Arc<dyn StatusSource>,
    pub access_log: Arc<dyn AccessLog>,
    pub limits: Limits,
    /// Proxies in front of this one, whose `X-Forwarded-*` headers are believed. Normally empty.
    pub trusted_proxies: Vec<Network>,
}

/// Where a service lives.
#[derive(Clone)]
pub enum Backend {
    /// In this process; it gets the request itself, with `ConnectInfo<SocketAddr>` holding the client's address. A
    /// connection that it upgrades is its own from then on: it must end it when it is told to stop.
    InProcess(axum::Router),
    /// HTTP/1.1 at these addresses, taken in turn. The next is tried when one refuses the connection.
    Upstream(Vec<SocketAddr>),
    /// It does not run; why.
    Unavailable(String),
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InProcess(_) => f.write_str("InProcess"),
            Self::Upstream(addresses) => f.debug_tuple("Upstream").field(addresses).finish(),
            Self::Unavailable(why) => f.debug_tuple("Unavailable").field(why).finish(),
        }
    }
}

/// Who knows how the stack is. Asked for every `/ready` and `/status`, so it must answer at once.
pub trait StatusSource: Send + Sync {
    fn status(&self) -> stack::status::StackStatus;
}

/// Where the access log goes.
pub trait AccessLog: Send + Sync {
    /// One or more whole lines, each a [`stack::log::Line`] as JSON and a line feed. Called from one task, a few times
    /// a second at most; it may write to a file but should not block for long.
    fn write(&self, lines: &[u8]);
}

/// Times and sizes that are not settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a connection may stay without a request in progress: the time to send a request's head, and how long
    /// an idle connection is kept. Applied with a tolerance of half as much again.
    pub idle: Duration,
    pub tls_handshake: Duration,
    /// To connect to an upstream.
    pub connect: Duration,
    /// From the last byte of the request until the head of an upstream's answer.
    pub response: Duration,
    /// Open connections of clients; further ones wait in the system's queue.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(20),
            tls_handshake: Duration::from_secs(10),
            connect: Duration::from_secs(3),
            response: Duration::from_secs(60),
            connections: 8192,
        }
    }
}

/// A block of addresses: `10.0.0.0/8`, `::1/128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    /// Leading bits that count.
    pub prefix: u8,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

/// The text was no address, or had a prefix longer than the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network like 10.0.0.0/8")]
pub struct NotANetwork(String);

impl std::str::FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| wrong()))?;
        if prefix > longest { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let ten: Network = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains("10.255.0.1".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()), "an IPv4 address inside IPv6");
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!("::1".parse::<Network>().unwrap().contains("::1".parse().unwrap()));
        assert!(!"::1".parse::<Network>().unwrap().contains("::2".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("ten".parse::<Network>().is_err());
    }
}
