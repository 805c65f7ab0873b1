//! How a mail leaves: to the catcher, to an SMTP server, or to a provider's HTTP API.
//!
//! Nothing is sent twice: whoever calls knows whether it may be. It returns when the next hop has accepted the mail.

mod http;
mod mailgun;
mod postmark;
mod sendgrid;
mod ses;
mod settings;
mod smtp;

use std::time::Duration;

use project::{Diagnostic, Exit, Secret};

use crate::message::{Invalid, Message};
use crate::service::{DeliverError, Handle};

pub use settings::{KNOWN, Known, SettingError, from_address};
pub use smtp::Security;

/// For the whole of one mail, from connecting to the last answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who takes the mails, and what is needed to reach them.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The catcher of this project: nothing leaves.
    Mailpit,
    Smtp(Smtp),
    SendGrid(Api),
    Postmark(Postmark),
    Mailgun(Mailgun),
    Ses(Ses),
}

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// User and password.
    pub credentials: Option<(String, Secret)>,
    /// A further authority to believe, PEM.
    pub authority: Option<Vec<u8>>,
}

/// An HTTP API with a key.
#[derive(Debug, Clone)]
pub struct Api {
    pub key: Secret,
    /// Without a path; the provider's own when `None`.
    pub url: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Postmark {
    pub api: Api,
    /// Postmark keeps transactional and bulk mail apart.
    pub stream: String,
}

#[derive(Debug, Clone)]
pub struct Mailgun {
    pub api: Api,
    pub domain: String,
}

#[derive(Debug, Clone)]
pub struct Ses {
    pub region: String,
    pub access_key: String,
    pub secret_key: Secret,
    /// Of temporary credentials.
    pub session_token: Option<Secret>,
    pub configuration_set: Option<String>,
    pub url: Option<String>,
}

/// Sends mail by one provider.
#[derive(Debug, Clone)]
pub enum Sender {
    Catcher(Handle),
    Smtp(smtp::Transport),
    SendGrid(http::Client, Api),
    Postmark(http::Client, Postmark),
    Mailgun(http::Client, Mailgun),
    Ses(http::Client, Ses),
}

/// Why a mail was not accepted. Without the mail's text and without credentials.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the mail cannot be sent: {0}")]
    Invalid(#[from] Invalid),
    #[error("nobody takes mail: EMAIL_PROVIDER is mailpit, and the mail catcher does not run")]
    NoCatcher,
    #[error("the mail catcher cannot keep the mail")]
    Catcher(#[source] DeliverError),
    #[error("{provider} cannot be reached")]
    Unreachable { provider: &'static str, why: String },
    #[error("{provider} refused the mail")]
    Refused {
        provider: &'static str,
        /// In the provider's words.
        why: String,
        /// The same mail may be accepted later.
        temporary: bool,
    },
    #[error("{provider} cannot be used with these settings")]
    Setup { provider: &'static str, why: String },
}

impl Sender {
    /// `catcher` is this project's own, when it runs.
    ///
    /// # Errors
    /// The provider is the catcher and there is none, or certificates cannot be read.
    pub fn new(provider: Provider, catcher: Option<Handle>) -> Result<Self, SendError> {
        Ok(match provider {
            Provider::Mailpit => Self::Catcher(catcher.ok_or(SendError::NoCatcher)?),
            Provider::Smtp(server) => Self::Smtp(smtp::Transport::new(&server)?),
            Provider::SendGrid(api) => Self::SendGrid(http::Client::new("SendGrid")?, api),
            Provider::Postmark(postmark) => Self::Postmark(http::Client::new("Postmark")?, postmark),
            Provider::Mailgun(mailgun) => Self::Mailgun(http::Client::new("Mailgun")?, mailgun),
            Provider::Ses(ses) => Self::Ses(http::Client::new("Amazon SES")?, ses),
        })
    }

    /// Sends one mail; the next hop's name for it comes back, where it has one.
    ///
    /// # Errors
    /// The mail is not valid, or nobody accepts it within 20 seconds.
    pub async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        message.check()?;
        match tokio::time::timeout(PATIENCE, self.hand_over(message)).await {
            Ok(sent) => sent,
            Err(_) => Err(self.late()),
        }
    }

    /// Whether the next hop can be reached, and takes the password where one is sent before the mail (SMTP). Whether an
    /// HTTP API takes its key shows only when a mail is sent.
    ///
    /// # Errors
    /// It cannot, within 20 seconds.
    pub async fn check(&self) -> Result<(), SendError> {
        let reached = async {
            match self {
                Self::Catcher(_) => Ok(()),
                Self::Smtp(transport) => transport.check().await,
                Self::SendGrid(client, api) => client.reach(api.url.as_deref().unwrap_or(sendgrid::URL)).await,
                Self::Postmark(client, postmark) => {
                    client.reach(postmark.api.url.as_deref().unwrap_or(postmark::URL)).await
                }
                Self::Mailgun(client, mailgun) => {
                    client.reach(mailgun.api.url.as_deref().unwrap_or(mailgun::URL)).await
                }
                Self::Ses(client, ses) => client.reach(&ses::base(ses)).await,
            }
        };
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(reached) => reached,
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> SendError {
        SendError::Unreachable { provider: self.name(), why: "it does not answer in time".to_owned() }
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Catcher(_) => "the mail catcher",
            Self::Smtp(_) => smtp::NAME,
            Self::SendGrid(client, _) | Self::Postmark(client, _) | Self::Mailgun(client, _) | Self::Ses(client, _) => {
                client.name()
            }
        }
    }

    async fn hand_over(&self, message: &Message) -> Result<Option<String>, SendError> {
        match self {
            Self::Catcher(handle) => handle.deliver(message).await.map(Some).map_err(SendError::Catcher),
            Self::Smtp(transport) => transport.send(message).await,
            Self::SendGrid(client, api) => sendgrid::send(client, api, message).await,
            Self::Postmark(client, postmark) => postmark::send(client, postmark, message).await,
            Self::Mailgun(client, mailgun) => mailgun::send(client, mailgun, message).await,
            Self::Ses(client, ses) => ses::send(client, ses, message).await,
        }
    }
}

impl Diagnostic for SendError {
    fn code(&self) -> &'static str {
        "NS-MAIL-006"
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Invalid(_) | Self::NoCatcher => None,
            Self::Catcher(source) => Some(source.to_string()),
            Self::Unreachable { why, .. } | Self::Refused { why, .. } | Self::Setup { why, .. } => Some(why.clone()),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Invalid(_) => "give another address or subject".to_owned(),
            Self::NoCatcher => {
                "nself config set MAILPIT_ENABLED true, or EMAIL_PROVIDER to another provider".to_owned()
            }
            Self::Catcher(_) => "nself status, then nself logs mailpit".to_owned(),
            Self::Unreachable { .. } | Self::Setup { .. } => "nself email check".to_owned(),
            Self::Refused { temporary: true, .. } => "try again later".to_owned(),
            Self::Refused { .. } => "nself email check, and see what the provider says about the sender".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Invalid(_) => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
