//! Challenges of sign-ins. Anybody may ask for one, so nothing is kept for it: it carries its own end and a proof that it
//! was made here. Only one that has signed somebody in is remembered, until it ends, so that it does so once.

use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::Webauthn;

use super::{ceremony, challenges};
use crate::Handle;
use crate::api::failure::{Code, Failure};
use crate::store::{GenericClient, hash, run};

/// Random bytes, the end (seconds since 1970, big endian), HMAC-SHA256 of both and of whose it is.
const RANDOM: usize = 16;
const SIGNED: usize = RANDOM + 8;

/// A challenge that a browser has answered, proved to be ours.
pub(super) struct Sealed {
    /// As it stands in the answer, without padding.
    text: String,
    ends: Timestamp,
}

fn proof(handle: &Handle, signed: &[u8], user: Option<Uuid>) -> (hmac::Key, Vec<u8>) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &handle.options().keys.derive("webauthn sign-in challenge"));
    let mut message = signed.to_vec();
    message.extend(user.iter().flat_map(|user| *user.as_bytes()));
    (key, message)
}

/// The challenge of a sign-in of `user`, or of whoever has a key.
pub(super) fn issue(handle: &Handle, user: Option<Uuid>) -> Result<String, Failure> {
    let mut bytes = [0; SIGNED];
    let random = &mut bytes[..RANDOM];
    getrandom::fill(random).map_err(|error| Failure::internal("there are no random numbers", &error))?;
    let life = SignedDuration::try_from(challenges::life(handle)).unwrap_or(SignedDuration::ZERO);
    let ends = Timestamp::now().checked_add(life).unwrap_or(Timestamp::MAX);
    bytes[RANDOM..].copy_from_slice(&ends.as_second().to_be_bytes());
    let (key, message) = proof(handle, &bytes, user);
    Ok(challenges::encode(&[&bytes, hmac::sign(&key, &message).as_ref()].concat()))
}

impl Sealed {
    /// The challenge of an answer by a key of `user`.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`]: it was made elsewhere, for somebody else, or has ended.
    pub fn open(handle: &Handle, client_data: &[u8], user: Uuid) -> Result<Self, Failure> {
        let bytes = challenges::decode(client_data)?;
        let (signed, tag) = bytes.split_at_checked(SIGNED).ok_or(Code::InvalidRequest)?;
        let fits = |whose: Option<Uuid>| {
            let (key, message) = proof(handle, signed, whose);
            hmac::verify(&key, &message, tag).is_ok()
        };
        let seconds = signed[RANDOM..].try_into().map(i64::from_be_bytes).map_err(|_| Code::InvalidRequest)?;
        let ends = Timestamp::from_second(seconds).map_err(|_| Code::InvalidRequest)?;
        if !(fits(Some(user)) || fits(None)) || ends <= Timestamp::now() {
            return Err(Code::InvalidRequest.into());
        }
        Ok(Self { text: challenges::encode(&bytes), ends })
    }

    /// What a ceremony with this challenge would have kept.
    pub fn state(&self, party: &Webauthn) -> Result<Value, Failure> {
        let (_, mut kept) = ceremony::start_use(party, &[])?;
        kept["authentication"]["ast"]["challenge"] = json!(self.text);
        Ok(kept)
    }

    /// Nobody signs in with it again.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`]: somebody has.
    pub async fn spend<C: GenericClient>(&self, client: &C, user: Uuid) -> Result<(), Failure> {
        let sql = "INSERT INTO auth.webauthn_challenges (hash, kind, user_id, state, expires_at) \
                   VALUES ($1, 'signed-in', $2, '{}', $3) ON CONFLICT DO NOTHING";
        match run(client, sql, &[&hash(&self.text), &user, &self.ends]).await? {
            1 => Ok(()),
            _ => Err(Code::InvalidRequest.into()),
        }
    }
}
