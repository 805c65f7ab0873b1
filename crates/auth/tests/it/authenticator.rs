//! A security key made of software, with the browser around it (WebAuthn level 3).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, SigningKey};
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Flags of authenticator data: the user is there, was verified; the key can be copied and was; a key is attached.
const PRESENT: u8 = 0x01;
pub const VERIFIED: u8 = 0x04;
pub const IN_CLOUD: u8 = 0x18;
const ATTACHED: u8 = 0x40;

pub struct Authenticator {
    key: KeyPair,
    id: Vec<u8>,
    pub counter: u32,
    pub origin: &'static str,
    pub flags: u8,
    /// What it was told at registration, as a browser gives it back.
    user_handle: Option<String>,
}

impl Authenticator {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let id = Sha256::digest(key.public_key_raw()).to_vec();
        let flags = PRESENT | VERIFIED;
        Self { key, id, counter: 0, origin: "http://localhost:3000", flags, user_handle: None }
    }

    /// The id in base64, as it is stored.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data =
            json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn data(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn cose(&self) -> Vec<u8> {
        let point = self.key.public_key_raw();
        assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point of P-256");
        let parts = [(1, Cbor::Integer(2)), (3, Cbor::Integer(-7)), (-1, Cbor::Integer(1))];
        let mut map: BTreeMap<Cbor, Cbor> =
            parts.into_iter().map(|(label, value)| (Cbor::Integer(label), value)).collect();
        map.insert(Cbor::Integer(-2), Cbor::Bytes(point[1..33].to_vec()));
        map.insert(Cbor::Integer(-3), Cbor::Bytes(point[33..].to_vec()));
        serde_cbor_2::to_vec(&Cbor::Map(map)).unwrap()
    }

    /// `navigator.credentials.create`
    pub fn create(&mut self, options: &Value) -> Value {
        let rp_id = options["rp"]["id"].as_str().unwrap();
        self.user_handle = options["user"]["id"].as_str().map(str::to_owned);
        let mut data = self.data(rp_id, self.flags | ATTACHED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose());
        let text = |text: &str| Cbor::Text(text.to_owned());
        let object = BTreeMap::from([
            (text("fmt"), text("none")),
            (text("attStmt"), Cbor::Map(BTreeMap::new())),
            (text("authData"), Cbor::Bytes(data)),
        ]);
        let object = serde_cbor_2::to_vec(&Cbor::Map(object)).unwrap();
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", options)),
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// `navigator.credentials.get`
    pub fn get(&self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(options["rpId"].as_str().unwrap(), self.flags);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let signature = self.key.sign(&signed).unwrap();
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": self.user_handle,
            },
        })
    }
}
