//! What can go wrong before the door is open; what goes wrong afterwards is an answer to a client, see `answer`.

use std::net::SocketAddr;
use std::path::PathBuf;

use project::{Diagnostic, Exit};

/// Every code of this crate: those of [`Error`] and those of the answers that the gateway gives by itself.
pub const CODES: &[&str] = &[
    "NS-GATE-001",
    "NS-GATE-002",
    "NS-GATE-003",
    "NS-GATE-004",
    "NS-GATE-005",
    "NS-GATE-006",
    "NS-GATE-007",
    "NS-GATE-008",
    "NS-GATE-101",
    "NS-GATE-102",
    "NS-GATE-103",
    "NS-GATE-104",
    "NS-GATE-105",
    "NS-GATE-106",
    "NS-GATE-107",
    "NS-GATE-108",
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("port {} is taken by another program", address.port())]
    PortTaken { address: SocketAddr, setting: &'static str },
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, setting: &'static str, source: std::io::Error },
    #[error("the certificate {} cannot be used", path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error("the key {} does not belong to the certificate {}", key.display(), certificate.display())]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("the local certificate authority in {} cannot be used", directory.display())]
    Authority { directory: PathBuf, reason: String },
    #[error("changing the system's trust store needs more rights")]
    Rights { path: PathBuf, command: String },
    #[error("this system's trust store is not one that nself knows")]
    UnknownStore { certificate: PathBuf },
    #[error("`{command}` failed")]
    StoreCommand { command: String, detail: String },
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "NS-GATE-001",
            Self::Listen { .. } => "NS-GATE-002",
            Self::Certificate { .. } => "NS-GATE-003",
            Self::KeyMismatch { .. } => "NS-GATE-004",
            Self::Authority { .. } => "NS-GATE-005",
            Self::Rights { .. } => "NS-GATE-006",
            Self::UnknownStore { .. } => "NS-GATE-007",
            Self::StoreCommand { .. } => "NS-GATE-008",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::PortTaken { address, .. } => format!("{address} already has a listener"),
            Self::Listen { source, .. } => source.to_string(),
            Self::Certificate { reason, .. } | Self::Authority { reason, .. } => reason.clone(),
            Self::KeyMismatch { .. } => "their public keys differ".to_owned(),
            Self::Rights { path, .. } => format!("{} cannot be written by this user", path.display()),
            Self::UnknownStore { .. } => {
                "neither update-ca-certificates, update-ca-trust nor macOS's security was found".to_owned()
            }
            Self::StoreCommand { detail, .. } => detail.clone(),
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::PortTaken { setting, .. } => {
                format!("set {setting} in .env to a free port, or start with `nself start --auto-ports`")
            }
            Self::Listen { address, setting, .. } if address.port() < 1024 => {
                format!("ports below 1024 need root: set {setting} in .env to 1024 or more, or start as root")
            }
            Self::Listen { setting, .. } => format!("set {setting} in .env to another port"),
            Self::Certificate { .. } => {
                "point SSL_CERT_PATH at a PEM file with the certificate and its chain, then `nself restart`".to_owned()
            }
            Self::KeyMismatch { .. } => "point SSL_KEY_PATH at the key that the certificate was made for".to_owned(),
            Self::Authority { directory, .. } => {
                format!("`nself trust uninstall`, remove {} and `nself trust install`", directory.display())
            }
            Self::Rights { command, .. } => format!("`{command}`"),
            Self::UnknownStore { certificate } => {
                format!("add {} to the trusted certificates of your system by hand", certificate.display())
            }
            Self::StoreCommand { command, .. } => format!("run `{command}` by hand and read what it says"),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Certificate { .. } | Self::KeyMismatch { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::answer::Refusal;

    fn samples() -> Vec<Error> {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        vec![
            Error::PortTaken { address, setting: "GATEWAY_PORT" },
            Error::Listen { address, setting: "GATEWAY_PORT", source: std::io::ErrorKind::PermissionDenied.into() },
            Error::Certificate { path: "a.pem".into(), reason: "no certificate in it".into() },
            Error::KeyMismatch { certificate: "a.pem".into(), key: "b.pem".into() },
            Error::Authority { directory: "/x".into(), reason: "no key".into() },
            Error::Rights { path: "/x".into(), command: "sudo nself trust install".into() },
            Error::UnknownStore { certificate: "/x/root.pem".into() },
            Error::StoreCommand { command: "update-ca-certificates".into(), detail: "status 1".into() },
        ]
    }

    #[test]
    fn every_code_has_its_page_and_its_place_in_the_list() {
        let (errors, refusals) = (samples(), Refusal::samples());
        let mut codes: Vec<&str> = errors.iter().map(|error| error.code()).collect();
        codes.extend(refusals.iter().map(|refusal| refusal.code()));
        assert_eq!(codes, CODES);
        for code in CODES {
            let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../assets/errors/{code}.md"));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            assert!(text.starts_with(&format!("# {code}: ")), "{code} needs a title");
            for part in ["**What it means**", "**Why it happens**", "**What to do**"] {
                assert!(text.contains(part), "{code} lacks {part}");
            }
        }
    }

    #[test]
    fn every_error_says_why_and_what_next() {
        for error in samples() {
            assert!(error.why().is_some() && error.fix().is_some(), "{error}");
        }
    }
}
