//! The mails of this service, made from templates.
//!
//! A template is three files, `<locale>/<name>/subject.txt`, `body.html` and `body.txt`, in the project's folder
//! (`nself/emails`) or built in. They are read at each sending, so a change counts at once. Variables are written as
//! Nhost's templates write them, `${link}`, or as Jinja does, `{{ link }}`: `link`, `ticket`, `displayName`, `email`,
//! `newEmail`, `redirectTo`, `locale`, `serverUrl`, `clientUrl`, and `code` where one is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::Handle;
use crate::api::failure::Failure;
use crate::mailer::Message;
use crate::redirect;
use crate::store::users::User;
use crate::tickets::Kind;

/// How long the next hop may take to accept a mail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A template, by upstream's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Template {
    EmailVerify,
    EmailConfirmChange,
    SigninPasswordless,
    SigninOtp,
    /// Has only `body.txt`, sent as a text message.
    SigninPasswordlessSms,
    PasswordReset,
}

impl Template {
    #[cfg(test)]
    pub const ALL: [Self; 6] = [
        Self::EmailVerify,
        Self::EmailConfirmChange,
        Self::SigninPasswordless,
        Self::SigninOtp,
        Self::SigninPasswordlessSms,
        Self::PasswordReset,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailVerify => "email-verify",
            Self::EmailConfirmChange => "email-confirm-change",
            Self::SigninPasswordless => "signin-passwordless",
            Self::SigninOtp => "signin-otp",
            Self::SigninPasswordlessSms => "signin-passwordless-sms",
            Self::PasswordReset => "password-reset",
        }
    }
}

/// A mail to send.
#[derive(Debug)]
pub(crate) struct Email<'a> {
    pub template: Template,
    pub to: &'a str,
    pub user: &'a User,
    /// What the link carries and what it is good for; or a code that is typed in.
    pub secret: Carried<'a>,
    pub redirect_to: &'a str,
}

/// What a mail carries.
pub(crate) enum Carried<'a> {
    Ticket(Kind, &'a str),
    Code(&'a str),
}

// Both are secrets.
impl std::fmt::Debug for Carried<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Carried(••••)")
    }
}

/// Sends a mail; returns when it is accepted. Inside a transaction: before the commit, so that nothing is kept when the
/// mail cannot be sent.
///
/// # Errors
/// The template cannot be rendered, or nobody accepts the mail.
pub(crate) async fn send(handle: &Handle, email: &Email<'_>) -> Result<(), Failure> {
    let message = compose(handle, email).map_err(|why| Failure::internal("a mail cannot be written", &why))?;
    let sent = tokio::time::timeout(PATIENCE, handle.options().mailer.send(message)).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::internal("a mail cannot be sent", &error)),
        Err(_) => Err(Failure::internal("a mail cannot be sent", &"the mail server does not answer in time")),
    }
}

/// The text of a text message with a code.
///
/// # Errors
/// The template cannot be rendered.
pub(crate) fn text_message(handle: &Handle, user: &User, code: &str) -> Result<String, Failure> {
    let variables = [("code", code), ("displayName", &*user.display_name), ("locale", &*user.locale)];
    render(handle, &user.locale, Template::SigninPasswordlessSms, "body.txt", &variables)
        .and_then(|text| text.ok_or_else(|| "there is no such template".to_owned()))
        .map(|text| text.trim().to_owned())
        .map_err(|why| Failure::internal("a text message cannot be written", &why))
}

fn compose(handle: &Handle, email: &Email<'_>) -> Result<Message, String> {
    let options = handle.options();
    let user = email.user;
    let (link, ticket, code) = match email.secret {
        Carried::Ticket(kind, ticket) => (link(handle, kind, ticket, email.redirect_to), ticket, ""),
        Carried::Code(code) => (String::new(), code, code),
    };
    let variables = [
        ("link", &*link),
        ("ticket", ticket),
        ("code", code),
        ("displayName", &*user.display_name),
        ("email", user.email.as_deref().unwrap_or_default()),
        ("newEmail", user.new_email.as_deref().unwrap_or_default()),
        ("redirectTo", email.redirect_to),
        ("locale", &*user.locale),
        ("serverUrl", &*options.server_url),
        ("clientUrl", &*options.client_url),
    ];
    let part = |file: &str| render(handle, &user.locale, email.template, file, &variables);
    let missing = |file: &str| format!("{} has no {file}", email.template.as_str());
    let subject = part("subject.txt")?.ok_or_else(|| missing("subject.txt"))?;
    Ok(Message {
        to: email.to.to_owned(),
        subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
        html: part("body.html")?.ok_or_else(|| missing("body.html"))?,
        text: part("body.txt")?,
        headers: vec![
            ("X-Ticket", ticket.to_owned()),
            ("X-Redirect-To", email.redirect_to.to_owned()),
            ("X-Email-Template", email.template.as_str().to_owned()),
            ("X-Link", link),
        ],
    })
}

/// The link of a mail: back to this service, which sends the browser on.
fn link(handle: &Handle, kind: Kind, ticket: &str, redirect_to: &str) -> String {
    let verify = format!("{}/verify", handle.options().server_url.trim_end_matches('/'));
    redirect::with(&verify, &[("redirectTo", redirect_to), ("ticket", ticket), ("type", kind.link())])
}

/// A part in the user's language, else in the default one. `None`: no language has it.
fn render(
    handle: &Handle,
    locale: &str,
    template: Template,
    file: &str,
    variables: &[(&str, &str)],
) -> Result<Option<String>, String> {
    let default = &*handle.options().accounts.default_locale;
    let found = [locale, default, "en"].iter().find_map(|locale| source(handle, locale, template, file));
    let Some(source) = found else { return Ok(None) };
    let html = file.ends_with(".html");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    // Values are escaped here: minijinja's own escaping also changes slashes, which makes links unreadable.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let value = |text: &str| if html { escape(text) } else { text.to_owned() };
    let variables: BTreeMap<&str, Value> =
        variables.iter().map(|(name, text)| (*name, Value::from(value(text)))).collect();
    let rendered = environment.render_named_str(file, &jinja(&source), Value::from(variables));
    rendered.map(Some).map_err(|error| format!("{}/{file}: {error}", template.as_str()))
}

/// A file of the project, else the built-in one.
fn source(handle: &Handle, locale: &str, template: Template, file: &str) -> Option<String> {
    // It becomes part of a path.
    if locale.is_empty() || !locale.chars().all(|char| char.is_ascii_alphanumeric() || char == '-') {
        return None;
    }
    let own = handle.options().emails.as_ref().map(|folder| folder.join(locale).join(template.as_str()).join(file));
    let own = own.and_then(|path| std::fs::read_to_string(path).ok());
    own.or_else(|| builtin(locale, template, file).map(str::to_owned))
}

macro_rules! builtins {
    ($($name:literal $file:literal,)+) => {
        /// The built-in templates: path below a folder of templates, and text. For whoever wants to begin with them.
        pub const BUILTIN: &[(&str, &str)] = &[$((
            concat!("en/", $name, "/", $file),
            include_str!(concat!("../../../assets/auth/emails/en/", $name, "/", $file)),
        )),+];
    };
}

fn builtin(locale: &str, template: Template, file: &str) -> Option<&'static str> {
    let path = format!("{locale}/{}/{file}", template.as_str());
    BUILTIN.iter().find(|(found, _)| *found == path).map(|(_, text)| *text)
}

builtins! {
    "email-verify" "subject.txt",
    "email-verify" "body.html",
    "email-verify" "body.txt",
    "email-confirm-change" "subject.txt",
    "email-confirm-change" "body.html",
    "email-confirm-change" "body.txt",
    "signin-passwordless" "subject.txt",
    "signin-passwordless" "body.html",
    "signin-passwordless" "body.txt",
    "signin-otp" "subject.txt",
    "signin-otp" "body.html",
    "signin-otp" "body.txt",
    "password-reset" "subject.txt",
    "password-reset" "body.html",
    "password-reset" "body.txt",
    "signin-passwordless-sms" "body.txt",
}

/// `${name}` as Jinja writes it. Anything else after a `$` stays.
fn jinja(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) if !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric()) => {
                out.push_str("{{ ");
                out.push_str(name);
                out.push_str(" }}");
                rest = tail;
            }
            _ => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_variables() {
        assert_eq!(jinja("a ${link} {{ ticket }} ${ x } $5 ${"), "a {{ link }} {{ ticket }} ${ x } $5 ${");
    }

    #[test]
    fn every_template_is_built_in() {
        for template in Template::ALL {
            let only_text = template == Template::SigninPasswordlessSms;
            for file in ["subject.txt", "body.html", "body.txt"] {
                assert_eq!(
                    builtin("en", template, file).is_some(),
                    !only_text || file == "body.txt",
                    "{template:?} {file}"
                );
            }
        }
    }
}
