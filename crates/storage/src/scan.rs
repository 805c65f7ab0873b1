//! Looking into uploads: an antivirus daemon (ClamAV's `clamd`) or an HTTP service is given the bytes before they become
//! a file.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

/// For the whole of one file.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes of clamd's answer: a name and a word.
const ANSWER: u64 = 4096;

/// Who looks.
#[derive(Debug, Clone)]
pub enum Scanner {
    /// clamd's TCP socket, `host:port`, by its command `INSTREAM` (clamd(8)).
    Clamd { address: String },
}

impl Scanner {
    /// From a setting's value: `tcp://host:port`, as Nhost's `CLAMAV_SERVER`. `None`: it is something else.
    pub fn parse(value: &str) -> Option<Self> {
        let address = value.strip_prefix("tcp://")?.trim_end_matches('/');
        address.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())?;
        Some(Self::Clamd { address: address.to_owned() })
    }

    /// What was found; `None`: nothing.
    ///
    /// # Errors
    /// 503: the scanner does not answer, or could not read the file. Nobody has looked then.
    pub(crate) async fn scan(
        &self,
        bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<Option<String>, Failure> {
        let Self::Clamd { address } = self;
        let answered = tokio::time::timeout(TIMEOUT, clamd(address, bytes)).await;
        let answer = answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            tracing::error!(%error, "the virus scanner does not answer");
            unavailable()
        })?;
        verdict(&answer).map_err(|why| {
            tracing::error!(why, "the virus scanner could not scan a file");
            unavailable()
        })
    }
}

fn unavailable() -> Failure {
    Failure::unavailable("the virus scanner cannot be reached")
}

async fn clamd(address: &str, mut bytes: impl Stream<Item = io::Result<Bytes>> + Unpin) -> io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(b"zINSTREAM\0").await?;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        // A chunk of no bytes would be the end.
        if length > 0 {
            socket.write_all(&length.to_be_bytes()).await?;
            socket.write_all(&chunk).await?;
        }
    }
    socket.write_all(&0_u32.to_be_bytes()).await?;
    let mut answer = Vec::new();
    socket.take(ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// `stream: OK`, `stream: <name> FOUND`, or why not.
fn verdict(answer: &str) -> Result<Option<String>, String> {
    let text = answer.trim_matches(['\0', '\n', ' ']);
    let text = text.strip_prefix("stream: ").unwrap_or(text);
    match text.strip_suffix(" FOUND") {
        Some(name) => Ok(Some(name.to_owned())),
        None if text == "OK" => Ok(None),
        None => Err(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn clamds_answers_are_read() {
        assert_eq!(verdict("stream: OK\0"), Ok(None));
        assert_eq!(verdict("stream: Win.Test.EICAR_HDB-1 FOUND\0"), Ok(Some("Win.Test.EICAR_HDB-1".to_owned())));
        assert!(verdict("INSTREAM size limit exceeded. ERROR\0").is_err());
        assert!(verdict("").is_err());
    }

    #[test]
    fn the_setting_is_an_address() {
        assert!(
            matches!(Scanner::parse("tcp://clamd:3310").unwrap(), Scanner::Clamd { address } if address == "clamd:3310")
        );
        assert!(Scanner::parse("clamd:3310").is_none());
        assert!(Scanner::parse("tcp://clamd").is_none());
    }
}
