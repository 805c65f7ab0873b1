//! What a provider says about a user, in one shape.

use serde_json::Value;

use super::table::{Emails, Picture, Shape, Verified};
use crate::api::body::Email;

/// A user as a provider knows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Profile {
    /// The provider's id of the account. Never empty.
    pub id: String,
    pub email: Option<Email>,
    /// The account's owner has proven to have the address.
    pub email_verified: bool,
    pub name: Option<String>,
    /// An http or https URL.
    pub picture: Option<String>,
    /// Two letters.
    pub locale: Option<String>,
}

/// What decides beside the profile itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trust {
    /// The settings say whether addresses are verified.
    pub email: Option<bool>,
    /// The settings name a directory of one organisation.
    pub own_tenant: bool,
}

/// Characters of a name.
const NAME: usize = 100;

impl Profile {
    /// Reads a profile; nothing when it has no id.
    pub fn read(shape: &Shape, json: &Value, trust: Trust) -> Option<Self> {
        let root = json.pointer(shape.root)?;
        let id = text(root, shape.id).filter(|id| id.len() <= 255)?;
        let email = shape.email.iter().find_map(|place| text(root, place)).and_then(|email| Email::parse(&email));
        let verified = match shape.verified {
            Verified::Flag(place) => is_true(root, place),
            Verified::Set(place) => text(root, place).is_some(),
            Verified::Always => true,
            Verified::OwnTenant => trust.own_tenant || is_true(root, "/email_verified"),
            Verified::Never => false,
        };
        let picture = match shape.picture {
            Picture::None => None,
            Picture::At(place) => text(root, place),
            Picture::Discord(place) => {
                text(root, place).map(|hash| format!("https://cdn.discordapp.com/avatars/{id}/{hash}.png"))
            }
        };
        Some(Self {
            email_verified: email.is_some() && trust.email.unwrap_or(verified),
            email,
            name: name(root, shape.name),
            picture: picture.filter(|url| url.starts_with("https://") || url.starts_with("http://")),
            locale: text(root, shape.locale).and_then(locale),
            id,
        })
    }

    /// Takes the address from a list of them: the verified primary one, else one that is verified, else any.
    pub fn with_emails(mut self, emails: &Emails, json: &Value, trust: Trust) -> Self {
        let list = json.pointer(emails.list).and_then(Value::as_array);
        let mut best: Option<(u8, Email)> = None;
        for entry in list.into_iter().flatten() {
            let Some(email) = text(entry, emails.address).and_then(|email| Email::parse(&email)) else { continue };
            let verified = is_true(entry, emails.verified);
            let rank = u8::from(verified) * 2 + u8::from(verified && is_true(entry, emails.primary));
            if best.as_ref().is_none_or(|(found, _)| *found < rank) {
                best = Some((rank, email));
            }
        }
        if let Some((rank, email)) = best {
            self.email = Some(email);
            self.email_verified = trust.email.unwrap_or(rank >= 2);
        }
        self
    }

    /// A name that came in another way than in the profile.
    pub fn with_name(mut self, name: &str) -> Self {
        if let Some(name) = clean(name) {
            self.name = Some(name);
        }
        self
    }
}

/// A text or a number at a place.
fn text(json: &Value, place: &str) -> Option<String> {
    if place.is_empty() {
        return None;
    }
    match json.pointer(place)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Apple once wrote `"true"`.
fn is_true(json: &Value, place: &str) -> bool {
    match json.pointer(place) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

fn name(json: &Value, alternatives: &[&[&str]]) -> Option<String> {
    alternatives.iter().find_map(|places| {
        let parts: Vec<String> = places.iter().filter_map(|place| text(json, place)).collect();
        clean(&parts.join(" "))
    })
}

fn clean(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|char| !char.is_control()).take(NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// `en-GB`, `en_GB` and `en` are `en`.
fn locale(text: String) -> Option<String> {
    let language = text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    (language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(language)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::table;
    use super::*;

    fn read(provider: &str, json: &Value) -> Profile {
        let shape = &table::find(provider).unwrap().shape;
        Profile::read(shape, json, Trust::default()).unwrap()
    }

    #[test]
    fn an_address_is_verified_only_when_the_provider_says_so() {
        for (provider, profile, verified) in [
            ("google", json!({"sub": "1", "email": "a@b.org", "email_verified": true}), true),
            ("google", json!({"sub": "1", "email": "a@b.org", "email_verified": false}), false),
            ("google", json!({"sub": "1", "email": "a@b.org"}), false),
            ("apple", json!({"sub": "1", "email": "a@b.org", "email_verified": "true"}), true),
            ("apple", json!({"sub": "1", "email": "a@b.org", "email_verified": "false"}), false),
            ("discord", json!({"id": "1", "email": "a@b.org", "verified": false}), false),
            ("gitlab", json!({"id": 1, "email": "a@b.org", "confirmed_at": "2020-01-01T00:00:00Z"}), true),
            ("gitlab", json!({"id": 1, "email": "a@b.org", "confirmed_at": null}), false),
            ("spotify", json!({"id": "1", "email": "a@b.org"}), false),
            ("windowslive", json!({"id": "1", "emails": {"preferred": "a@b.org"}}), false),
            ("workos", json!({"id": "1", "email": "a@b.org"}), false),
            ("azuread", json!({"oid": "1", "email": "a@b.org"}), false),
            ("facebook", json!({"id": "1", "email": "a@b.org"}), true),
            ("twitch", json!({"data": [{"id": "1", "email": "a@b.org"}]}), true),
        ] {
            let found = read(provider, &profile);
            assert_eq!(found.email.unwrap().as_str(), "a@b.org", "{provider}");
            assert_eq!(found.email_verified, verified, "{provider} {profile}");
        }
        let shape = &table::find("azuread").unwrap().shape;
        let json = json!({"oid": "1", "email": "a@b.org"});
        let of_one = Trust { own_tenant: true, ..Trust::default() };
        assert!(Profile::read(shape, &json, of_one).unwrap().email_verified);
        let refused = Trust { email: Some(false), own_tenant: true };
        assert!(!Profile::read(shape, &json, refused).unwrap().email_verified);
    }

    #[test]
    fn lists_of_addresses() {
        let emails = table::find("github").unwrap().emails.unwrap();
        let pick = |list: Value| {
            let found = Profile::default().with_emails(&emails, &list, Trust::default());
            (found.email.map(Email::into_string).unwrap_or_default(), found.email_verified)
        };
        let entry = |email: &str, verified, primary| json!({"email": email, "verified": verified, "primary": primary});
        let (new, old, main) = (entry("n@x", false, true), entry("o@x", true, false), entry("m@x", true, true));
        assert_eq!(pick(json!([new, old, main])), ("m@x".to_owned(), true));
        assert_eq!(pick(json!([new, old])), ("o@x".to_owned(), true), "verified wins over primary");
        assert_eq!(pick(json!([new])), ("n@x".to_owned(), false));
        assert_eq!(pick(json!([])), (String::new(), false));
    }

    #[test]
    fn what_is_no_name_picture_or_id() {
        let found = read("google", &json!({"sub": "1", "name": "A\nB\u{0}", "picture": "javascript:alert(1)"}));
        assert_eq!((found.name.as_deref(), found.picture), (Some("AB"), None));
        let shape = &table::find("google").unwrap().shape;
        for json in [json!({}), json!({"sub": ""}), json!({"sub": null}), json!({"sub": "x".repeat(300)}), json!([])] {
            assert_eq!(Profile::read(shape, &json, Trust::default()), None, "{json}");
        }
        assert_eq!(read("google", &json!({"sub": "1", "locale": "en-GB"})).locale.as_deref(), Some("en"));
        assert_eq!(read("linkedin", &json!({"sub": "1", "locale": {"language": "de"}})).locale.as_deref(), Some("de"));
    }
}
