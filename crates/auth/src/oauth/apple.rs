//! What only Apple does: the client's secret is a token that the client signs, and a user's name comes once, in a form.

use base64::Engine;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use project::Secret;
use serde_json::{Value, json};

use super::options::Provider;

/// Seconds that a secret lives. It is used at once.
const LIFE: i64 = 300;

/// A client secret, as Apple's "Creating a client secret" describes it.
///
/// # Errors
/// A setting is missing, or the key is no PEM of a P-256 key (also in base64, or with `\n` for its line ends).
pub(crate) fn client_secret(settings: &Provider) -> Result<Secret, String> {
    let missing = |name: &str| format!("AUTH_PROVIDER_APPLE_{name} is not set");
    let key = settings.private_key.as_ref().ok_or_else(|| missing("PRIVATE_KEY"))?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(settings.key_id.clone().ok_or_else(|| missing("KEY_ID"))?);
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": settings.team_id.as_ref().ok_or_else(|| missing("TEAM_ID"))?,
        "iat": now,
        "exp": now + LIFE,
        "aud": "https://appleid.apple.com",
        "sub": settings.client_id,
    });
    let key = EncodingKey::from_ec_pem(pem(key)?.expose().as_bytes()).map_err(|_| NO_KEY.to_owned())?;
    jsonwebtoken::encode(&header, &claims, &key).map(Secret::new).map_err(|_| NO_KEY.to_owned())
}

const NO_KEY: &str = "it is no PEM of a P-256 private key";

fn pem(key: &Secret) -> Result<Secret, String> {
    let text = key.expose().replace("\\n", "\n");
    if text.starts_with("-----BEGIN") {
        return Ok(Secret::new(text));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|_| NO_KEY.to_owned())?;
    String::from_utf8(bytes).map(Secret::new).map_err(|_| NO_KEY.to_owned())
}

/// The name in the `user` field of the form, which Apple sends at the first sign-in only. A browser could change it, so
/// nothing else is taken from there.
pub(crate) fn name(posted: &str) -> Option<String> {
    let user: Value = serde_json::from_str(posted).ok()?;
    let part = |place: &str| user.pointer(place).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{} {}", part("/name/firstName"), part("/name/lastName"));
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(r#"{"name":{"firstName":"Ann","lastName":"Lee"}}"#).as_deref(), Some("Ann Lee"));
        assert_eq!(name(r#"{"name":{"firstName":"Ann"}}"#).as_deref(), Some("Ann"));
        for none in ["", "{}", "[]", r#"{"name":"x"}"#] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
