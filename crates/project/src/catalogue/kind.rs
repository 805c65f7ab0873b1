//! Kinds of values and what makes a value of each kind right.

use crate::{mask, value};

/// What a value is. Says how it is checked, shown and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A short name of letters, digits, `-` and `_` that ends up in names of containers, networks and folders.
    Name,
    /// `true` or `false`; also `yes`/`no`, `on`/`off`, `1`/`0`.
    Flag,
    /// A whole number between two bounds, both included.
    Integer {
        min: i64,
        max: i64,
    },
    /// A TCP port, 1 to 65535.
    Port,
    /// A host name or domain, without scheme and port.
    Domain,
    /// A sub-domain label, or a whole domain when it ends in the base domain.
    Route,
    Url,
    Email,
    /// `900` (seconds), `15m`, `36h`, `7d`, `1h30m`.
    Duration,
    /// `52428800`, `100M`, `256MB`, `4Gi`; units are powers of 1024.
    Bytes,
    /// `0.25` or `250m`: parts of one core.
    Cpu,
    /// `10r/s`, `100r/m`, `1000r/h`.
    Rate,
    /// Five fields, or `hourly`, `daily`, `weekly`, `monthly`.
    Cron,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Entries between commas.
    List,
    /// A file or folder, relative to the project's root.
    Path,
    /// Never shown.
    Secret(Strength),
}

/// What a secret is for, which says how strong it must be and whether nself can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Guards a login; at least 16 characters.
    Password,
    /// Signs or encrypts; at least 32 characters in dev, 40 in staging, 48 in prod.
    Key,
    /// Given by somebody else (an API token, a URL with a password in it): only its presence counts.
    External,
}

impl Kind {
    /// The kind's name on the reference page.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Flag => "flag",
            Self::Integer { .. } => "integer",
            Self::Port => "port",
            Self::Domain => "domain",
            Self::Route => "route",
            Self::Url => "url",
            Self::Email => "email",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::Cpu => "cpu",
            Self::Rate => "rate",
            Self::Cron => "cron",
            Self::Choice(_) => "choice",
            Self::List => "list",
            Self::Path => "path",
            Self::Secret(_) => "secret",
        }
    }

    /// Whether `text` is a value of this kind; the error is the rest of the sentence "NAME …". Secrets are checked
    /// for strength elsewhere, because that depends on the environment.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let right = match self {
            Self::Text | Self::List | Self::Secret(_) => !text.contains('\0'),
            Self::Name => value::is_name(text),
            Self::Flag => value::flag(text).is_some(),
            Self::Integer { min, max } => value::integer(text).is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Port => value::port(text).is_some(),
            Self::Domain => value::is_domain(text),
            Self::Route => value::is_route(text),
            Self::Url => value::is_url(text),
            Self::Email => value::is_email(text),
            Self::Duration => value::duration(text).is_some(),
            Self::Bytes => value::bytes(text).is_some(),
            Self::Cpu => value::millicores(text).is_some(),
            Self::Rate => value::rate(text).is_some(),
            Self::Cron => value::is_cron(text),
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
            Self::Path => !text.contains(['\0', '\n']),
        };
        match (right, self) {
            (true, _) => Ok(()),
            (false, Self::Secret(_)) => Err(self.wanted()),
            (false, _) => Err(format!("{}, not `{}`", self.wanted(), shorten(&mask::inside(text)))),
        }
    }

    /// [`Kind::check`] for a value that holds a secret: the message does not repeat it.
    pub(crate) fn check_hidden(&self, text: &str) -> Result<(), String> {
        self.check(text).map_err(|_| format!("{}; what it refers to is a secret and not shown", self.wanted()))
    }

    fn wanted(&self) -> String {
        match self {
            Self::Text | Self::List | Self::Path | Self::Secret(_) => {
                "must not hold a zero byte or a line break".into()
            }
            Self::Name => "must be a name of letters, digits, `-` and `_` that starts with a letter or digit".into(),
            Self::Flag => "must be true or false".into(),
            Self::Integer { min, max } if *max == i64::MAX => format!("must be a whole number of at least {min}"),
            Self::Integer { min, max } => format!("must be a whole number from {min} to {max}"),
            Self::Port => "must be a port from 1 to 65535".into(),
            Self::Domain => "must be a domain such as example.com, without scheme, path or port".into(),
            Self::Route => "must be a sub-domain label such as `api`, or a whole domain".into(),
            Self::Url => "must be a URL such as https://example.com".into(),
            Self::Email => "must be an e-mail address".into(),
            Self::Duration => "must be a duration such as 900 (seconds), 15m, 36h or 7d".into(),
            Self::Bytes => "must be a size such as 256M, 2G or a number of bytes".into(),
            Self::Cpu => "must be a part of a core such as 0.5 or 500m".into(),
            Self::Rate => "must be a rate such as 10r/s or 100r/m".into(),
            Self::Cron => {
                "must be a schedule of five fields such as `0 2 * * *`, or hourly, daily, weekly, monthly".into()
            }
            Self::Choice(words) => format!("must be one of {}", words.join(", ")),
        }
    }
}

/// Values in messages are cut: a value in the wrong place may be long, and a key pasted into the wrong line should not
/// be repeated in full.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
