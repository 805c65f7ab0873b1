//! The stream of a started replication: data one way, the receiver's progress the other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, BufMut, Bytes};
use tokio::time::Instant;

use super::wire::{self, Wire};
use super::{Error, Lsn};

/// How often the server hears from us; it gives a silent receiver up after a minute (`wal_sender_timeout`).
const STATUS: Duration = Duration::from_secs(10);

/// Seconds from 1970 to 2000, where the protocol's clock begins.
const EPOCH: u64 = 946_684_800;

/// A piece of WAL, or one message of an output plug-in.
#[derive(Debug, Clone)]
pub struct Data {
    pub start: Lsn,
    /// Where the next piece begins. A logical stream repeats `start` here, or gives the end of the log.
    pub end: Lsn,
    pub body: Bytes,
}

/// A replication that has begun. Dropped, it ends, and temporary slots with it.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    /// Up to where we have read.
    received: Lsn,
    /// Up to where the server may forget.
    confirmed: Lsn,
    /// Data that was handed out and not confirmed yet.
    open: bool,
    next_status: Instant,
}

impl Stream {
    pub(super) fn new(wire: Wire, from: Lsn) -> Self {
        Self { wire, received: from, confirmed: from, open: false, next_status: Instant::now() + STATUS }
    }

    /// The next piece. The server's questions are answered, and it hears of our progress, while this waits; the wait
    /// can be given up without losing anything.
    ///
    /// # Errors
    /// The connection broke, or the server ended the stream (it shuts down).
    pub async fn next(&mut self) -> Result<Data, Error> {
        loop {
            let frame = match tokio::time::timeout_at(self.next_status, self.wire.read()).await {
                Ok(frame) => frame?,
                Err(_) => {
                    self.status();
                    continue;
                }
            };
            let mut body = frame.body;
            match frame.tag {
                b'd' => match body.try_get_u8().map_err(cut)? {
                    b'w' => return self.data(body),
                    b'k' => self.keepalive(body)?,
                    kind => return Err(Error::Protocol(format!("a copied message of type {kind}"))),
                },
                b'E' => return Err(wire::refusal(&body)),
                b'N' | b'S' => {}
                b'c' | b'C' | b'Z' => return Err(Error::Ended),
                tag => return Err(wire::unexpected(tag)),
            }
        }
    }

    /// Everything before `end` has been dealt with; the server learns it with the next status.
    pub fn confirm(&mut self, end: Lsn) {
        self.confirmed = self.confirmed.max(end);
        self.open = false;
    }

    fn data(&mut self, mut body: Bytes) -> Result<Data, Error> {
        let start = Lsn(body.try_get_u64().map_err(cut)?);
        let end = Lsn(body.try_get_u64().map_err(cut)?);
        // The server's clock.
        body.try_get_u64().map_err(cut)?;
        self.received = self.received.max(start).max(end);
        self.open = true;
        Ok(Data { start, end: start.max(end), body })
    }

    fn keepalive(&mut self, mut body: Bytes) -> Result<(), Error> {
        let end = Lsn(body.try_get_u64().map_err(cut)?);
        body.try_get_u64().map_err(cut)?;
        self.received = self.received.max(end);
        if !self.open {
            // Nothing of ours came: the server may forget the rest as well.
            self.confirmed = self.confirmed.max(end);
        }
        if body.try_get_u8().map_err(cut)? == 1 {
            self.status();
        }
        Ok(())
    }

    /// "Standby status update": leaves with the next read.
    fn status(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_micros()).unwrap_or_default().saturating_sub(EPOCH * 1_000_000);
        let out = self.wire.outgoing();
        out.put_u8(b'd');
        // Its own four bytes, and what follows.
        out.put_u32(4 + 1 + 4 * 8 + 1);
        out.put_u8(b'r');
        out.put_u64(self.received.0);
        out.put_u64(self.confirmed.0);
        out.put_u64(self.confirmed.0);
        out.put_u64(now);
        out.put_u8(0);
        self.next_status = Instant::now() + STATUS;
    }
}

fn cut(_: bytes::TryGetError) -> Error {
    Error::Protocol("a message that is too short".to_owned())
}
