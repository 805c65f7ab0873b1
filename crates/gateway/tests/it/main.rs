//! The gateway over real sockets: each test has its own gateway on ports of the system's choice.
#![allow(clippy::unwrap_used)]

mod limits;
mod protocols;
mod routing;
mod shutdown;
mod streaming;
mod support;
mod swap;
mod tls;
mod upstreams;
