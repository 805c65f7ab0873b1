//! Bytes to messages and back. Reading can be given up at any moment and taken up again without losing any.

use std::io;
use std::pin::Pin;

use bytes::{Buf, Bytes, BytesMut};
use postgres_protocol::message::{backend, frontend};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

use super::{Error, Row};

trait Socket: AsyncRead + AsyncWrite + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Send + Sync> Socket for T {}

/// A connection's two directions.
pub(super) struct Wire {
    socket: Pin<Box<dyn Socket>>,
    incoming: BytesMut,
    outgoing: BytesMut,
}

/// A message of the server.
#[derive(Debug)]
pub(super) struct Frame {
    pub tag: u8,
    pub body: Bytes,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("incoming", &self.incoming.len()).finish_non_exhaustive()
    }
}

impl Wire {
    /// The first host that answers.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let mut last = None;
        let (hosts, ports) = (config.get_hosts(), config.get_ports());
        for (index, host) in hosts.iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match socket(host, port).await {
                Ok(socket) => {
                    return Ok(Self { socket, incoming: BytesMut::with_capacity(8192), outgoing: BytesMut::new() });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no host to connect to")).into())
    }

    /// Where messages to the server are put; they leave with the next [`Wire::read`] or [`Wire::flush`].
    pub fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    pub fn query(&mut self, text: &str) -> Result<(), Error> {
        frontend::query(text, &mut self.outgoing).map_err(Error::Io)
    }

    pub async fn flush(&mut self) -> Result<(), Error> {
        while !self.outgoing.is_empty() {
            let written = self.socket.write(&self.outgoing).await?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            self.outgoing.advance(written);
        }
        self.socket.flush().await?;
        Ok(())
    }

    /// The next message, after everything that waits to be sent has left.
    pub async fn read(&mut self) -> Result<Frame, Error> {
        self.flush().await?;
        loop {
            if let Some(header) = backend::Header::parse(&self.incoming)? {
                // Not less than 4: the length counts itself.
                let length = usize::try_from(header.len()).map_err(|_| Error::Protocol("a length".to_owned()))?;
                if self.incoming.len() > length {
                    let mut body = self.incoming.split_to(length + 1).freeze();
                    body.advance(5);
                    return Ok(Frame { tag: header.tag(), body });
                }
                self.incoming.reserve(length + 1 - self.incoming.len());
            }
            if self.socket.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

async fn socket(host: &Host, port: u16) -> io::Result<Pin<Box<dyn Socket>>> {
    match host {
        Host::Tcp(name) => {
            let stream = TcpStream::connect((name.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::pin(stream))
        }
        Host::Unix(folder) => Ok(Box::pin(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?)),
    }
}

/// A `DataRow`.
pub(super) fn row(body: &Bytes) -> Result<Row, Error> {
    let mut body = body.clone();
    let short = || Error::Protocol("a row that is too short".to_owned());
    let count = body.try_get_u16().map_err(|_| short())?;
    let mut row = Vec::with_capacity(count.into());
    for _ in 0..count {
        let length = body.try_get_i32().map_err(|_| short())?;
        let Ok(length) = usize::try_from(length) else {
            row.push(None);
            continue;
        };
        if body.len() < length {
            return Err(short());
        }
        row.push(Some(String::from_utf8_lossy(&body.split_to(length)).into_owned()));
    }
    Ok(row)
}

/// An `ErrorResponse`: fields of one letter and a text each.
pub(super) fn refusal(body: &[u8]) -> Error {
    let (mut state, mut message) = ("XX000".to_owned(), String::new());
    for field in body.split(|byte| *byte == 0) {
        match field.split_first() {
            Some((b'C', code)) => state = String::from_utf8_lossy(code).into_owned(),
            Some((b'M', text)) => message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    Error::Refused { state: SqlState::from_code(&state), message }
}

pub(super) fn unexpected(tag: u8) -> Error {
    Error::Protocol(format!("a message of type {:?}", char::from(tag)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rows_have_nulls_and_broken_ones_are_refused() {
        let whole = Bytes::from_static(b"\0\x02\0\0\0\x02ab\xff\xff\xff\xff");
        assert_eq!(row(&whole).unwrap(), vec![Some("ab".to_owned()), None]);
        for length in 0..whole.len() {
            assert!(row(&whole.slice(..length)).is_err(), "{length}");
        }
    }

    #[test]
    fn a_refusal_has_its_state_and_words() {
        let error = refusal(b"SERROR\0C42501\0Mpermission denied\0\0");
        assert!(error.is_permanent());
        assert_eq!(error.to_string(), "PostgreSQL refused: permission denied [42501]");
        assert!(!refusal(b"").is_permanent());
    }
}
