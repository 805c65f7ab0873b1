//! How mail leaves this crate.

use futures::future::BoxFuture;

/// A mail to one person.
#[derive(Clone)]
pub struct Message {
    pub to: String,
    pub subject: String,
    pub html: String,
    /// For readers that show no HTML; made from a template of its own.
    pub text: Option<String>,
    /// As upstream: `X-Email-Template`, `X-Ticket`, `X-Redirect-To`, `X-Link`.
    pub headers: Vec<(&'static str, String)>,
}

// Everything else in a mail may be a secret: the link signs in.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// Why a mail was not accepted. Without the mail's text.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct MailError(pub String);

/// Sends mail. It returns when the mail is accepted by the next hop.
pub trait Mailer: std::fmt::Debug + Send + Sync {
    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>>;
}
