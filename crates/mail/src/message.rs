//! A mail to be sent, checked before it goes anywhere: addresses, subjects and headers often hold what a stranger typed.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use lettre::message::Mailbox as Parsed;

/// Bytes of the longest header value, subject included.
const LONGEST_VALUE: usize = 8192;
/// More recipients than anybody writes to at once; a limit, so that nobody becomes a spammer by mistake.
const MOST_RECIPIENTS: usize = 100;

/// Headers that are made here, and so cannot be given.
const OURS: &[&str] = &[
    "bcc",
    "cc",
    "content-disposition",
    "content-id",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

/// An address with an optional name, valid by construction.
///
/// ```
/// let somebody: mail::Mailbox = "Ann Example <ann@example.com>".parse()?;
/// assert_eq!((somebody.name(), somebody.address()), (Some("Ann Example"), "ann@example.com"));
/// assert!("ann@example.com\r\nBcc: all@example.com".parse::<mail::Mailbox>().is_err());
/// # Ok::<(), mail::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox(Parsed);

impl Mailbox {
    /// # Errors
    /// The address is none, or the name holds control characters.
    pub fn new(name: Option<&str>, address: &str) -> Result<Self, Invalid> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.contains(char::is_control)) {
            return Err(Invalid::new("a name", "it holds control characters"));
        }
        // What the parser takes for a quoted local part may hold anything.
        let plain = !address.contains(|char: char| char.is_control() || char.is_whitespace() || "<>\"".contains(char));
        let address = address.parse().ok().filter(|_| plain);
        let address = address.ok_or_else(|| Invalid::new("an address", "it is not one"))?;
        Ok(Self(Parsed::new(name.map(str::to_owned), address)))
    }

    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// `local@domain`
    pub fn address(&self) -> &str {
        self.0.email.as_ref()
    }

    pub(crate) fn parsed(&self) -> &Parsed {
        &self.0
    }
}

impl FromStr for Mailbox {
    type Err = Invalid;

    /// `ann@example.com` or `Ann Example <ann@example.com>`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => Self::new(Some(name.trim().trim_matches('"')), address),
            None => Self::new(None, text.trim()),
        }
    }
}

/// As a header shows it.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A file that goes with a mail.
#[derive(Clone)]
pub struct Attachment {
    pub name: String,
    /// For example `image/png`.
    pub content_type: String,
    pub content: Bytes,
    /// Set: shown inside the HTML, which refers to it as `cid:<id>`.
    pub content_id: Option<String>,
}

/// A mail to be sent.
#[derive(Clone)]
pub struct Message {
    pub from: Mailbox,
    pub reply_to: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    /// Beside those that every mail has.
    pub headers: Vec<(String, String)>,
    pub attachments: Vec<Attachment>,
}

// A mail may carry a link that signs in; only its size is for logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("recipients", &self.recipients().count()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("bytes", &self.content.len()).finish_non_exhaustive()
    }
}

/// What about a mail is not right. Without the value: it came from a stranger, or is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not valid: {why}")]
pub struct Invalid {
    what: String,
    why: &'static str,
}

impl Invalid {
    pub(crate) fn new(what: impl Into<String>, why: &'static str) -> Self {
        Self { what: what.into(), why }
    }
}

impl Message {
    /// Without text, yet.
    pub fn new(from: Mailbox, to: Vec<Mailbox>, subject: impl Into<String>) -> Self {
        Self {
            from,
            reply_to: Vec::new(),
            to,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            text: None,
            html: None,
            headers: Vec::new(),
            attachments: Vec::new(),
        }
    }

    /// Everybody who gets it.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// Whether it can be sent without anything in it becoming something else, such as a header of its own. Every way
    /// of sending asks this first.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        let recipients = self.recipients().count();
        if recipients == 0 {
            return Err(Invalid::new("the list of recipients", "it is empty"));
        }
        if recipients > MOST_RECIPIENTS {
            return Err(Invalid::new("the list of recipients", "it is longer than 100"));
        }
        check_value("the subject", &self.subject)?;
        for (name, value) in &self.headers {
            check_name(name)?;
            check_value(&format!("the header {name}"), value)?;
        }
        for attachment in &self.attachments {
            check_value("the name of an attachment", &attachment.name)?;
            check_value("the type of an attachment", &attachment.content_type)?;
            if attachment.content_id.as_deref().is_some_and(|id| !is_content_id(id)) {
                return Err(Invalid::new("the content id of an attachment", "it holds characters that none may"));
            }
        }
        Ok(())
    }
}

/// RFC 5322 section 2.2: printable ASCII without a colon.
fn check_name(name: &str) -> Result<(), Invalid> {
    let token = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return Err(Invalid::new("the name of a header", "it holds characters that no name may"));
    }
    if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
        return Err(Invalid::new(format!("the header {name}"), "it is made from other parts of the mail"));
    }
    Ok(())
}

fn check_value(what: &str, value: &str) -> Result<(), Invalid> {
    if value.contains(|char: char| char.is_control() && char != '\t') {
        return Err(Invalid::new(what, "it holds line breaks or other control characters"));
    }
    if value.len() > LONGEST_VALUE {
        return Err(Invalid::new(what, "it is longer than 8192 bytes"));
    }
    Ok(())
}

fn is_content_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-+=$".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message() -> Message {
        Message::new("shop@example.com".parse().unwrap(), vec!["ann@example.com".parse().unwrap()], "Hello")
    }

    #[test]
    fn addresses_cannot_smuggle() {
        for wrong in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example.com\r\nBcc: x@example.com",
            "ann@example.com, bob@example.com",
            "Ann\r\nBcc: <x@example.com>",
            "ann@exa mple.com",
            "\"a\r\nb\"@example.com",
            "ann@example.com>\r\nRCPT TO:<bob@example.com",
            "<ann@example.com> <bob@example.com>, x",
        ] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong:?}");
        }
        assert_eq!("noreply@localhost".parse::<Mailbox>().unwrap().address(), "noreply@localhost");
        assert_eq!("\"Doe, Ann\" <a@b.example>".parse::<Mailbox>().unwrap().name(), Some("Doe, Ann"));
    }

    #[test]
    fn subjects_and_headers_cannot_smuggle() {
        assert_eq!(message().check(), Ok(()));
        let refused = |change: fn(&mut Message)| {
            let mut message = message();
            change(&mut message);
            message.check().is_err()
        };
        assert!(refused(|message| message.subject.push_str("\r\nBcc: x@example.com")));
        assert!(refused(|message| message.headers.push(("X-A".to_owned(), "a\nBcc: x@example.com".to_owned()))));
        assert!(refused(|message| message.headers.push(("X-A: b\r\nX".to_owned(), String::new()))));
        assert!(refused(|message| message.headers.push(("bCC".to_owned(), "x@example.com".to_owned()))));
        assert!(refused(|message| message.to.clear()));
        assert!(!refused(|message| message.headers.push(("X-Ticket".to_owned(), "verifyEmail:1\tä".to_owned()))));
    }
}
