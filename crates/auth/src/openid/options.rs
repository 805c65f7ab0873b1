//! The settings of the provider: `AUTH_OAUTH2_PROVIDER_…`.

use std::time::Duration;

/// Names in brackets come after `AUTH_OAUTH2_PROVIDER_`.
#[derive(Debug, Clone)]
pub struct Options {
    /// `ENABLED`
    pub enabled: bool,
    /// Who id tokens say made them; the server's URL when none (`ISSUER`).
    pub issuer: Option<String>,
    /// The frontend's page that asks the user; `<AUTH_CLIENT_URL>/oauth2/login` when none (`LOGIN_URL`).
    pub login_url: Option<String>,
    /// Lives of tokens, where an application has none of its own (`ACCESS_TOKEN_TTL`, `REFRESH_TOKEN_TTL`).
    pub access_token_life: Duration,
    pub refresh_token_life: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: false,
            issuer: None,
            login_url: None,
            access_token_life: Duration::from_secs(900),
            refresh_token_life: Duration::from_secs(2_592_000),
        }
    }
}
