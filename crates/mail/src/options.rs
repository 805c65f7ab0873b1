//! What the service is started with.

use std::net::SocketAddr;
use std::time::Duration;

use postgres::Pool;
use project::Secret;

#[derive(Debug, Clone)]
pub struct Options {
    pub pool: Pool,
    /// Where mail is taken, on this machine only (`MAILPIT_SMTP_PORT`).
    pub smtp: Option<SocketAddr>,
    /// Where pages and APIs answer beside the front door, on this machine only (`MAILPIT_UI_PORT`): the address that
    /// clients of Mailpit and MailHog know.
    pub http: Option<SocketAddr>,
    /// Messages kept; zero keeps all (`MAILPIT_MAX_MESSAGES`).
    pub keep: usize,
    /// Takes any name and password from SMTP clients that want to sign in; without it they are refused
    /// (`MAILPIT_ACCEPT_ANY_AUTH`).
    pub accept_any_auth: bool,
    /// Who reads the inbox must know it: as HTTP Basic's password, or in `X-Hasura-Admin-Secret`. `None`: everybody may,
    /// which is for development only, because mails hold links that sign in.
    pub password: Option<Secret>,
    pub limits: Limits,
}

impl Options {
    /// No listeners, 500 messages, open to everybody.
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            smtp: None,
            http: None,
            keep: 500,
            accept_any_auth: true,
            password: None,
            limits: Limits::default(),
        }
    }
}

/// What one client, and all of them, may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one mail.
    pub message: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// SMTP connections at once.
    pub connections: usize,
    /// Bytes of the mails that are on their way in at once.
    pub in_flight: usize,
    /// Wrong commands before an SMTP client is sent away.
    pub mistakes: usize,
    /// How long an SMTP client may be silent.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 25 << 20,
            recipients: 500,
            connections: 100,
            in_flight: 100 << 20,
            mistakes: 20,
            idle: Duration::from_secs(120),
        }
    }
}
