//! The mail of a stack: a catcher that takes every mail of a laptop instead of sending it, an inbox to read them in, and
//! the ways in which mail really leaves (SMTP and the HTTP APIs of providers).
//!
//! It is not: a mail server. What is caught goes nowhere, and nothing here takes mail from other machines.
//!
//! # Tour
//! - [`Options`] → [`Service`] → [`Handle`] → [`Error`]. The [router](Handle::router) has the pages and the REST APIs
//!   in the shapes of Mailpit (v1) and MailHog (v1 and v2), for which clients exist; [`ROUTES`] says what there is.
//! - `smtp` is the listener, `store` keeps the mails in PostgreSQL (schema `mail`), `parse` reads them, `search` are
//!   searches in Mailpit's words, `inbox` the pages, `api` the REST APIs, [`wait`](wait()) waits for a mail.
//! - [`Message`] is a mail to be sent, `compose` turns it into bytes, [`send`] hands it to the catcher or a provider.
//!
//! ```no_run
//! # async fn example(config: tokio_postgres::Config) -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = mail::Options::new(postgres::Pool::new(config, 5));
//! options.smtp = Some(([127, 0, 0, 1], 1025).into());
//! let handle = mail::Service::start(options).await?;
//! let to = vec!["Ann <ann@example.com>".parse()?];
//! let mut message = mail::Message::new("shop@example.com".parse()?, to, "Welcome");
//! message.text = Some("Hello Ann".to_owned());
//! let id = handle.deliver(&message).await?;
//! # Ok(()) }
//! ```

mod access;
mod api;
mod compose;
mod error;
mod inbox;
mod links;
mod listen;
mod mailbox;
mod message;
mod options;
mod parse;
mod search;
pub mod send;
mod service;
mod smtp;
mod store;
mod wait;

pub use api::{Policy, ROUTES, Route};
pub use error::{CODES, Error, NothingCame};
pub use message::{Attachment, Invalid, Mailbox, Message};
pub use options::{Limits, Options};
pub use parse::{People, Person};
pub use service::{DeliverError, Handle, Service};
pub use store::{StoreError, Summary};
pub use wait::{Found, Reader, Wanted, wait};
