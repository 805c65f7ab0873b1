//! Mails as the pages show them.

use jiff::Timestamp;

use crate::parse::{self, Content, Person};
use crate::store::{Counts, Stored, Summary, Window};

/// Characters of a source that a page shows; the rest can be downloaded.
const SHOWN: usize = 500_000;

pub(super) struct PageView {
    pub summary: String,
    pub lines: Vec<LineView>,
    pub start: i64,
    pub newer: i64,
    pub older: i64,
    pub more: bool,
}

pub(super) struct LineView {
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub snippet: String,
    pub created: Timestamp,
    pub attachments: i32,
    pub read: bool,
}

impl PageView {
    pub(super) fn new(messages: Vec<Summary>, counts: Counts, window: Window) -> Self {
        let shown = i64::try_from(messages.len()).unwrap_or(i64::MAX);
        let noun = if counts.total == 1 { "message" } else { "messages" };
        let older = window.start.saturating_add(window.limit);
        let range = if shown == counts.total {
            String::new()
        } else {
            format!("; {} to {} are shown", window.start + 1, window.start + shown)
        };
        Self {
            summary: format!("{} {noun}, {} unread{range}", counts.total, counts.unread),
            lines: messages.into_iter().map(LineView::new).collect(),
            start: window.start,
            newer: (window.start - window.limit).max(0),
            older,
            more: older < counts.total,
        }
    }
}

impl LineView {
    fn new(message: Summary) -> Self {
        let people = &message.people;
        let to: Vec<&str> = people.to.iter().chain(&people.cc).chain(&people.bcc).map(|one| &*one.address).collect();
        let from = people.from.as_ref().map(|from| if from.name.is_empty() { &from.address } else { &from.name });
        Self {
            from: from.filter(|from| !from.is_empty()).cloned().unwrap_or_else(|| "(no sender)".to_owned()),
            to: to.join(", "),
            subject: subject(&message.subject),
            id: message.id,
            snippet: message.snippet,
            created: message.created,
            attachments: message.attachments,
            read: message.read,
        }
    }
}

fn subject(subject: &str) -> String {
    if subject.trim().is_empty() { "(no subject)".to_owned() } else { subject.to_owned() }
}

pub(super) struct MailView {
    pub id: String,
    pub subject: String,
    pub people: Vec<(&'static str, String)>,
    pub created: Timestamp,
    pub size: String,
    pub faces: Vec<FaceView>,
    pub face: Shown,
}

pub(super) struct FaceView {
    pub name: &'static str,
    pub label: String,
    pub current: bool,
}

/// What of a mail the page shows.
pub(super) enum Shown {
    Html { remote: bool },
    Text(String),
    Source(String),
    Headers(Vec<(String, String)>),
    Links(Vec<String>),
    Files(Vec<FileView>),
}

pub(super) struct FileView {
    pub part: usize,
    pub name: String,
    pub content_type: String,
    pub size: String,
    pub inline: bool,
}

impl MailView {
    /// `face` is one of html, text, source, headers, links and files; anything else is the best there is.
    pub(super) fn new(stored: &Stored, face: &str, remote: bool) -> Self {
        let summary = &stored.summary;
        let content = parse::parse(&stored.raw).map(|message| parse::content(&message));
        let html = content.as_ref().is_some_and(|content| !content.html.is_empty());
        let known = ["html", "text", "source", "headers", "links", "files"];
        let best = if html { "html" } else { "text" };
        let current = known.into_iter().find(|known| *known == face && (html || face != "html")).unwrap_or(best);
        let count = |of: fn(&Content) -> usize| content.as_ref().map_or(0, of);
        let label = |name: &str| match name {
            "html" => "HTML".to_owned(),
            "text" => "Text".to_owned(),
            "source" => "Source".to_owned(),
            "headers" => "Headers".to_owned(),
            "links" => format!("Links ({})", count(|content| content.links.len())),
            _ => format!("Attachments ({})", count(|content| content.files.len())),
        };
        let faces = known
            .into_iter()
            .filter(|name| html || *name != "html")
            .map(|name| FaceView { name, label: label(name), current: name == current })
            .collect();
        Self {
            id: summary.id.clone(),
            subject: subject(&summary.subject),
            people: people(stored),
            created: summary.created,
            size: size(stored.raw.len()),
            faces,
            face: shown(current, stored, content, remote),
        }
    }
}

fn shown(face: &str, stored: &Stored, content: Option<Content>, remote: bool) -> Shown {
    let source = || {
        let text = String::from_utf8_lossy(&stored.raw);
        text.chars().take(SHOWN).collect::<String>().replace("\r\n", "\n")
    };
    match (face, content) {
        ("html", Some(_)) => Shown::Html { remote },
        ("text", Some(content)) => Shown::Text(content.text.replace("\r\n", "\n")),
        ("links", Some(content)) => Shown::Links(content.links),
        ("files", Some(content)) => Shown::Files(content.files.into_iter().map(FileView::new).collect()),
        ("headers", Some(_)) => Shown::Headers(headers(&stored.raw)),
        // What cannot be read is shown as it is.
        _ => Shown::Source(source()),
    }
}

fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let headers = crate::api::headers(raw).into_iter();
    headers
        .flat_map(|(name, values)| {
            let values = values.as_array().cloned().unwrap_or_default();
            values.into_iter().map(move |value| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        })
        .collect()
}

fn people(stored: &Stored) -> Vec<(&'static str, String)> {
    let people = &stored.summary.people;
    let from: Vec<Person> = people.from.iter().cloned().collect();
    let lists =
        [("From", &from), ("To", &people.to), ("Cc", &people.cc), ("Bcc", &people.bcc), ("Reply to", &people.reply_to)];
    lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(label, list)| (label, names(list))).collect()
}

fn names(people: &[Person]) -> String {
    let name = |person: &Person| match &*person.name {
        "" => person.address.clone(),
        name => format!("{name} <{}>", person.address),
    };
    people.iter().map(name).collect::<Vec<_>>().join(", ")
}

impl FileView {
    fn new(file: parse::File) -> Self {
        Self {
            part: file.part,
            name: if file.name.is_empty() { format!("part {}", file.part) } else { file.name },
            content_type: file.content_type,
            size: size(file.bytes.len()),
            inline: file.inline,
        }
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
