//! One SMTP connection (RFC 5321): commands in, answers out, mails to the inbox.
//!
//! A mail ends with CR LF `.` CR LF and nothing else, so that no client can hide a second mail in the first. A web page
//! that makes a browser POST here is sent away at its first header line.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::OwnedSemaphorePermit;

use super::Sink;
use super::command::{Command, Mistake};
use crate::store::Incoming;

/// Bytes of the longest command line; RFC 5321 wants 512, credentials of RFC 4954 12288.
const LONGEST_LINE: usize = 12_288;
/// What room for mails is counted in.
pub(super) const BLOCK: usize = 64 << 10;
/// How long a mail may take to come in altogether.
const LONGEST_MAIL: Duration = Duration::from_secs(600);

struct Session<'a> {
    sink: &'a Sink,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    helo: String,
    username: String,
    /// Between MAIL and the end of DATA.
    from: Option<String>,
    to: Vec<String>,
    mistakes: usize,
}

/// How a mail came in.
enum Received {
    Whole(Vec<u8>, Vec<OwnedSemaphorePermit>),
    /// Too long, and read to its end.
    TooLong,
    /// No room for it now.
    NoRoom,
}

pub(super) async fn run(sink: &Arc<Sink>, stream: TcpStream) -> io::Result<()> {
    // Answers are short and waited for.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let mut session = Session {
        sink,
        reader: BufReader::new(reader),
        writer,
        helo: String::new(),
        username: String::new(),
        from: None,
        to: Vec::new(),
        mistakes: 0,
    };
    session.answer("220 localhost nself mail catcher ESMTP").await?;
    while let Some(line) = session.line().await? {
        if !session.obey(&line).await? {
            break;
        }
        if session.mistakes > sink.limits.mistakes {
            session.answer("421 4.7.0 Too many errors").await?;
            break;
        }
    }
    session.writer.shutdown().await
}

impl Session<'_> {
    async fn answer(&mut self, line: &str) -> io::Result<()> {
        // One write, so that an answer is never cut in two packets.
        let bytes = [line.as_bytes(), b"\r\n"].concat();
        tokio::time::timeout(self.sink.limits.idle, self.writer.write_all(&bytes)).await?
    }

    async fn mistake(&mut self, line: &str) -> io::Result<()> {
        self.mistakes += 1;
        self.answer(line).await
    }

    /// A command line without its end; `None` when the client is gone or silent for too long.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_LINE as u64);
        match tokio::time::timeout(self.sink.limits.idle, limited.read_until(b'\n', &mut line)).await {
            Ok(read) => read?,
            Err(_) => {
                self.answer("421 4.4.2 Timeout").await?;
                return Ok(None);
            }
        };
        if line.pop() != Some(b'\n') {
            if line.len() + 1 >= LONGEST_LINE {
                self.answer("500 5.5.6 Line too long").await?;
            }
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// False: the connection ends.
    async fn obey(&mut self, line: &str) -> io::Result<bool> {
        match Command::parse(line) {
            Ok(Command::Quit) => {
                self.answer("221 2.0.0 Bye").await?;
                return Ok(false);
            }
            Ok(Command::Hello(name, extended)) => self.hello(name, extended).await?,
            Ok(Command::MailFrom(address, parameters)) => self.mail_from(address, parameters.size).await?,
            Ok(Command::RcptTo(address)) => self.rcpt_to(address).await?,
            Ok(Command::Data) => return self.data().await,
            Ok(Command::Auth(mechanism, first)) => self.auth(&mechanism, first).await?,
            Ok(Command::Reset) => {
                self.forget();
                self.answer("250 2.0.0 OK").await?;
            }
            Ok(Command::Noop) => self.answer("250 2.0.0 OK").await?,
            Ok(Command::Verify) => self.answer("252 2.5.0 Send some mail, it is kept").await?,
            Ok(Command::Help) => self.answer("214 2.0.0 RFC 5321. Mail is kept and goes nowhere").await?,
            Ok(Command::StartTls) => self.mistake("502 5.5.1 No TLS: this listens on this machine only").await?,
            Err(Mistake::Unknown) if is_http(line) => {
                self.answer("421 4.7.0 This is SMTP").await?;
                return Ok(false);
            }
            Err(Mistake::Unknown) => self.mistake("500 5.5.2 Unknown command").await?,
            Err(Mistake::Syntax) => self.mistake("501 5.5.4 Syntax error").await?,
            Err(Mistake::Parameter) => self.mistake("555 5.5.4 Unknown parameter").await?,
        }
        Ok(true)
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn hello(&mut self, name: String, extended: bool) -> io::Result<()> {
        self.forget();
        self.helo = name;
        if !extended {
            return self.answer("250 localhost").await;
        }
        let auth = if self.sink.accept_any_auth { "250-AUTH PLAIN LOGIN\r\n" } else { "" };
        let size = self.sink.limits.message;
        let lines = format!(
            "250-localhost\r\n250-SIZE {size}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n{auth}250 ENHANCEDSTATUSCODES"
        );
        self.answer(&lines).await
    }

    async fn mail_from(&mut self, address: String, size: Option<usize>) -> io::Result<()> {
        if self.helo.is_empty() {
            return self.mistake("503 5.5.1 Say EHLO first").await;
        }
        if self.from.is_some() {
            return self.mistake("503 5.5.1 One mail at a time").await;
        }
        if size.is_some_and(|size| size > self.sink.limits.message) {
            return self.answer("552 5.3.4 Message too big").await;
        }
        self.from = Some(address);
        self.answer("250 2.1.0 OK").await
    }

    async fn rcpt_to(&mut self, address: String) -> io::Result<()> {
        if self.from.is_none() {
            return self.mistake("503 5.5.1 Say MAIL first").await;
        }
        if self.to.len() >= self.sink.limits.recipients {
            return self.answer("452 4.5.3 Too many recipients").await;
        }
        self.to.push(address);
        self.answer("250 2.1.5 OK").await
    }

    /// False: the connection ends.
    async fn data(&mut self) -> io::Result<bool> {
        if self.to.is_empty() {
            self.mistake("503 5.5.1 Say MAIL and RCPT first").await?;
            return Ok(true);
        }
        self.answer("354 End with <CR><LF>.<CR><LF>").await?;
        let Ok(received) = tokio::time::timeout(LONGEST_MAIL, self.receive()).await else {
            self.answer("421 4.4.2 Timeout").await?;
            return Ok(false);
        };
        let Some(received) = received? else { return Ok(false) };
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        match received {
            Received::TooLong => self.answer("552 5.3.4 Message too big").await?,
            Received::NoRoom => self.answer("452 4.3.1 Too many mails at once, try again").await?,
            Received::Whole(raw, _room) => {
                let (helo, username) = (self.helo.clone(), self.username.clone());
                let mail = Incoming { helo, username, from, to, raw: Bytes::from(raw) };
                match self.sink.inbox.accept(&mail).await {
                    Ok(id) => self.answer(&format!("250 2.0.0 OK kept as {id}")).await?,
                    Err(error) => {
                        tracing::error!(error = error.reason(), "a mail could not be kept");
                        self.answer("451 4.3.0 The mail could not be kept, try again").await?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// The mail, up to its last line; `None` when the client is gone. A mail that is too long is read to its end, so
    /// that the client hears why it is refused.
    async fn receive(&mut self) -> io::Result<Option<Received>> {
        let limit = self.sink.limits.message;
        let mut raw: Vec<u8> = Vec::new();
        let mut room = Vec::new();
        let mut refused = None;
        let mut line = Vec::new();
        // A line longer than a block comes in pieces; only a piece after a line's end can be the last line.
        let (mut starts, mut after_cr) = (true, false);
        loop {
            line.clear();
            let mut limited = (&mut self.reader).take(BLOCK as u64);
            if tokio::time::timeout(self.sink.limits.idle, limited.read_until(b'\n', &mut line)).await?? == 0 {
                return Ok(None);
            }
            if starts && line == b".\r\n" {
                return Ok(Some(refused.unwrap_or(Received::Whole(raw, room))));
            }
            let content = if starts && line.first() == Some(&b'.') { &line[1..] } else { &line[..] };
            starts = line.ends_with(b"\r\n") || (after_cr && line == b"\n");
            after_cr = line.ends_with(b"\r");
            if refused.is_none() {
                if raw.len() + content.len() > limit {
                    refused = Some(Received::TooLong);
                } else if self.grow(&mut room, raw.len() + content.len()) {
                    raw.extend_from_slice(content);
                    continue;
                } else {
                    refused = Some(Received::NoRoom);
                }
                raw = Vec::new();
                room.clear();
            }
        }
    }

    /// Takes room for a mail of this length; false when there is none.
    fn grow(&self, room: &mut Vec<OwnedSemaphorePermit>, bytes: usize) -> bool {
        while room.len() * BLOCK < bytes {
            match Arc::clone(&self.sink.room).try_acquire_owned() {
                Ok(permit) => room.push(permit),
                Err(_) => return false,
            }
        }
        true
    }

    /// RFC 4954. Any name and password are right, where they are taken at all; only the name is kept.
    async fn auth(&mut self, mechanism: &str, first: Option<String>) -> io::Result<()> {
        if !self.sink.accept_any_auth {
            return self.mistake("535 5.7.8 MAILPIT_ACCEPT_ANY_AUTH is off").await;
        }
        if self.from.is_some() || self.helo.is_empty() {
            return self.mistake("503 5.5.1 Not now").await;
        }
        let first = first.filter(|first| first != "=");
        let username = match mechanism {
            "PLAIN" => {
                let Some(answer) = self.asked("334 ", first).await? else { return Ok(()) };
                answer.split('\0').nth(1).unwrap_or_default().to_owned()
            }
            "LOGIN" => {
                let Some(name) = self.asked("334 VXNlcm5hbWU6", first).await? else { return Ok(()) };
                if self.asked("334 UGFzc3dvcmQ6", None).await?.is_none() {
                    return Ok(());
                }
                name
            }
            _ => return self.mistake("504 5.5.4 PLAIN or LOGIN").await,
        };
        self.username = username;
        self.answer("235 2.7.0 OK").await
    }

    /// The client's answer, decoded; `None` when it was none, which the client has been told.
    async fn asked(&mut self, question: &str, given: Option<String>) -> io::Result<Option<String>> {
        let line = match given {
            Some(line) => line,
            None => {
                self.answer(question).await?;
                self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?
            }
        };
        match STANDARD.decode(line.trim()) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(_) => {
                self.mistake("501 5.5.2 Not base64, or cancelled").await?;
                Ok(None)
            }
        }
    }
}

/// The first lines of a browser's request.
fn is_http(line: &str) -> bool {
    let verbs = ["GET ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "HEAD ", "PATCH ", "CONNECT ", "Host:"];
    verbs.iter().any(|verb| line.starts_with(verb))
}
