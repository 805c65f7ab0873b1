//! The settings of sign-in providers: `AUTH_PROVIDER_<NAME>_…`.

use std::collections::BTreeMap;

use project::Secret;

use super::table;

/// Which providers there are, and what all of them share.
#[derive(Debug, Clone)]
pub struct Options {
    /// By the name that paths have: `github`.
    pub providers: BTreeMap<&'static str, Provider>,
    /// Only the browser that began a sign-in may end it; a cookie tells (`AUTH_PROVIDERS_COOKIE`).
    pub browser_cookie: bool,
    /// Encrypts providers' tokens in the database, 32 bytes in hexadecimal digits. None: one that is made from the key
    /// of our own tokens (`AUTH_ENCRYPTION_KEY`).
    pub encryption_key: Option<Secret>,
}

impl Default for Options {
    fn default() -> Self {
        Self { providers: BTreeMap::new(), browser_cookie: true, encryption_key: None }
    }
}

/// One provider. Names in brackets come after `AUTH_PROVIDER_<NAME>_`.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// Empty: there is no sign-in through a browser, only id tokens (`CLIENT_ID`, Twitter's `CONSUMER_KEY`).
    pub client_id: String,
    /// `CLIENT_SECRET`, Twitter's `CONSUMER_SECRET`.
    pub client_secret: Option<Secret>,
    /// Those of the table when empty (`SCOPE`).
    pub scopes: Vec<String>,
    /// What id tokens of `/signin/idtoken` may be made for, besides the client id (`AUDIENCE`).
    pub audience: Vec<String>,
    /// Microsoft's directory; `common` when none (`TENANT`).
    pub tenant: Option<String>,
    /// Puts another origin into all URLs: a GitLab of one's own, a provider for tests (`BASE_URL`).
    pub base_url: Option<String>,
    /// `AUTHORIZATION_URL`, `TOKEN_URL`, `USER_PROFILE_URL`, `EMAILS_URL`, `JWKS_URL`, `ISSUER`
    pub authorization_url: Option<String>,
    pub token_url: Option<String>,
    pub user_profile_url: Option<String>,
    pub emails_url: Option<String>,
    pub jwks_url: Option<String>,
    pub issuer: Option<String>,
    /// Apple's, which make the client's secret (`TEAM_ID`, `KEY_ID`, `PRIVATE_KEY`).
    pub team_id: Option<String>,
    pub key_id: Option<String>,
    pub private_key: Option<Secret>,
    /// More parameters of the authorization URL: WorkOS's `organization`, `connection` and `domain`
    /// (`DEFAULT_ORGANIZATION`, `DEFAULT_CONNECTION`, `DEFAULT_DOMAIN`).
    pub parameters: BTreeMap<&'static str, String>,
    /// Whether PKCE is used towards it; the table says when none (`PKCE`).
    pub pkce: Option<bool>,
    /// Its e-mail addresses count as verified, or do not; the table says when none (`TRUST_EMAIL`).
    pub trust_email: Option<bool>,
}

impl Options {
    /// Reads the settings. A provider is on when it has a client id and `ENABLED` is not `false`.
    ///
    /// # Errors
    /// The setting's name and what is wrong with it, without the value.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, (String, String)> {
        let get = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut options = Self::default();
        if let Some(cookie) = flag(&get, "AUTH_PROVIDERS_COOKIE")? {
            options.browser_cookie = cookie;
        }
        options.encryption_key = get("AUTH_ENCRYPTION_KEY").map(Secret::new);
        for definition in table::ALL {
            let prefix = format!("AUTH_PROVIDER_{}_", definition.name.to_ascii_uppercase());
            let found = Provider::read(&|name: &str| get(&format!("{prefix}{name}")));
            let (enabled, provider) = found.map_err(|(name, why)| (format!("{prefix}{name}"), why))?;
            if enabled == Some(true) && provider.client_id.is_empty() {
                return Err((format!("{prefix}CLIENT_ID"), "it is not set, and the provider is enabled".to_owned()));
            }
            if enabled != Some(false) && !(provider.client_id.is_empty() && provider.audience.is_empty()) {
                options.providers.insert(definition.name, provider);
            }
        }
        Ok(options)
    }
}

impl Provider {
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<(Option<bool>, Self), (String, String)> {
        let list = |name: &str| -> Vec<String> {
            let text = get(name).unwrap_or_default();
            text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let parameter = |name: &'static str, setting: &str| get(setting).map(|value| (name, value));
        let provider = Self {
            client_id: get("CLIENT_ID").or_else(|| get("CONSUMER_KEY")).unwrap_or_default(),
            client_secret: get("CLIENT_SECRET").or_else(|| get("CONSUMER_SECRET")).map(Secret::new),
            scopes: list("SCOPE"),
            audience: list("AUDIENCE"),
            tenant: get("TENANT"),
            base_url: get("BASE_URL"),
            authorization_url: get("AUTHORIZATION_URL"),
            token_url: get("TOKEN_URL"),
            user_profile_url: get("USER_PROFILE_URL"),
            emails_url: get("EMAILS_URL"),
            jwks_url: get("JWKS_URL"),
            issuer: get("ISSUER"),
            team_id: get("TEAM_ID"),
            key_id: get("KEY_ID"),
            private_key: get("PRIVATE_KEY").map(Secret::new),
            parameters: [
                parameter("organization", "DEFAULT_ORGANIZATION"),
                parameter("connection", "DEFAULT_CONNECTION"),
                parameter("domain", "DEFAULT_DOMAIN"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            pkce: flag(get, "PKCE")?,
            trust_email: flag(get, "TRUST_EMAIL")?,
        };
        Ok((flag(get, "ENABLED")?, provider))
    }
}

fn flag(get: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<bool>, (String, String)> {
    match get(name).map(|value| value.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off") => Ok(Some(false)),
        Some(_) => Err((name.to_owned(), "it is true or false".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Options, (String, String)> {
        let settings: BTreeMap<&str, &str> = settings.iter().copied().collect();
        Options::read(&|name| settings.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn a_client_id_turns_a_provider_on() {
        assert!(read(&[]).unwrap().providers.is_empty());
        let options = read(&[
            ("AUTH_PROVIDER_GITHUB_CLIENT_ID", "id"),
            ("AUTH_PROVIDER_GITHUB_CLIENT_SECRET", "secret"),
            ("AUTH_PROVIDER_GITHUB_SCOPE", "user:email, repo"),
            ("AUTH_PROVIDER_TWITTER_CONSUMER_KEY", "key"),
            ("AUTH_PROVIDER_GITLAB_CLIENT_ID", "off"),
            ("AUTH_PROVIDER_GITLAB_ENABLED", "false"),
            ("AUTH_PROVIDER_APPLE_AUDIENCE", "org.example.app"),
        ]);
        let options = options.unwrap();
        assert_eq!(options.providers.keys().copied().collect::<Vec<_>>(), ["apple", "github", "twitter"]);
        assert_eq!(options.providers["github"].scopes, ["user:email", "repo"]);
        assert!(!format!("{options:?}").contains("\"secret\""));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert_eq!(read(&[("AUTH_PROVIDER_GITHUB_ENABLED", "true")]).unwrap_err().0, "AUTH_PROVIDER_GITHUB_CLIENT_ID");
        assert_eq!(read(&[("AUTH_PROVIDER_GITHUB_PKCE", "maybe")]).unwrap_err().0, "AUTH_PROVIDER_GITHUB_PKCE");
    }
}
