use std::process::Command;

use tokio_postgres::{Client, Config, NoTls, config::SslMode};

/// `sslmode` as `libpq` knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Disable,
    /// TLS where the server has it, unverified.
    Prefer,
    /// TLS, unverified: nobody who only listens can read along.
    Require,
    /// TLS with a certificate that a trusted authority signed.
    VerifyCa,
    /// The same, and it names the host.
    VerifyFull,
}

impl Mode {
    /// The words of `sslmode=`; `allow` is `prefer`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// How connections to a place are protected.
#[derive(Debug, Clone)]
pub struct Tls {
    mode: Mode,
}

impl Tls {
    pub fn disabled() -> Self {
        Self { mode: Mode::Disable }
    }

    pub(super) async fn connect(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        let mut config = config.clone();
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // The client's own calls tell what went wrong.
            let _ = connection.await;
        });
        Ok(client)
    }

    pub(super) fn tell(&self, command: &mut Command) {
        command.env("PGSSLMODE", self.mode.as_str());
    }
}
