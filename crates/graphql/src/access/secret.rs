//! The admin secrets, kept as digests: comparing those takes the same time whatever was given and however long it is.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What the secrets hash to.
pub struct Digests(Vec<[u8; 32]>);

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digests({})", self.0.len())
    }
}

impl Digests {
    pub fn new(secrets: &[project::Secret]) -> Self {
        Self(secrets.iter().map(|secret| digest(secret.expose().as_bytes())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is one of them. All are compared, so that time does not tell which.
    pub fn contain(&self, given: &[u8]) -> bool {
        let given = digest(given);
        let found = self.0.iter().fold(Choice::from(0), |found, secret| found | secret.ct_eq(&given));
        found.into()
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
