//! The secret that makes replacements: whoever lacks it can neither compute nor guess them, and with it the same original
//! always gives the same replacement, on every machine and in every table.

use std::path::Path;

use hmac::{Hmac, Mac};
use project::Secret;
use sha2::Sha256;

use super::MaskError;

type HmacSha256 = Hmac<Sha256>;

/// Fewest characters of a key that a person wrote.
const SHORTEST: usize = 32;

/// bcrypt's cost: a thousand rounds, for a password that is no secret.
const COST: u32 = 10;

/// Changes when replacements are computed otherwise, so that nobody joins two versions' output without noticing.
const VERSION: &str = "nself anonymize 1";

/// The key of an anonymisation.
#[derive(Clone)]
pub struct Key(HmacSha256);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// # Errors
    /// [`MaskError::Key`] when it has fewer than 32 characters.
    pub fn new(secret: &Secret) -> Result<Self, MaskError> {
        let text = secret.expose().trim();
        if text.chars().count() < SHORTEST {
            return Err(MaskError::Key { problem: format!("the key has fewer than {SHORTEST} characters") });
        }
        Ok(Self(keyed(text.as_bytes())))
    }

    /// The key in `file`, which is made (32 random bytes as hexadecimal digits, mode 0600) when it is not there.
    ///
    /// # Errors
    /// [`MaskError::Key`] when it cannot be read or written, when others can read it, or when it is too short.
    pub fn of_file(file: &Path) -> Result<Self, MaskError> {
        let problem = |what: &str, error: &dyn std::fmt::Display| MaskError::Key {
            problem: format!("{} cannot be {what}: {error}", file.display()),
        };
        match std::fs::read_to_string(file) {
            Ok(text) => {
                only_the_owners(file)?;
                Self::new(&Secret::new(text))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut random = [0; 32];
                getrandom::fill(&mut random).map_err(|error| problem("made", &error))?;
                let text = hexadecimal(&random);
                project::files::write(file, text.as_bytes(), Some(project::files::PRIVATE))
                    .map_err(|error| problem("written", &error))?;
                Self::new(&Secret::new(text))
            }
            Err(error) => Err(problem("read", &error)),
        }
    }

    /// The bcrypt hash of a password that everybody is to have; the same for the same key.
    ///
    /// # Errors
    /// [`MaskError::Key`] when bcrypt cannot take it: more than 72 bytes, or a NUL.
    pub fn password_hash(&self, password: &Secret) -> Result<String, MaskError> {
        let mut salt = [0; 16];
        salt.copy_from_slice(&self.purpose("password").digest(&[password.expose().as_bytes()])[..16]);
        let hashed = bcrypt::non_truncating_hash_with_salt(password.expose(), COST, salt);
        let problem = |error| MaskError::Key { problem: format!("NSELF_ANONYMIZE_PASSWORD cannot be used: {error}") };
        Ok(hashed.map_err(problem)?.format_for_version(bcrypt::Version::TwoB))
    }

    /// A function of its own for one purpose.
    pub(super) fn purpose(&self, purpose: &str) -> Prf {
        let mut mac = self.0.clone();
        mac.update(VERSION.as_bytes());
        mac.update(&[0]);
        mac.update(purpose.as_bytes());
        Prf(keyed(&mac.finalize().into_bytes()))
    }
}

fn only_the_owners(file: &Path) -> Result<(), MaskError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).map(|found| found.permissions().mode()).unwrap_or(0o777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(MaskError::Key { problem: format!("others than its owner can read {}", file.display()) })
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// A pseudo-random function of one purpose: HMAC-SHA-256 (RFC 2104) under a key derived for it.
#[derive(Clone)]
pub(super) struct Prf(HmacSha256);

impl Prf {
    /// 32 bytes that only this input gives. Parts are told apart by their lengths.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// An endless stream of draws that depends on the input alone.
    pub fn stream(&self, input: &[u8]) -> Draws<'_> {
        self.draws(&[input])
    }

    /// The same of several parts.
    pub fn draws(&self, parts: &[&[u8]]) -> Draws<'_> {
        let seed = self.digest(parts);
        Draws { prf: self, seed, block: seed, used: 0, blocks: 0 }
    }
}

/// Numbers drawn from a [`Prf`].
pub(super) struct Draws<'a> {
    prf: &'a Prf,
    seed: [u8; 32],
    block: [u8; 32],
    /// Bytes of `block` that are used up.
    used: usize,
    blocks: u64,
}

impl Draws<'_> {
    pub fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.blocks += 1;
            self.block = self.prf.digest(&[&self.seed, &self.blocks.to_le_bytes()]);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    pub fn next(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Below `limit`, which is at least 1 and at most 2^20; some results are likelier by at most one part in 4,096.
    pub fn below(&mut self, limit: u32) -> u32 {
        let word = u32::from_le_bytes(std::array::from_fn(|_| self.byte()));
        ((u64::from(word) * u64::from(limit.max(1))) >> 32) as u32
    }

    pub fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len() as u32) as usize]
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anonymize.key");
        let first = Key::of_file(&file).unwrap().purpose("a").digest(&[b"x"]);
        assert_eq!(Key::of_file(&file).unwrap().purpose("a").digest(&[b"x"]), first);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(Key::of_file(&file).is_err(), "somebody else may have read it");
    }

    #[test]
    fn purposes_and_parts_are_told_apart() {
        let key = Key::new(&Secret::new("k".repeat(32))).unwrap();
        assert_ne!(key.purpose("a").digest(&[b"x"]), key.purpose("b").digest(&[b"x"]));
        assert_ne!(key.purpose("a").digest(&[b"xy", b"z"]), key.purpose("a").digest(&[b"x", b"yz"]));
        assert!(Key::new(&Secret::new("short".to_owned())).is_err());
    }
}
