//! Looking into uploads: an antivirus daemon (ClamAV's `clamd`) or an HTTP service is given the bytes before they become
//! a file.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::StatusCode;
use serde::Deserialize;
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
    /// An HTTP service: the bytes are posted to it as they are. It answers `{"virus": null}` or nothing (204) when there is
    /// nothing in them, `{"virus": "<name>"}` or 406 when there is.
    Http { client: reqwest::Client, url: String },
}

impl Scanner {
    /// From a setting's value: `tcp://host:port`, as Nhost's `CLAMAV_SERVER`. `None`: it is something else.
    pub fn parse(value: &str) -> Option<Self> {
        let address = value.strip_prefix("tcp://")?.trim_end_matches('/');
        address.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())?;
        Some(Self::Clamd { address: address.to_owned() })
    }

    /// The service at a URL. Redirects are not followed: the bytes go where the setting says and nowhere else.
    ///
    /// # Errors
    /// It is no URL of http or https, or no client can be made.
    pub fn http(url: &str) -> Result<Self, String> {
        let parsed = reqwest::Url::parse(url).map_err(|_| "it is no URL".to_owned())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err("it is no URL of http or https".to_owned());
        }
        // Fails when there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT).build();
        Ok(Self::Http { client: client.map_err(|error| error.to_string())?, url: url.to_owned() })
    }

    /// What was found; `None`: nothing.
    ///
    /// # Errors
    /// 503: the scanner does not answer, or could not read the file. Nobody has looked then.
    pub(crate) async fn scan(
        &self,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    ) -> Result<Option<String>, Failure> {
        let asked = async {
            match self {
                Self::Clamd { address } => clamd(address, bytes).await.map(|answer| verdict(&answer)),
                Self::Http { client, url } => post(client, url, bytes).await.map_err(io::Error::other),
            }
        };
        let answered = tokio::time::timeout(TIMEOUT, asked).await;
        let answer = answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            tracing::error!(%error, "the virus scanner does not answer");
            unavailable()
        })?;
        answer.map_err(|why| {
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

/// An HTTP service's answer: what was found, or why it is none.
type Verdict = Result<Option<String>, String>;

#[derive(Deserialize)]
struct Answer {
    /// There must be one, so that a page of something else is not taken for an answer.
    #[serde(deserialize_with = "Option::deserialize")]
    virus: Option<String>,
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Verdict, reqwest::Error> {
    let request = client.post(url).header(http::header::CONTENT_TYPE, "application/octet-stream");
    let mut response =
        request.body(reqwest::Body::wrap_stream(bytes)).send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > ANSWER {
            return Ok(Err("its answer is too long".to_owned()));
        }
    }
    Ok(read(status, &body))
}

fn read(status: StatusCode, body: &[u8]) -> Verdict {
    let answer = serde_json::from_slice::<Answer>(body).map(|answer| answer.virus);
    match status {
        StatusCode::NO_CONTENT => Ok(None),
        StatusCode::OK => answer.map_err(|_| "its answer has no \"virus\"".to_owned()),
        StatusCode::NOT_ACCEPTABLE => Ok(Some(answer.ok().flatten().unwrap_or_else(|| "something".to_owned()))),
        status => Err(format!("it answers with {status}")),
    }
}

/// `stream: OK`, `stream: <name> FOUND`, or why not.
fn verdict(answer: &str) -> Verdict {
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
    fn what_an_http_service_does_not_say_clearly_is_no_answer() {
        assert_eq!(read(StatusCode::OK, br#"{"virus": null}"#), Ok(None));
        assert_eq!(read(StatusCode::NO_CONTENT, b""), Ok(None));
        assert_eq!(read(StatusCode::OK, br#"{"virus": "Eicar"}"#), Ok(Some("Eicar".to_owned())));
        assert_eq!(read(StatusCode::NOT_ACCEPTABLE, b"infected"), Ok(Some("something".to_owned())));
        for (status, body) in
            [(200, "{}"), (200, ""), (200, "<html>"), (302, ""), (404, ""), (500, r#"{"virus": null}"#)]
        {
            assert!(read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).is_err(), "{status} {body}");
        }
        assert!(Scanner::http("ftp://scanner/").is_err() && Scanner::http("scanner").is_err());
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
