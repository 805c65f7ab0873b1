//! Whether a stored SCRAM verifier belongs to a password.
//!
//! The driver's own client half of the protocol does the work: it is shown a server that knows nothing but the
//! verifier, and accepts that server's signature exactly when the password is the verifier's. The messages are those
//! of RFC 5802 with SHA-256 (RFC 7677); a verifier is `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use sha2::{Digest, Sha256};

/// True when `verifier` was made from `password`; false for another password and for any other kind of hash.
pub(crate) fn fits(verifier: &str, password: &str) -> bool {
    accepted(verifier, password).is_some()
}

fn accepted(verifier: &str, password: &str) -> Option<()> {
    let (iterations, rest) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let server_key = STANDARD.decode(keys.split_once(':')?.1).ok()?;
    let mut client = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    let hello = std::str::from_utf8(client.message()).ok()?.strip_prefix("n,,")?.to_owned();
    let nonce = hello.split_once(",r=")?.1;
    let challenge = format!("r={nonce}server,s={salt},i={iterations}");
    client.update(challenge.as_bytes()).ok()?;
    let answer = std::str::from_utf8(client.message()).ok()?;
    let unproven = answer.rsplit_once(",p=")?.0;
    let signature = hmac(&server_key, format!("{hello},{challenge},{unproven}").as_bytes());
    client.finish(format!("v={}", STANDARD.encode(signature)).as_bytes()).ok()
}

/// HMAC-SHA-256 (RFC 2104) with a key of at most one block, which every key here is.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_fits_its_own_password_only() {
        let verifier = postgres_protocol::password::scram_sha_256("pässwort with ünïcode".as_bytes());
        assert!(fits(&verifier, "pässwort with ünïcode"));
        assert!(!fits(&verifier, "another"));
        assert!(!fits(&verifier, ""));
    }

    #[test]
    fn other_hashes_fit_nothing() {
        for verifier in ["", "md5acbd18db4cc2f85cedef654fccc4a4d8", "SCRAM-SHA-256$4096:x", "SCRAM-SHA-256$4096:x$y:z"]
        {
            assert!(!fits(verifier, "foo"), "{verifier}");
        }
    }

    #[test]
    fn hmac_is_the_one_of_rfc_4231() {
        let hex: String = hmac(b"Jefe", b"what do ya want for nothing?").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
