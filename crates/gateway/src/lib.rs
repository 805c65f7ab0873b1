//! The front door: routes by host and path, TLS, limits, compression and access log, on hyper and rustls.
//!
//! It is not: a place that knows services. It takes the routes of a plan and, for each service's name, a [`Backend`]:
//! a router in this process, or addresses of another one. What is behind the door may be swapped while it is open.
//!
//! Key types: [`Options`] (what it needs), [`Service`] (listens and runs), [`Handle`] (swaps backends, changes routes,
//! shuts down), [`Certificates`] and [`Authority`] (https, also without the internet), [`trust`] (the system's store).
//!
//! ```
//! # use std::{collections::HashMap, sync::Arc, time::Duration};
//! struct Nothing;
//! impl gateway::AccessLog for Nothing {
//!     fn write(&self, _lines: &[u8]) {}
//! }
//! # impl gateway::StatusSource for Nothing {
//! #     fn status(&self) -> stack::status::StackStatus { unreachable!("nobody asks") }
//! # }
//! # async fn example(plan: stack::Gateway, routes: Vec<stack::Route>) -> Result<(), gateway::Error> {
//! let hello = axum::Router::new().route("/v1/hello", axum::routing::get(|| async { "hello" }));
//! let options = gateway::Options {
//!     plan,
//!     routes,
//!     tier: project::Tier::Dev,
//!     backends: HashMap::from([("hello".to_owned(), gateway::Backend::InProcess(hello))]),
//!     certificates: None,
//!     status: Arc::new(Nothing),
//!     access_log: Arc::new(Nothing),
//!     limits: gateway::Limits::default(),
//!     trusted_proxies: Vec::new(),
//! };
//! let (service, handle) = gateway::Service::bind(options).await?;
//! let running = tokio::spawn(service.run());
//! let drain = handle.swap("hello", gateway::Backend::Upstream(vec![([127, 0, 0, 1], 4000).into()]));
//! let unanswered = drain.wait(Duration::from_secs(10)).await;
//! handle.shutdown(Duration::from_secs(10)).await;
//! # Ok(()) }
//! ```

mod access;
mod answer;
mod authority;
mod body;
mod certificates;
mod compress;
mod connection;
mod cors;
mod dispatch;
mod error;
mod gateway;
mod health;
mod limit;
mod load;
mod options;
mod request;
mod service;
mod table;
pub mod trust;
mod tunnel;
mod upstream;

pub use authority::{Authority, Issued, names};
pub use certificates::{Certificates, Facts};
pub use error::{CODES, Error};
pub use gateway::Handle;
pub use load::Drain;
pub use options::{AccessLog, Backend, Limits, Network, NotANetwork, Options, StatusSource};
pub use service::Service;
