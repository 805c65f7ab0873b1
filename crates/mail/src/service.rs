//! Starting, and what is handed out then.

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::mailbox::Inbox;
use crate::message::{Invalid, Message};
use crate::options::Options;
use crate::store::{Incoming, Store, StoreError};
use crate::{Error, api, compose, listen, smtp};

#[derive(Debug)]
pub struct Service;

/// A running catcher. Clones share it; it runs until [`Handle::shutdown`].
#[derive(Debug, Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub inbox: Arc<Inbox>,
    pub access: Access,
    pub limits: crate::Limits,
    pub stop: CancellationToken,
}

/// Why a mail was not caught.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    #[error("{0}")]
    Invalid(#[from] Invalid),
    #[error("the mail catcher cannot keep it: {}", .0.reason())]
    Store(#[from] StoreError),
}

impl Service {
    /// Makes the tables and begins to listen.
    ///
    /// # Errors
    /// PostgreSQL cannot be reached, an address is taken or not of this machine.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let store = Store::open(options.pool.clone(), options.keep).await?;
        let inbox = Arc::new(Inbox::new(store));
        let stop = CancellationToken::new();
        let handle = Handle(Arc::new(Shared {
            inbox: Arc::clone(&inbox),
            access: Access::new(options.password.clone()),
            limits: options.limits.clone(),
            stop: stop.clone(),
        }));
        // All or nothing: both are bound before either is served.
        let smtp = listen::bind(options.smtp, "MAILPIT_SMTP_PORT").await?;
        let http = listen::bind(options.http, "MAILPIT_UI_PORT").await?;
        let sink = Arc::new(smtp::Sink::new(inbox, options.limits, options.accept_any_auth));
        for listener in smtp {
            tokio::spawn(Arc::clone(&sink).serve(listener, stop.clone()));
        }
        for listener in http {
            tokio::spawn(listen::serve(listener, handle.router(), stop.clone()));
        }
        Ok(handle)
    }
}

impl Handle {
    /// Pages and APIs; see [`crate::ROUTES`].
    pub fn router(&self) -> axum::Router {
        api::router(Arc::clone(&self.0))
    }

    /// Keeps a mail as if it had been sent; its id comes back.
    ///
    /// # Errors
    /// The mail is not valid, or PostgreSQL does not keep it.
    pub async fn deliver(&self, message: &Message) -> Result<String, DeliverError> {
        let composed = compose::compose(message)?;
        let mail = Incoming {
            helo: "localhost".to_owned(),
            username: String::new(),
            from: message.from.address().to_owned(),
            to: message.recipients().map(|mailbox| mailbox.address().to_owned()).collect(),
            raw: Bytes::from(composed.formatted()),
        };
        Ok(self.0.inbox.accept(&mail).await?)
    }

    /// Stops listening and ends connections and event streams. What was accepted is kept.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
    }
}
