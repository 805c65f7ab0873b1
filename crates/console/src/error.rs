use std::path::PathBuf;

use project::{Diagnostic, Exit};

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] = &["NS-CON-001", "NS-CON-002", "NS-CON-003", "NS-CON-004"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("sign in to see the console")]
    SignIn,
    #[error("this sign-in link was used already or has expired")]
    Link,
    #[error("the request came from another site")]
    Origin,
    #[error("{} could not be written", path.display())]
    Redirect { path: PathBuf, source: std::io::Error },
}

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::SignIn => "NS-CON-001",
            Self::Link => "NS-CON-002",
            Self::Origin => "NS-CON-003",
            Self::Redirect { .. } => "NS-CON-004",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::SignIn => Some("a session lasts 12 hours and ends when the stack stops".to_owned()),
            Self::Link => Some("a link works once, within five minutes".to_owned()),
            Self::Origin => Some("the Origin header does not name the host that the request was sent to".to_owned()),
            Self::Redirect { source, .. } => Some(source.to_string()),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::SignIn | Self::Link => "nself console open".to_owned(),
            Self::Origin => "open the console at the address that `nself urls` prints".to_owned(),
            Self::Redirect { .. } => "nself console open --print".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::SignIn | Self::Link | Self::Origin => Exit::Auth,
            Self::Redirect { .. } => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed() {
        let redirect = Error::Redirect { path: PathBuf::new(), source: std::io::ErrorKind::Other.into() };
        let errors = [Error::SignIn, Error::Link, Error::Origin, redirect];
        let codes: Vec<_> = errors.iter().map(Diagnostic::code).collect();
        assert_eq!(codes, CODES);
    }
}
