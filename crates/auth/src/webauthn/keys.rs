//! `auth.user_security_keys`, as upstream fills it: the id in base64 for URLs, the key as COSE.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio_postgres::{Error, Row};
use uuid::Uuid;
use webauthn_rs::prelude::{CredentialID, Passkey, RegisterPublicKeyCredential};
use webauthn_rs_core::proto::{Credential, CredentialV3, UserVerificationPolicy};

use super::cose;
use crate::Handle;
use crate::api::failure::{Code, Failure};
use crate::store::{GenericClient, duplicate, one, row, rows, run};

/// A key of a user.
#[derive(Debug, Clone)]
pub struct Key {
    pub id: Uuid,
    pub user: Uuid,
    credential_id: String,
    public_key: Option<Vec<u8>>,
    counter: i64,
    transports: String,
}

impl Key {
    fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get(0)?,
            user: row.try_get(1)?,
            credential_id: row.try_get(2)?,
            public_key: row.try_get(3)?,
            counter: row.try_get(4)?,
            transports: row.try_get(5)?,
        })
    }

    /// A key that nobody has, always the same for an address: an account without keys, or none, looks as if it had one.
    pub fn decoy(handle: &Handle, email: &str) -> Self {
        let id = handle.options().keys.derive(&format!("decoy key of {}", email.to_ascii_lowercase()));
        Self {
            id: Uuid::nil(),
            user: Uuid::nil(),
            credential_id: URL_SAFE_NO_PAD.encode(id),
            public_key: None,
            counter: 0,
            transports: "internal,hybrid".to_owned(),
        }
    }

    /// The id as browsers know it; none of a row that somebody has broken.
    pub fn id_bytes(&self) -> Option<CredentialID> {
        URL_SAFE_NO_PAD.decode(self.credential_id.trim_end_matches('=')).ok()
    }

    /// As `allowCredentials` lists it.
    pub fn descriptor(&self) -> Value {
        let id = self.credential_id.trim_end_matches('=');
        let transports: Vec<&str> = self.transports.split(',').filter(|name| !name.is_empty()).collect();
        if transports.is_empty() {
            json!({ "type": "public-key", "id": id })
        } else {
            json!({ "type": "public-key", "id": id, "transports": transports })
        }
    }

    /// The key as webauthn-rs wants it. The table does not tell whether a key can be copied to other devices, so that is
    /// taken from the answer at hand, as upstream does; the answer is signed.
    pub fn credential(&self, authenticator_data: &[u8]) -> Option<Credential> {
        // Byte 32 of the authenticator data: flags (WebAuthn level 3, 6.1).
        let flags = authenticator_data.get(32)?;
        let old = CredentialV3 {
            cred_id: self.id_bytes()?,
            cred: cose::decode(self.public_key.as_deref()?)?,
            counter: u32::try_from(self.counter).ok()?,
            verified: true,
            registration_policy: UserVerificationPolicy::Required,
        };
        let credential = Credential::from(old);
        Some(Credential { backup_eligible: flags & 0x08 != 0, backup_state: flags & 0x10 != 0, ..credential })
    }
}

const OF_USER: &str = "SELECT id, user_id, credential_id, credential_public_key, counter, transports \
                       FROM auth.user_security_keys WHERE user_id = $1 ORDER BY id";
const OF_CREDENTIAL: &str = "SELECT id, user_id, credential_id, credential_public_key, counter, transports \
                             FROM auth.user_security_keys WHERE credential_id = $1";

pub async fn of_user<C: GenericClient>(client: &C, user: Uuid) -> Result<Vec<Key>, Error> {
    rows(client, OF_USER, &[&user]).await?.iter().map(Key::of).collect()
}

pub async fn of_credential<C: GenericClient>(client: &C, id: &[u8]) -> Result<Option<Key>, Error> {
    row(client, OF_CREDENTIAL, &[&URL_SAFE_NO_PAD.encode(id)]).await?.as_ref().map(Key::of).transpose()
}

/// A new key of a user; the row's id.
///
/// # Errors
/// [`Code::InvalidRequest`]: somebody has it already.
pub async fn insert<C: GenericClient>(
    client: &C,
    user: Uuid,
    passkey: &Passkey,
    answer: &RegisterPublicKeyCredential,
    nickname: Option<&str>,
) -> Result<Uuid, Failure> {
    let sql = "INSERT INTO auth.user_security_keys \
               (user_id, credential_id, credential_public_key, counter, transports, nickname) \
               VALUES ($1, $2, $3, 0, $4, $5) RETURNING id";
    let id = URL_SAFE_NO_PAD.encode(passkey.cred_id());
    let key = cose::encode(passkey.get_public_key());
    match one(client, sql, &[&user, &id, &key, &transports(answer), &nickname]).await {
        Ok(row) => Ok(row.try_get(0)?),
        Err(error) if duplicate(&error).is_some() => Err(Code::InvalidRequest.into()),
        Err(error) => Err(error.into()),
    }
}

/// How the browser reaches the key, by the standard's names; a hint for the next time.
fn transports(answer: &RegisterPublicKeyCredential) -> String {
    let named =
        answer.response.transports.iter().flatten().filter_map(|transport| serde_json::to_value(transport).ok());
    let named: Vec<String> = named.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    named.join(",")
}

/// Keeps the counter of an answer; false when another answer was counted later, which is a sign of a copied key.
/// Most keys of today do not count: theirs stays 0.
pub async fn count<C: GenericClient>(client: &C, key: Uuid, counter: i64) -> Result<bool, Error> {
    let sql = "UPDATE auth.user_security_keys SET counter = $2 \
               WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))";
    Ok(run(client, sql, &[&key, &counter]).await? == 1)
}
