//! What a mail says: read from its bytes (RFC 5322, MIME) for lists, searches, pages and answers.

use mail_parser::{Address, HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::{Deserialize, Serialize};

use crate::links;

/// Characters of a snippet, as Mailpit has it.
const SNIPPET: usize = 250;
/// Bytes of text that searches look through.
const SEARCHED: usize = 256 << 10;

/// An address with its name, as Mailpit's API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Person {
    pub name: String,
    pub address: String,
}

/// Everybody that a mail names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct People {
    pub from: Option<Person>,
    pub to: Vec<Person>,
    pub cc: Vec<Person>,
    /// Recipients that no header names.
    pub bcc: Vec<Person>,
    pub reply_to: Vec<Person>,
}

/// What lists and searches need, kept beside the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    pub message_id: String,
    pub subject: String,
    pub people: People,
    pub attachments: i32,
    pub inline: i32,
    pub snippet: String,
    pub search_text: String,
    pub tags: Vec<String>,
}

/// A mail's text, and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub text: String,
    /// Empty when there is none.
    pub html: String,
    /// RFC 3339, when the mail says when it was written.
    pub date: Option<String>,
    pub return_path: String,
    pub list_unsubscribe: String,
    pub list_unsubscribe_post: String,
    pub files: Vec<File>,
    pub links: Vec<String>,
}

/// An attachment, or a picture inside the HTML.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its place among the mail's parts.
    pub part: usize,
    pub name: String,
    pub content_type: String,
    pub content_id: String,
    pub inline: bool,
    pub bytes: Vec<u8>,
}

pub(crate) fn parse(raw: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse(raw)
}

/// `recipients` are those of the SMTP envelope.
pub(crate) fn digest(raw: &[u8], recipients: &[String]) -> Digest {
    let Some(message) = parse(raw) else {
        return Digest {
            message_id: String::new(),
            subject: String::new(),
            people: People { bcc: recipients.iter().map(|address| bare(address)).collect(), ..People::default() },
            attachments: 0,
            inline: 0,
            snippet: String::new(),
            search_text: storable(&String::from_utf8_lossy(&raw[..raw.len().min(SEARCHED)])).to_lowercase(),
            tags: Vec::new(),
        };
    };
    let people = people(&message, recipients);
    let content = content(&message);
    let inline = content.files.iter().filter(|file| file.inline).count();
    let subject = storable(message.subject().unwrap_or_default());
    let snippet: Vec<&str> = content.text.split_whitespace().collect();
    let mut search_text = [&subject, &content.text].map(|text| text.to_lowercase()).join("\n");
    for person in people.all() {
        search_text.push('\n');
        search_text.push_str(&person.name.to_lowercase());
        search_text.push(' ');
        search_text.push_str(&person.address.to_lowercase());
    }
    for file in &content.files {
        search_text.push('\n');
        search_text.push_str(&file.name.to_lowercase());
    }
    Digest {
        message_id: storable(message.message_id().unwrap_or_default()),
        subject,
        attachments: count(content.files.len() - inline),
        inline: count(inline),
        snippet: snippet.join(" ").chars().take(SNIPPET).collect(),
        search_text: cut(&storable(&search_text), SEARCHED).to_owned(),
        tags: tags(&message),
        people,
    }
}

impl People {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Person> {
        self.from.iter().chain(&self.to).chain(&self.cc).chain(&self.bcc).chain(&self.reply_to)
    }
}

fn people(message: &Message<'_>, recipients: &[String]) -> People {
    let list = |address: Option<&Address<'_>>| -> Vec<Person> {
        address.into_iter().flat_map(Address::iter).map(person).collect()
    };
    let (to, cc) = (list(message.to()), list(message.cc()));
    let mut bcc = list(message.bcc());
    for address in recipients {
        let named = |person: &Person| person.address.eq_ignore_ascii_case(address);
        if !to.iter().chain(&cc).chain(&bcc).any(named) {
            bcc.push(bare(address));
        }
    }
    let from = list(message.from()).into_iter().next();
    People { from, to, cc, bcc, reply_to: list(message.reply_to()) }
}

fn person(address: &mail_parser::Addr<'_>) -> Person {
    Person {
        name: storable(address.name().unwrap_or_default()),
        address: storable(address.address().unwrap_or_default()),
    }
}

fn bare(address: &str) -> Person {
    Person { name: String::new(), address: storable(address) }
}

/// Mailpit's `X-Tags: one, two`.
fn tags(message: &Message<'_>) -> Vec<String> {
    let header = message.header_raw(HeaderName::from("X-Tags")).unwrap_or_default();
    let mut tags: Vec<String> =
        header.split(',').map(|tag| storable(tag.trim())).filter(|tag| !tag.is_empty() && tag.len() <= 100).collect();
    tags.sort();
    tags.dedup();
    tags.truncate(50);
    tags
}

/// The parts that people see.
pub(crate) fn content(message: &Message<'_>) -> Content {
    let parts = |ids: &[u32]| -> Vec<&MessagePart<'_>> {
        ids.iter().filter_map(|id| message.parts.get(usize::try_from(*id).ok()?)).collect()
    };
    let html = parts(&message.html_body).into_iter().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.clone().into_owned()),
        _ => None,
    });
    let text = message.body_text(0).map(std::borrow::Cow::into_owned).unwrap_or_default();
    let html = html.unwrap_or_default();
    let header = |name: &'static str| {
        let raw = message.header_raw(HeaderName::from(name)).unwrap_or_default();
        storable(raw.trim())
    };
    Content {
        links: links::of(&html, &text),
        text,
        html,
        date: message.date().map(mail_parser::DateTime::to_rfc3339),
        return_path: header("Return-Path").trim_matches(['<', '>']).to_owned(),
        list_unsubscribe: header("List-Unsubscribe"),
        list_unsubscribe_post: header("List-Unsubscribe-Post"),
        files: files(message),
    }
}

fn files(message: &Message<'_>) -> Vec<File> {
    let ids = message.attachments.iter().filter_map(|id| usize::try_from(*id).ok());
    ids.filter_map(|id| Some((id, message.parts.get(id)?))).map(|(id, part)| file(id, part)).collect()
}

/// One part, whatever it is.
pub(crate) fn file(id: usize, part: &MessagePart<'_>) -> File {
    let content_type = part.content_type().map_or_else(
        || match &part.body {
            PartType::Message(_) => "message/rfc822".to_owned(),
            PartType::Text(_) => "text/plain".to_owned(),
            PartType::Html(_) => "text/html".to_owned(),
            _ => "application/octet-stream".to_owned(),
        },
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
    );
    let content_id = storable(part.content_id().unwrap_or_default()).trim_matches(['<', '>']).to_owned();
    let attached = part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
    File {
        part: id,
        name: storable(part.attachment_name().unwrap_or_default()),
        content_type,
        inline: !content_id.is_empty() && !attached,
        content_id,
        bytes: part.contents().to_vec(),
    }
}

/// PostgreSQL's texts hold no zero bytes.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: Shop <shop@example.com>\r\nTo: ann@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
        X-Tags: b, a, b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
        <p>Hello <a href=\"https://example.com/?a=1&amp;b=2\">there</a></p>\r\n--x\r\nContent-Type: text/csv; name=list.csv\r\n\
        Content-Disposition: attachment; filename=list.csv\r\n\r\n1,2\r\n--x--\r\n";

    #[test]
    fn what_a_mail_says() {
        let digest = digest(MAIL, &["ann@example.com".to_owned(), "bob@example.com".to_owned()]);
        assert_eq!(digest.subject, "Grüße");
        assert_eq!(digest.people.bcc, [bare("bob@example.com")]);
        assert_eq!(digest.people.from.map(|from| from.name).as_deref(), Some("Shop"));
        assert_eq!((digest.attachments, digest.inline), (1, 0));
        assert_eq!(digest.snippet, "Hello there");
        assert_eq!(digest.tags, ["a", "b"]);
        assert!(digest.search_text.contains("list.csv"));
        let message = parse(MAIL);
        let content = message.as_ref().map(content);
        assert_eq!(content.map(|content| content.links), Some(vec!["https://example.com/?a=1&b=2".to_owned()]));
    }

    #[test]
    fn anything_can_be_kept() {
        for raw in [&b""[..], b"\0\0\0", b"no header at all", b"Subject: a\0b\r\n\r\n\0", &[0xff; 100]] {
            let digest = digest(raw, &["ann@example.com".to_owned()]);
            assert!(!digest.subject.contains('\0') && !digest.search_text.contains('\0'));
            assert_eq!(digest.people.bcc.len(), 1);
        }
    }
}
