//! A GraphQL API over PostgreSQL in Hasura v2's shape: the same names, the same answers, the same errors. Each request
//! is compiled to one prepared statement whose result is the response's JSON.
//!
//! It is not: a general GraphQL server (there are no resolvers), nor a place that decides who somebody is beyond what
//! a secret, a token or a hook says ([`access`]).
//!
//! The database's catalog and Hasura's metadata make a [`model`]; the [`schema`] is that model as one role sees it. A
//! request goes through [`parse`] (text to syntax tree), [`validate`] (fragments, conditions, merging), [`plan`] (names
//! against the schema, the role's conditions put in), [`sql`] (one statement) and [`execute`]. What was compiled once
//! is kept and used for every request of the role with the same text and variables of the same shape
//! ([`value::Touch`]). Around that stand [`api`] (metadata and its store), [`live`] (subscriptions), [`events`]
//! (triggers and schedules), [`action`] and [`foreign`] (other services), [`rest`] and [`metrics`].
//! docs/concept/graphql.md tells the ideas.
//!
//! Key types: [`Options`] → [`Service`] → [`Handle`] → [`Error`]; [`Failure`] is what a client sees.
//!
//! ```no_run
//! # async fn example(config: tokio_postgres::Config) -> Result<(), graphql::Error> {
//! let options = graphql::Options::new(postgres::Pool::new(config, 10));
//! let handle = graphql::Service::start(options).await?;
//! let body = handle.execute(&graphql::Session::admin(), &graphql::Request::new("{ users { name } }")).await;
//! assert!(body.is_ok_and(|body| body.starts_with(b"{\"data\":")));
//! let _router: axum::Router = handle.router();
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod action;
mod allowlist;
pub mod api;
mod body;
mod cache;
mod checks;
mod deploy;
mod dump;
mod error;
pub mod events;
pub mod execute;
mod failure;
mod footprint;
pub mod foreign;
mod http;
mod inside;
mod introspection;
pub mod legacy;
mod limits;
pub mod live;
pub mod metrics;
pub mod model;
mod options;
pub mod outbound;
pub mod parse;
pub mod plan;
pub mod rest;
pub mod schema;
mod service;
pub mod session;
pub mod sql;
mod store;
pub mod transform;
pub mod validate;
pub mod value;
pub mod vetting;

pub use deploy::{Deployed, deploy};
pub use error::{CODES, Error};
pub use failure::{Code, Failure, Path};
pub use http::Apis;
pub use inside::Refused;
pub use options::Options;
pub use service::{Handle, Request, Service};
pub use session::Session;
