//! SMTP with lettre.

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{PATIENCE, SendError, Smtp};
use crate::compose;
use crate::message::Message;

pub(super) const NAME: &str = "the SMTP server";

/// How much the way to a server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all: this machine, or a network that is trusted.
    None,
    /// TLS when the server offers it.
    Opportunistic,
    /// TLS by STARTTLS, or nothing is sent.
    StartTls,
    /// TLS from the first byte (port 465).
    Tls,
}

/// A server and how to speak with it. Each mail takes a connection of its own.
#[derive(Clone)]
pub struct Transport(AsyncSmtpTransport<Tokio1Executor>);

// lettre's shows credentials.
impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub(super) fn new(server: &Smtp) -> Result<Self, SendError> {
        let tls = match server.security {
            Security::None => Tls::None,
            Security::Opportunistic => Tls::Opportunistic(parameters(server)?),
            Security::StartTls => Tls::Required(parameters(server)?),
            Security::Tls => Tls::Wrapper(parameters(server)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .timeout(Some(PATIENCE))
            .tls(tls);
        if let Some((user, password)) = &server.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self(builder.build()))
    }

    /// Connects, and signs in where there is a password.
    pub(super) async fn check(&self) -> Result<(), SendError> {
        match self.0.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::Unreachable { provider: NAME, why: "it hung up without an answer".to_owned() }),
            Err(error) => Err(failed(&error)),
        }
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let composed = compose::compose(message)?;
        match self.0.send(composed).await {
            Ok(response) => Ok(response.first_line().map(str::to_owned)),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn parameters(server: &Smtp) -> Result<TlsParameters, SendError> {
    let setup = |error: lettre::transport::smtp::Error| SendError::Setup { provider: NAME, why: cause(&error) };
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(authority) = &server.authority {
        builder = builder.add_root_certificate(Certificate::from_pem(authority).map_err(setup)?);
    }
    builder.build().map_err(setup)
}

fn failed(error: &lettre::transport::smtp::Error) -> SendError {
    if error.is_transient() || error.is_permanent() {
        let status = error.status().map(|status| format!("{status}: ")).unwrap_or_default();
        let words: String = cause(error).chars().filter(|char| !char.is_control()).take(500).collect();
        return SendError::Refused { provider: NAME, why: format!("{status}{words}"), temporary: error.is_transient() };
    }
    SendError::Unreachable { provider: NAME, why: cause(error) }
}

fn cause(error: &lettre::transport::smtp::Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
