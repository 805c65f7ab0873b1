//! The two ceremonies of WebAuthn level 3, by webauthn-rs: registering a key and using one.
//!
//! Options go out as upstream sends them: without the outer `publicKey`, the user's id as the text of its UUID.

use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnError,
};

use super::keys::Key;
use crate::api::failure::{Code, Failure};

/// Options for `navigator.credentials.create`, and what is to be kept for the answer. Of `known` keys there is to be no
/// second one.
pub fn start_registration(
    party: &Webauthn,
    user: Uuid,
    name: &str,
    display_name: &str,
    known: Vec<CredentialID>,
) -> Result<(Value, Value), Failure> {
    let (options, state) = party
        .start_passkey_registration(user, name, display_name, Some(known))
        .map_err(|error| Failure::internal("a key cannot be asked for", &error))?;
    let mut options = json(&options.public_key)?;
    options["user"]["id"] = user.to_string().into();
    // A key that can be found without an e-mail address, where the device can.
    options["authenticatorSelection"]["residentKey"] = "preferred".into();
    options["authenticatorSelection"]["requireResidentKey"] = false.into();
    Ok((options, json(&state)?))
}

/// # Errors
/// [`Code::InvalidRequest`]: the answer is not one to this question.
pub fn finish_registration(
    party: &Webauthn,
    answer: &RegisterPublicKeyCredential,
    kept: &Value,
) -> Result<Passkey, Failure> {
    let state: PasskeyRegistration = read(&kept["registration"])?;
    party.finish_passkey_registration(answer, &state).map_err(|error| refuse(&error))
}

/// Options for `navigator.credentials.get`: of these keys, or of any when there are none.
pub fn start_use(party: &Webauthn, keys: &[Key]) -> Result<(Value, Value), Failure> {
    let (options, state) = party
        .start_discoverable_authentication()
        .map_err(|error| Failure::internal("a key cannot be asked for", &error))?;
    let mut options = json(&options.public_key)?;
    let allowed: Vec<Value> = keys.iter().map(Key::descriptor).collect();
    options["allowCredentials"] = allowed.into();
    Ok((options, json!({ "authentication": json(&state)? })))
}

/// The key's new counter.
///
/// # Errors
/// [`Code::InvalidRequest`]: the answer is not one to this question, or not by this key.
pub fn finish_use(party: &Webauthn, answer: &PublicKeyCredential, kept: &Value, key: &Key) -> Result<i64, Failure> {
    let state: DiscoverableAuthentication = read(&kept["authentication"])?;
    let credential = key.credential(&answer.response.authenticator_data).ok_or(Code::InvalidRequest)?;
    let result =
        party.finish_discoverable_authentication_v2(answer, state, credential).map_err(|error| refuse(&error))?;
    Ok(i64::from(result.counter()))
}

fn refuse(error: &WebauthnError) -> Failure {
    tracing::info!(%error, "a security key is refused");
    Code::InvalidRequest.into()
}

fn json<T: serde::Serialize>(value: &T) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::internal("a key's ceremony is no JSON", &error))
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| Failure::internal("a key's ceremony cannot be read back", &error))
}
