//! How text messages leave this crate.

mod by_mail;
mod twilio;

pub use by_mail::ByMail;
pub use twilio::Twilio;

use futures::future::BoxFuture;

/// Why a text message was not accepted. Without its text.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SmsError(pub String);

/// Sends text messages.
pub trait Sms: std::fmt::Debug + Send + Sync {
    /// `to` is a number as E.164 writes it.
    fn send(&self, to: &str, text: &str) -> BoxFuture<'_, Result<(), SmsError>>;
}
