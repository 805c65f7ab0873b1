//! Users, sessions and tokens: the API that Nhost's client calls `auth`, with the same paths, shapes, codes and tables
//! (schema `auth`).
//!
//! It is not: a place that decides what a user may see (that is GraphQL, from the token's claims), nor one that
//! delivers mail or text messages ([`Mailer`], [`Sms`]).
//!
//! # Tour
//! - [`Options`] → [`Service`] → [`Handle`] → [`Error`]. The handle is the state of every handler.
//! - `api` is HTTP: `api::route` declares each route with its [`Policy`] and rate zone (one table, walked by a test),
//!   `api::body` reads and validates bodies, `api::bearer` says who asks, `api::failure` holds both error shapes and
//!   all codes, `api::caller` the address and browser.
//! - Handlers live by topic: `basics`, `email_password`, `token`, `signout`, `user`, `verify`, `pat`, `sessions`.
//!   A topic has `pub(crate) fn routes() -> Vec<Route>`, listed in `api::all`. Ways of signing in without a password:
//!   `passwordless` (links), `otp_email` and `phone` (both with `codes`), `anonymous`, `webauthn`; the second factor is
//!   `mfa`; mails on request are `password_reset`, `email_change` and `email_verification`. [`Methods`] switches them.
//! - `store` is SQL: statements are constants, prepared once for each connection; `store::users` the rows;
//!   `store::migrate` the schema (`assets/sql/auth/*.sql`, in the order of `MIGRATIONS`).
//! - `accounts` is what several flows share: options of a sign-up, who may sign in, making a user.
//! - `session` makes and rotates sessions; [`keys`] signs and verifies tokens; `tickets` are the one-time secrets of
//!   links; `redirect` says where browsers may be sent; `password` hashes and judges; `limits` counts; `events`
//!   remembers; `emails` writes the mail; `claims` asks for custom claims. [`admin`] is for the command line.
//!
//! ```no_run
//! # async fn example(config: tokio_postgres::Config, mailer: std::sync::Arc<dyn auth::Mailer>) -> Result<(), auth::Error> {
//! let keys = auth::keys::Keys::of_key("HS256", "a secret of at least thirty-two bytes").map_err(auth::Error::Keys)?;
//! let options = auth::Options::new(postgres::Pool::new(config, 10), keys, mailer);
//! let handle = auth::Service::start(options).await?;
//! let _router: axum::Router = handle.router();
//! # Ok(())
//! # }
//! ```

mod accounts;
pub mod admin;
mod anonymous;
mod api;
mod basics;
mod claims;
mod codes;
mod email_change;
mod email_password;
mod email_verification;
pub mod emails;
mod error;
mod events;
mod id_token;
pub mod keys;
pub mod limits;
mod mailer;
mod methods;
mod mfa;
pub mod oauth;
pub mod openid;
mod options;
mod otp_email;
mod outbound;
pub mod password;
mod password_reset;
mod passwordless;
mod pat;
mod phone;
mod pkce;
mod redirect;
mod service;
mod session;
mod sessions;
mod signout;
pub mod sms;
mod store;
mod tickets;
mod token;
mod user;
mod verify;
pub mod webauthn;

pub use api::route::{Declared, Policy};
pub use claims::{ClaimsError, CustomClaims};
pub use error::{CODES, Error};
pub use mailer::{MailError, Mailer, Message};
pub use methods::Methods;
pub use options::{Accounts, ElevatedClaim, Gravatar, Options};
pub use service::{Handle, Service};
pub use sms::{Sms, SmsError};
