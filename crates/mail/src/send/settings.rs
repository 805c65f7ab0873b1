//! Which provider the settings mean, and with what.

use project::{Diagnostic, Exit, Settings};

use super::smtp::Security;
use super::{Api, Mailgun, Postmark, Provider, Ses, Smtp};
use crate::message::Mailbox;

/// A provider that `EMAIL_PROVIDER` can name.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub name: &'static str,
    /// For people.
    pub about: &'static str,
    /// What has to be set.
    pub needs: &'static [&'static str],
    /// Where its SMTP server is, for those that are reached by SMTP.
    smtp: Option<(&'static str, u16)>,
}

const ACCOUNT: &[&str] = &["SMTP_USER", "SMTP_PASS"];

const fn smtp(name: &'static str, about: &'static str, host: &'static str, port: u16) -> Known {
    Known { name, about, needs: ACCOUNT, smtp: Some((host, port)) }
}

/// Every provider; those after `ses` are SMTP servers whose address is known.
pub const KNOWN: &[Known] = &[
    Known { name: "mailpit", about: "this project's mail catcher: nothing leaves", needs: &[], smtp: None },
    Known { name: "smtp", about: "any SMTP server", needs: &["SMTP_HOST"], smtp: None },
    Known { name: "sendgrid", about: "SendGrid's HTTP API", needs: &["SENDGRID_API_KEY"], smtp: None },
    Known { name: "postmark", about: "Postmark's HTTP API", needs: &["POSTMARK_API_KEY"], smtp: None },
    Known { name: "mailgun", about: "Mailgun's HTTP API", needs: &["MAILGUN_API_KEY", "MAILGUN_DOMAIN"], smtp: None },
    Known {
        name: "ses",
        about: "Amazon SES's HTTP API",
        needs: &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"],
        smtp: None,
    },
    smtp("gmail", "Gmail by SMTP, with an app password", "smtp.gmail.com", 587),
    smtp("outlook", "Outlook by SMTP", "smtp-mail.outlook.com", 587),
    smtp("brevo", "Brevo by SMTP", "smtp-relay.brevo.com", 587),
    smtp("resend", "Resend by SMTP", "smtp.resend.com", 587),
    smtp("sparkpost", "SparkPost by SMTP", "smtp.sparkpostmail.com", 587),
    smtp("mandrill", "Mandrill by SMTP", "smtp.mandrillapp.com", 587),
    smtp("elastic-email", "Elastic Email by SMTP", "smtp.elasticemail.com", 2525),
    smtp("mailersend", "MailerSend by SMTP", "smtp.mailersend.net", 587),
    Known { name: "postfix", about: "the mail server of this machine", needs: &[], smtp: Some(("localhost", 25)) },
];

/// Other names for them, as the Bash tool took them.
const ALIASES: &[(&str, &str)] = &[
    ("development", "mailpit"),
    ("mailhog", "mailpit"),
    ("custom", "smtp"),
    ("aws-ses", "ses"),
    ("elastic", "elastic-email"),
    ("mailchimp", "mandrill"),
];

/// What about the settings does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("EMAIL_PROVIDER names nobody that nself knows")]
    Unknown,
    #[error("{provider} needs {name}")]
    Missing { provider: &'static str, name: &'static str },
    #[error("{name} cannot be used")]
    Wrong { name: &'static str, why: String },
    #[error("mail goes nowhere: EMAIL_PROVIDER is mailpit, and there is no mail catcher")]
    NoCatcher,
}

impl Diagnostic for SettingError {
    fn code(&self) -> &'static str {
        "NS-MAIL-005"
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Unknown => {
                Some(format!("it is one of {}", KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", ")))
            }
            Self::Missing { .. } => None,
            Self::Wrong { why, .. } => Some(why.clone()),
            Self::NoCatcher => Some("MAILPIT_ENABLED is false, and what is switched on sends mail".to_owned()),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Unknown | Self::NoCatcher => "nself email list, then nself email configure <provider>".to_owned(),
            Self::Missing { name, .. } | Self::Wrong { name, .. } => format!("nself config set {name}"),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Known {
    /// By its name or one of its other names.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(&*name, |(_, name)| name);
        KNOWN.iter().find(|known| known.name == name)
    }

    /// The provider that the settings choose: `EMAIL_PROVIDER`; where only `AUTH_SMTP_HOST` is set, that server.
    ///
    /// # Errors
    /// There is no such provider.
    pub fn chosen(settings: &Settings) -> Result<&'static Self, SettingError> {
        let name = match settings.text("EMAIL_PROVIDER") {
            Some(name) if settings.is_set("EMAIL_PROVIDER") && !name.is_empty() => name,
            _ if auth_server(settings).is_some() => "smtp",
            _ => "mailpit",
        };
        Self::find(name).ok_or(SettingError::Unknown)
    }

    /// Those of its settings that have no value.
    pub fn missing(&self, settings: &Settings) -> Vec<&'static str> {
        let by_auth = auth_server(settings).is_some();
        let empty =
            |name: &&&str| settings.text(name).is_none_or(str::is_empty) && !(by_auth && name.starts_with("SMTP_"));
        self.needs.iter().filter(empty).copied().collect()
    }
}

impl Provider {
    /// # Errors
    /// `EMAIL_PROVIDER` is unknown, or something that it needs is not set.
    pub fn of(settings: &Settings) -> Result<Self, SettingError> {
        let known = Known::chosen(settings)?;
        let text = |name: &'static str| settings.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        // As the Bash tool set providers up: by their SMTP servers, in auth's settings.
        if let Some(missing) = known.missing(settings).first() {
            if known.smtp.is_none() && auth_server(settings).is_some() {
                return Ok(Self::Smtp(server(settings, None)?));
            }
            return Err(SettingError::Missing { provider: known.name, name: missing });
        }
        let secret = |name: &'static str| {
            let found = settings.secret(name).filter(|secret| !secret.expose().is_empty());
            found.ok_or(SettingError::Missing { provider: known.name, name })
        };
        let api = |name| Ok(Api { key: secret(name)?, url: text("EMAIL_API_URL") });
        let missing = |name| SettingError::Missing { provider: known.name, name };
        Ok(match known.name {
            "mailpit" => Self::Mailpit,
            "sendgrid" => Self::SendGrid(api("SENDGRID_API_KEY")?),
            "postmark" => Self::Postmark(Postmark {
                api: api("POSTMARK_API_KEY")?,
                stream: text("POSTMARK_MESSAGE_STREAM").unwrap_or_else(|| "outbound".to_owned()),
            }),
            "mailgun" => Self::Mailgun(Mailgun {
                api: api("MAILGUN_API_KEY")?,
                domain: text("MAILGUN_DOMAIN").ok_or_else(|| missing("MAILGUN_DOMAIN"))?,
            }),
            "ses" => Self::Ses(Ses {
                region: text("AWS_REGION").ok_or_else(|| missing("AWS_REGION"))?,
                access_key: text("AWS_ACCESS_KEY_ID").ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?,
                secret_key: secret("AWS_SECRET_ACCESS_KEY")?,
                session_token: settings.secret("AWS_SESSION_TOKEN").filter(|token| !token.expose().is_empty()),
                configuration_set: text("SES_CONFIGURATION_SET"),
                url: text("EMAIL_API_URL"),
            }),
            _ => Self::Smtp(server(settings, known.smtp)?),
        })
    }
}

/// The sender's address: `AUTH_SMTP_SENDER`, `EMAIL_FROM` or `SMTP_FROM`, the first that is set.
///
/// # Errors
/// It is no address.
pub fn from_address(settings: &Settings) -> Result<Mailbox, SettingError> {
    let names = ["AUTH_SMTP_SENDER", "EMAIL_FROM", "SMTP_FROM"];
    let name = names.into_iter().find(|name| settings.is_set(name)).unwrap_or("EMAIL_FROM");
    let text = settings.text(name).unwrap_or_default();
    text.parse().map_err(|error: crate::Invalid| SettingError::Wrong { name, why: error.to_string() })
}

/// The server that auth's own settings name, unless it is the catcher.
fn auth_server(settings: &Settings) -> Option<&str> {
    let host = settings.text("AUTH_SMTP_HOST").filter(|_| settings.is_set("AUTH_SMTP_HOST"))?;
    (!host.is_empty() && !matches!(host, "mailpit" | "mailhog")).then_some(host)
}

/// The SMTP server of `SMTP_*`, of a known provider, or of `AUTH_SMTP_*`.
fn server(settings: &Settings, known: Option<(&str, u16)>) -> Result<Smtp, SettingError> {
    let own = settings.text("SMTP_HOST").filter(|host| !host.is_empty());
    let set_port = |name: &str| settings.port(name).filter(|_| settings.is_set(name));
    let (host, port, prefix) = match (own, known, auth_server(settings)) {
        (Some(host), _, _) => (host, settings.port("SMTP_PORT").unwrap_or(587), "SMTP"),
        (None, Some((host, port)), _) => (host, set_port("SMTP_PORT").unwrap_or(port), "SMTP"),
        (None, None, Some(host)) => (host, settings.port("AUTH_SMTP_PORT").unwrap_or(587), "AUTH_SMTP"),
        (None, None, None) => return Err(SettingError::Missing { provider: "smtp", name: "SMTP_HOST" }),
    };
    // A known provider may also have been set up in auth's settings.
    let account = |prefix: &str| {
        let user = settings.text(&format!("{prefix}_USER")).filter(|user| !user.is_empty())?;
        Some((user.to_owned(), settings.secret(&format!("{prefix}_PASS"))?))
    };
    let credentials = account(prefix).or_else(|| account("AUTH_SMTP").filter(|_| own.is_none()));
    let secure = settings.flag(&format!("{prefix}_SECURE"));
    let authority = match settings.text("SMTP_CA_FILE").filter(|path| !path.is_empty()) {
        Some(path) => Some(
            std::fs::read(path)
                .map_err(|error| SettingError::Wrong { name: "SMTP_CA_FILE", why: format!("{path}: {error}") })?,
        ),
        None => None,
    };
    Ok(Smtp {
        security: security(host, port, secure, credentials.is_some()),
        host: host.to_owned(),
        port,
        credentials,
        authority,
    })
}

/// A password never travels in the clear to another machine, whatever the settings say.
fn security(host: &str, port: u16, secure: bool, credentials: bool) -> Security {
    let here = matches!(host, "localhost" | "127.0.0.1" | "::1");
    match (port, secure) {
        (465, _) => Security::Tls,
        (_, true) if here && port == 25 => Security::Opportunistic,
        (_, true) => Security::StartTls,
        (_, false) if here => Security::None,
        (_, false) if credentials => Security::StartTls,
        (_, false) => Security::Opportunistic,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(values: &[(&str, &str)]) -> Settings {
        let base = [("PROJECT_NAME", "shop"), ("BASE_DOMAIN", "example.com")];
        Settings::from_pairs(project::EnvName::dev(), base.into_iter().chain(values.iter().copied())).unwrap()
    }

    #[test]
    fn settings_choose_a_provider() {
        assert!(matches!(Provider::of(&settings(&[])), Ok(Provider::Mailpit)));
        let of = |values: &[(&str, &str)]| Provider::of(&settings(values));
        assert!(matches!(of(&[("EMAIL_PROVIDER", "nobody")]), Err(SettingError::Unknown)));
        let missing = SettingError::Missing { provider: "sendgrid", name: "SENDGRID_API_KEY" };
        assert_eq!(of(&[("EMAIL_PROVIDER", "sendgrid")]).unwrap_err(), missing);
        assert!(matches!(of(&[("EMAIL_PROVIDER", "SendGrid"), ("SENDGRID_API_KEY", "k")]), Ok(Provider::SendGrid(_))));
        let gmail = of(&[("EMAIL_PROVIDER", "gmail"), ("SMTP_USER", "ann"), ("SMTP_PASS", "p")]).unwrap();
        let Provider::Smtp(gmail) = gmail else { panic!("{gmail:?}") };
        assert_eq!((&*gmail.host, gmail.port, gmail.security), ("smtp.gmail.com", 587, Security::StartTls));
        let auth = of(&[("AUTH_SMTP_HOST", "mail.example.com"), ("AUTH_SMTP_PORT", "465")]).unwrap();
        let Provider::Smtp(auth) = auth else { panic!("{auth:?}") };
        assert_eq!((&*auth.host, auth.port, auth.security), ("mail.example.com", 465, Security::Tls));
        assert!(matches!(of(&[("AUTH_SMTP_HOST", "mailpit")]), Ok(Provider::Mailpit)));
    }

    #[test]
    fn passwords_do_not_travel_in_the_clear() {
        assert_eq!(security("mail.example.com", 2525, false, true), Security::StartTls);
        assert_eq!(security("mail.example.com", 25, false, false), Security::Opportunistic);
        assert_eq!(security("127.0.0.1", 1025, false, true), Security::None);
        assert_eq!(security("mail.example.com", 465, false, true), Security::Tls);
    }

    #[test]
    fn the_sender() {
        let of = |values: &[(&str, &str)]| from_address(&settings(values)).unwrap().address().to_owned();
        assert_eq!(of(&[]), "noreply@example.com");
        assert_eq!(of(&[("EMAIL_FROM", "Shop <shop@example.org>")]), "shop@example.org");
        assert_eq!(of(&[("EMAIL_FROM", "a@example.org"), ("AUTH_SMTP_SENDER", "b@example.org")]), "b@example.org");
    }
}
