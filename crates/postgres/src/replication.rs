//! A small client of PostgreSQL's streaming replication protocol: it opens a replication connection, makes a temporary
//! slot, and streams what the server sends.
//!
//! It is not: a general driver (its commands are the replication commands, its results text), and it speaks no TLS.
//! The protocol: PostgreSQL's documentation, "Streaming Replication Protocol" and "Message Formats".
//!
//! ```no_run
//! # async fn example(config: tokio_postgres::Config) -> Result<(), postgres::replication::Error> {
//! use postgres::replication::{Connection, Event, Mode, decoding};
//!
//! let mut connection = Connection::open(&config, Mode::Logical).await?;
//! let from = connection.create_temporary_slot("watcher", decoding::PLUGIN).await?;
//! let mut stream = connection.start_logical("watcher", from, decoding::OPTIONS).await?;
//! loop {
//!     let data = stream.next().await?;
//!     let event: Option<Event> = decoding::parse(&data.body);
//!     stream.confirm(data.end);
//! #   drop(event);
//! }
//! # }
//! ```

pub mod decoding;
mod handshake;
mod lsn;
mod stream;
mod wire;

use std::fmt::Write as _;

use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use crate::Ident;
use wire::Wire;

pub use decoding::{Event, Relation};
pub use lsn::Lsn;
pub use stream::{Data, Stream};

/// What can go wrong on a replication connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the replication connection broke")]
    Io(#[from] std::io::Error),
    #[error("PostgreSQL refused: {message} [{}]", .state.code())]
    Refused { state: SqlState, message: String },
    #[error("the server asks for {0}, which is not supported")]
    Authentication(String),
    #[error("unexpected answer of the server: {0}")]
    Protocol(String),
    #[error("the server ended the stream")]
    Ended,
}

impl Error {
    /// Whether the server cannot do this until somebody changes its settings or the role's rights, so that another try
    /// soon is pointless: `wal_level`, the right to replicate, a plug-in that is not installed, no rule in pg_hba.conf.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Authentication(_) => true,
            Self::Refused { state, .. } => [
                SqlState::INSUFFICIENT_PRIVILEGE,
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                SqlState::UNDEFINED_FILE,
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                SqlState::INVALID_PASSWORD,
                SqlState::FEATURE_NOT_SUPPORTED,
                SqlState::SYNTAX_ERROR,
            ]
            .contains(state),
            _ => false,
        }
    }

    /// Whether somebody has ended the connection on purpose: `pg_terminate_backend`, or a server that shuts down.
    pub fn is_dismissal(&self) -> bool {
        matches!(self, Self::Refused { state, .. } if *state == SqlState::ADMIN_SHUTDOWN)
    }
}

/// What the connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// WAL as it is; no database.
    Physical,
    /// Decoded changes of the configuration's database.
    Logical,
}

/// A replication connection that waits for commands. The server drops its temporary slots when it ends.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
}

/// A row of a command's result: its columns' texts.
pub type Row = Vec<Option<String>>;

impl Connection {
    /// Connects to the first host of `config` that answers and signs in. Takes at most the configuration's connection
    /// limit, or 10 s.
    ///
    /// # Errors
    /// No host answers, the server refuses, or it asks for a way to sign in other than trust, peer, a password, MD5 or
    /// SCRAM.
    pub async fn open(config: &Config, mode: Mode) -> Result<Self, Error> {
        let limit = config.get_connect_timeout().copied().unwrap_or(std::time::Duration::from_secs(10));
        let open = async {
            let mut wire = Wire::connect(config).await?;
            handshake::sign_in(&mut wire, config, mode).await?;
            Ok(Self { wire })
        };
        tokio::time::timeout(limit, open).await.unwrap_or_else(|_| {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server did not answer in time").into())
        })
    }

    /// Runs one replication command (`IDENTIFY_SYSTEM`, `SHOW wal_level`) and returns its rows.
    ///
    /// # Errors
    /// The server refuses it, or the connection breaks.
    pub async fn command(&mut self, command: &str) -> Result<Vec<Row>, Error> {
        self.wire.query(command)?;
        let mut rows = Vec::new();
        let mut refusal = None;
        loop {
            let frame = self.wire.read().await?;
            match frame.tag {
                b'D' => rows.push(wire::row(&frame.body)?),
                b'E' => refusal = Some(wire::refusal(&frame.body)),
                b'Z' => return refusal.map_or(Ok(rows), Err),
                b'T' | b'C' | b'N' | b'S' | b'I' => {}
                tag => return Err(wire::unexpected(tag)),
            }
        }
    }

    /// Makes a logical slot that lives as long as this connection, and says from where it decodes. Waits for all
    /// transactions that are running now, as the server does.
    ///
    /// # Errors
    /// As [`Connection::command`]; see [`Error::is_permanent`].
    pub async fn create_temporary_slot(&mut self, name: &str, plugin: &str) -> Result<Lsn, Error> {
        let (slot, plugin) = (Ident::new(name), Ident::new(plugin));
        let command = format!("CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL {plugin} NOEXPORT_SNAPSHOT");
        let rows = self.command(&command).await?;
        let point = rows.first().and_then(|row| row.get(1)).and_then(|text| text.as_deref()?.parse().ok());
        point.ok_or_else(|| Error::Protocol("a slot without a consistent point".to_owned()))
    }

    /// Begins to stream a logical slot's decoded changes; `options` are the plug-in's.
    ///
    /// # Errors
    /// As [`Connection::command`].
    pub async fn start_logical(self, slot: &str, from: Lsn, options: &[(&str, &str)]) -> Result<Stream, Error> {
        let mut command = format!("START_REPLICATION SLOT {} LOGICAL {from}", Ident::new(slot));
        for (index, (name, value)) in options.iter().enumerate() {
            let begin = if index == 0 { " (" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(command, "{begin}{} '{}'", Ident::new(*name), value.replace('\'', "''"));
        }
        if !options.is_empty() {
            command.push(')');
        }
        self.start(&command, from).await
    }

    /// Begins to stream WAL itself; `slot` holds it back for us, where there is one.
    ///
    /// # Errors
    /// As [`Connection::command`].
    pub async fn start_physical(self, slot: Option<&str>, from: Lsn, timeline: u32) -> Result<Stream, Error> {
        let slot = slot.map(|slot| format!("SLOT {} ", Ident::new(slot))).unwrap_or_default();
        self.start(&format!("START_REPLICATION {slot}PHYSICAL {from} TIMELINE {timeline}"), from).await
    }

    async fn start(mut self, command: &str, from: Lsn) -> Result<Stream, Error> {
        self.wire.query(command)?;
        loop {
            let frame = self.wire.read().await?;
            match frame.tag {
                b'W' => return Ok(Stream::new(self.wire, from)),
                b'E' => return Err(wire::refusal(&frame.body)),
                b'N' | b'S' => {}
                tag => return Err(wire::unexpected(tag)),
            }
        }
    }
}
