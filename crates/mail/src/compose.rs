//! A [`Message`] as the bytes that travel (RFC 5322, MIME). lettre writes them; what it does not check is checked before.

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Body, MultiPart, SinglePart};

use crate::message::{Attachment, Invalid, Message};

/// The mail as lettre's, whose envelope names all recipients and whose text names all but the blind copies'.
///
/// # Errors
/// The message is not valid.
pub(crate) fn compose(message: &Message) -> Result<lettre::Message, Invalid> {
    message.check()?;
    // With the sender's domain: this machine's name is nobody's business.
    let id = format!("<{}@{}>", uuid::Uuid::new_v4().simple(), message.from.parsed().email.domain());
    let mut builder = lettre::Message::builder().from(message.from.parsed().clone()).date_now().message_id(Some(id));
    for mailbox in &message.reply_to {
        builder = builder.reply_to(mailbox.parsed().clone());
    }
    for mailbox in &message.to {
        builder = builder.to(mailbox.parsed().clone());
    }
    for mailbox in &message.cc {
        builder = builder.cc(mailbox.parsed().clone());
    }
    for mailbox in &message.bcc {
        builder = builder.bcc(mailbox.parsed().clone());
    }
    builder = builder.subject(message.subject.clone());
    for (name, value) in &message.headers {
        let name = HeaderName::new_from_ascii(name.clone())
            .map_err(|_| Invalid::new("the name of a header", "it is not one"))?;
        builder = builder.raw_header(HeaderValue::new(name, value.clone()));
    }
    let built = match body(message)? {
        Content::Single(part) => builder.singlepart(part),
        Content::Multi(part) => builder.multipart(part),
    };
    built.map_err(|_| Invalid::new("the mail", "it has no sender or no recipients"))
}

enum Content {
    Single(SinglePart),
    Multi(MultiPart),
}

fn body(message: &Message) -> Result<Content, Invalid> {
    let (inline, attached): (Vec<_>, Vec<_>) =
        message.attachments.iter().partition(|attachment| attachment.content_id.is_some());
    let html = message.html.as_ref().map(|html| words(html, ContentType::TEXT_HTML));
    let html = match html {
        Some(html) if !inline.is_empty() => {
            let mut related = MultiPart::related().singlepart(html);
            for attachment in inline {
                related = related.singlepart(file(attachment)?);
            }
            Some(Content::Multi(related))
        }
        other => other.map(Content::Single),
    };
    let text = message.text.as_ref().map(|text| words(text, ContentType::TEXT_PLAIN));
    let said = match (text, html) {
        (Some(text), Some(Content::Single(html))) => {
            Content::Multi(MultiPart::alternative().singlepart(text).singlepart(html))
        }
        (Some(text), Some(Content::Multi(html))) => {
            Content::Multi(MultiPart::alternative().singlepart(text).multipart(html))
        }
        (None, Some(html)) => html,
        (Some(text), None) => Content::Single(text),
        (None, None) => Content::Single(words("", ContentType::TEXT_PLAIN)),
    };
    if attached.is_empty() {
        return Ok(said);
    }
    let mut mixed = match said {
        Content::Single(part) => MultiPart::mixed().singlepart(part),
        Content::Multi(part) => MultiPart::mixed().multipart(part),
    };
    for attachment in attached {
        mixed = mixed.singlepart(file(attachment)?);
    }
    Ok(Content::Multi(mixed))
}

/// Readable in the source, in any language: lettre would choose base64 where that is shorter, and tests look for links
/// in sources.
fn words(text: &str, kind: ContentType) -> SinglePart {
    let body = Body::new(text.to_owned());
    let body = match body.encoding() {
        ContentTransferEncoding::Base64 => {
            Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable).unwrap_or(body)
        }
        _ => body,
    };
    SinglePart::builder().header(kind).body(body)
}

fn file(attachment: &Attachment) -> Result<SinglePart, Invalid> {
    let kind = ContentType::parse(&attachment.content_type)
        .map_err(|_| Invalid::new("the type of an attachment", "it is not a media type"))?;
    let part = match &attachment.content_id {
        Some(id) => Part::new_inline_with_name(id.clone(), attachment.name.clone()),
        None => Part::new(attachment.name.clone()),
    };
    Ok(part.body(Body::new(attachment.content.to_vec()), kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_mail_with_everything() {
        let mut message = Message::new(
            "Käse <shop@example.com>".parse().unwrap(),
            vec!["ann@example.com".parse().unwrap()],
            "Grüße aus dem Laden",
        );
        message.bcc.push("boss@example.com".parse().unwrap());
        message.text = Some("Hallo Änne".to_owned());
        message.html = Some("<p>Hallo Änne</p><img src=\"cid:logo\">".to_owned());
        message.headers.push(("X-Ticket".to_owned(), "verifyEmail:1".to_owned()));
        let attachment = |name: &str, content_id: Option<&str>| Attachment {
            name: name.to_owned(),
            content_type: "image/png".to_owned(),
            content: Bytes::from_static(b"\x89PNG"),
            content_id: content_id.map(str::to_owned),
        };
        message.attachments = vec![attachment("logo.png", Some("logo")), attachment("scan.png", None)];
        let composed = compose(&message).unwrap();
        assert_eq!(composed.envelope().to().len(), 2);
        let bytes = composed.formatted();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains("boss@example.com"), "{text}");
        let read = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.subject(), Some("Grüße aus dem Laden"));
        assert_eq!(read.body_text(0).unwrap().trim(), "Hallo Änne");
        assert!(text.contains("Hallo =C3=84nne"), "{text}");
        assert!(read.body_html(0).unwrap().contains("cid:logo"));
        assert_eq!(read.attachment_count(), 2);
        assert_eq!(read.header("X-Ticket").unwrap().as_text(), Some("verifyEmail:1"));
    }
}
