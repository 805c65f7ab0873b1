//! Text messages while developing: a mail to a made-up address, which the mail page shows.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Sms, SmsError};
use crate::mailer::{Mailer, Message};

/// Sends text messages as mails to `<number>@sms.localhost`.
#[derive(Debug, Clone)]
pub struct ByMail(pub Arc<dyn Mailer>);

impl Sms for ByMail {
    fn send(&self, to: &str, text: &str) -> BoxFuture<'_, Result<(), SmsError>> {
        let message = Message {
            to: format!("{to}@sms.localhost"),
            subject: format!("Text message to {to}"),
            html: format!("<pre>{}</pre>", crate::emails::escape(text)),
            text: Some(text.to_owned()),
            headers: vec![("X-Sms-To", to.to_owned())],
        };
        Box::pin(async move { self.0.send(message).await.map_err(|error| SmsError(error.0)) })
    }
}
