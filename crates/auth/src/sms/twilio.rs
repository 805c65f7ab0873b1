//! Twilio's API for messages (`POST /2010-04-01/Accounts/{sid}/Messages.json`).

use std::time::Duration;

use futures::future::BoxFuture;
use project::Secret;

use super::{Sms, SmsError};

const BASE: &str = "https://api.twilio.com";
const PATIENCE: Duration = Duration::from_secs(15);

/// An account at Twilio, or at a provider that speaks the same.
#[derive(Debug, Clone)]
pub struct Twilio {
    client: reqwest::Client,
    url: String,
    account: String,
    token: Secret,
    from: String,
}

impl Twilio {
    /// `from` is a messaging service (`MG…`) or a number. `base` is Twilio's own address when none.
    ///
    /// # Errors
    /// The system's certificates cannot be read, or `base` is no URL.
    pub fn new(account: &str, token: Secret, from: &str, base: Option<&str>) -> Result<Self, SmsError> {
        let wrong = |error: reqwest::Error| SmsError(error.without_url().to_string());
        // Fails when there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No message is sent twice, and none to somebody else.
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = builder.retry(reqwest::retry::never()).timeout(PATIENCE).build().map_err(wrong)?;
        let base = base.unwrap_or(BASE).trim_end_matches('/');
        let mut url = reqwest::Url::parse(base).map_err(|error| SmsError(format!("the provider's URL: {error}")))?;
        url.path_segments_mut()
            .map_err(|()| SmsError("the provider's URL has no path".to_owned()))?
            .pop_if_empty()
            .extend(["2010-04-01", "Accounts", account, "Messages.json"]);
        Ok(Self { client, url: url.into(), account: account.to_owned(), token, from: from.to_owned() })
    }
}

impl Sms for Twilio {
    fn send(&self, to: &str, text: &str) -> BoxFuture<'_, Result<(), SmsError>> {
        let from = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs([("To", to), (from, &self.from), ("Body", text)]).finish();
        let request = self
            .client
            .post(&self.url)
            .basic_auth(&self.account, Some(self.token.expose()))
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        Box::pin(async move {
            // The URL names the account; nothing of the answer but its code is told, it may repeat the text.
            let answer = request.send().await.map_err(|error| SmsError(error.without_url().to_string()))?;
            let status = answer.status();
            if status.is_success() {
                return Ok(());
            }
            let told: serde_json::Value = answer.json().await.unwrap_or_default();
            Err(SmsError(match told["code"].as_u64() {
                Some(code) => format!("the provider answers {} (error {code})", status.as_u16()),
                None => format!("the provider answers {}", status.as_u16()),
            }))
        })
    }
}
