//! Public keys as COSE (RFC 9052), the form of `credential_public_key`.

use serde_cbor_2::Value;
use webauthn_rs::prelude::{COSEKey, COSEKeyType};

/// Labels of RFC 9053: what is the same for all kinds of keys, and what is not.
const KIND: i128 = 1;
const ALGORITHM: i128 = 3;
const FIRST: i128 = -1;
const SECOND: i128 = -2;
const THIRD: i128 = -3;

/// The key's bytes; maps are in the canonical order.
pub fn encode(key: &COSEKey) -> Vec<u8> {
    let number = |number: i128| Value::Integer(number);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let (kind, mut parts) = match &key.key {
        COSEKeyType::EC_OKP(key) => (1, vec![(FIRST, number(key.curve.clone() as i128)), (SECOND, bytes(&key.x))]),
        COSEKeyType::EC_EC2(key) => {
            (2, vec![(FIRST, number(key.curve.clone() as i128)), (SECOND, bytes(&key.x)), (THIRD, bytes(&key.y))])
        }
        COSEKeyType::RSA(key) => (3, vec![(FIRST, bytes(&key.n)), (SECOND, bytes(&key.e))]),
    };
    parts.push((KIND, number(kind)));
    parts.push((ALGORITHM, number(key.type_ as i128)));
    let map = parts.into_iter().map(|(label, value)| (Value::Integer(label), value)).collect();
    serde_cbor_2::to_vec(&Value::Map(map)).unwrap_or_default()
}

/// None: it is no key of a kind that is in use.
pub fn decode(bytes: &[u8]) -> Option<COSEKey> {
    let value: Value = serde_cbor_2::from_slice(bytes).ok()?;
    COSEKey::try_from(&value).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The generator of P-256, as an authenticator would write it.
    #[test]
    fn there_and_back() {
        let hex = "a5010203262001215820\
                   6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296225820\
                   4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let key = decode(&bytes).unwrap();
        assert_eq!(encode(&key), bytes);
        assert!(decode(&bytes[1..]).is_none() && decode(b"").is_none());
    }
}
