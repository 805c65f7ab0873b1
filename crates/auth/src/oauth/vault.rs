//! Encryption of what must be kept as it is: providers' tokens, the private key of id tokens.
//!
//! AES-256-GCM with a random nonce; the place where a value stands is authenticated with it, so that one row's value is
//! nothing in another row.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use project::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// In front of what is encrypted this way. What Nhost's service encrypted with its own key has no such mark.
const MARK: &str = "nself1.";

/// A key.
pub(crate) struct Vault(LessSafeKey);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(••••)")
    }
}

impl Vault {
    pub fn new(key: &[u8; 32]) -> Result<Self, String> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| "the key has no 32 bytes".to_owned())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Of 64 hexadecimal digits.
    pub fn parse(key: &Secret) -> Result<Self, String> {
        let wrong = || "it is 64 hexadecimal digits".to_owned();
        let text = key.expose();
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Self::new(&bytes)
    }

    /// # Errors
    /// The system has no random numbers.
    pub fn seal(&self, place: &str, value: &[u8]) -> Result<String, String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let mut bytes = value.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut bytes)
            .map_err(|_| "the value is too long".to_owned())?;
        let all = [&nonce[..], &bytes].concat();
        Ok(format!("{MARK}{}", STANDARD_NO_PAD.encode(all)))
    }

    /// Nothing when it was encrypted with another key, for another place, or not here.
    pub fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut all = STANDARD_NO_PAD.decode(sealed.strip_prefix(MARK)?).ok()?;
        if all.len() < NONCE_LEN {
            return None;
        }
        let mut bytes = all.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&all).ok()?;
        let length = self.0.open_in_place(nonce, Aad::from(place), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_value_opens_in_its_place_only() {
        let vault = Vault::parse(&Secret::new("5f".repeat(32))).unwrap();
        let sealed = vault.seal("github:1", b"token").unwrap();
        assert!(!sealed.contains("token"));
        assert_eq!(vault.open("github:1", &sealed).as_deref(), Some(&b"token"[..]));
        assert_eq!(vault.open("github:2", &sealed), None);
        assert_eq!(Vault::new(&[1; 32]).unwrap().open("github:1", &sealed), None);
        for other in ["", "token", MARK, "nself1.AAAA", "nself1.!"] {
            assert_eq!(vault.open("github:1", other), None, "{other}");
        }
        assert_ne!(vault.seal("github:1", b"token").unwrap(), sealed);
        for wrong in ["", "5f", &"zz".repeat(32), &"é".repeat(32)] {
            assert!(Vault::parse(&Secret::new(wrong.to_owned())).is_err());
        }
    }
}
