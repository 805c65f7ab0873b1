//! A provider with its settings, and the conversation with it (RFC 6749, OpenID Connect Core).

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use project::Secret;
use reqwest::Url;
use serde_json::Value;

use super::options;
use super::profile::{Profile, Trust};
use super::table::{ClientAuth, Definition, Protocol, Verified};
use super::{apple, twitter};
use crate::id_token::{self, Issuer};
use crate::outbound::{self, Client};
use crate::pkce::Challenge;

/// A provider that can be used.
#[derive(Debug)]
pub(crate) struct Provider {
    pub definition: &'static Definition,
    pub settings: options::Provider,
    pub authorize: Url,
    pub token: Url,
    profile: Option<Url>,
    emails: Option<Url>,
    /// Where the provider sends browsers back to.
    pub redirect_uri: String,
    /// Of its id tokens.
    pub issuer: Option<Issuer>,
}

/// What a provider gave.
pub(crate) struct Tokens {
    pub access_token: Secret,
    /// OAuth 1.0a's token has a secret, which stands here.
    pub refresh_token: Option<Secret>,
    pub expires_at: Option<Timestamp>,
    pub id_token: Option<Secret>,
}

/// Why a conversation failed. None of the messages holds a token or a code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Http(#[from] outbound::Error),
    #[error("the answer has no token{0}")]
    NoToken(String),
    #[error("the id token is refused: {0}")]
    IdToken(#[from] id_token::Refused),
    #[error("the profile has no id")]
    NoId,
    #[error("{0}")]
    Secret(String),
}

impl Provider {
    /// # Errors
    /// The part of the setting's name after `AUTH_PROVIDER_<NAME>_`, and what is wrong.
    pub fn new(
        definition: &'static Definition,
        settings: options::Provider,
        server_url: &str,
    ) -> Result<Self, (&'static str, String)> {
        let place = |own: &Option<String>, default: &str, setting| {
            let tenant = settings.tenant.as_deref().unwrap_or("common");
            let default = default.replace("{tenant}", tenant);
            url(own.as_deref(), settings.base_url.as_deref(), &default).map_err(|why| (setting, why))
        };
        let tenant_fits =
            |tenant: &String| tenant.chars().all(|char| char.is_ascii_alphanumeric() || "-.".contains(char));
        if !settings.tenant.iter().all(tenant_fits) {
            return Err(("TENANT", "it is no directory's id or domain".to_owned()));
        }
        if definition.name == "apple" && settings.private_key.is_some() {
            apple::client_secret(&settings).map_err(|why| ("PRIVATE_KEY", why))?;
        }
        let optional = |own: &Option<String>, default: Option<&str>, setting| {
            default.filter(|default| !default.is_empty()).map(|default| place(own, default, setting)).transpose()
        };
        let emails = definition.emails.map(|emails| emails.url);
        let issuer = match definition.id_token {
            None => None,
            Some(id_token) => Some(Issuer {
                name: settings.issuer.clone().unwrap_or_else(|| id_token.issuer.to_owned()),
                keys: place(&settings.jwks_url, id_token.keys, "JWKS_URL")?,
            }),
        };
        Ok(Self {
            authorize: place(&settings.authorization_url, definition.authorize, "AUTHORIZATION_URL")?,
            token: place(&settings.token_url, definition.token, "TOKEN_URL")?,
            profile: optional(&settings.user_profile_url, Some(definition.profile), "USER_PROFILE_URL")?,
            emails: optional(&settings.emails_url, emails, "EMAILS_URL")?,
            redirect_uri: format!("{}/signin/provider/{}/callback", server_url.trim_end_matches('/'), definition.name),
            issuer,
            definition,
            settings,
        })
    }

    /// Whether browsers can sign in, or only id tokens are taken.
    pub fn takes_browsers(&self) -> bool {
        !self.settings.client_id.is_empty()
    }

    pub fn uses_pkce(&self) -> bool {
        self.definition.protocol == Protocol::OAuth2 && self.settings.pkce.unwrap_or(self.definition.pkce)
    }

    /// Where a browser goes. `given` are parameters of the client; those that the provider does not know stay here.
    pub fn authorization_url(
        &self,
        state: &str,
        nonce: &str,
        verifier: Option<&str>,
        given: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> String {
        let scopes: Vec<&str> = match self.settings.scopes.is_empty() {
            true => self.definition.scopes.to_vec(),
            false => self.settings.scopes.iter().map(String::as_str).collect(),
        };
        let mut params: Vec<(&str, String)> = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.settings.client_id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("state", state.to_owned()),
        ];
        if !scopes.is_empty() {
            params.push(("scope", scopes.join(self.definition.scope_separator)));
        }
        if let Some(verifier) = verifier {
            params.push(("code_challenge", Challenge::of(verifier).as_str().to_owned()));
            params.push(("code_challenge_method", "S256".to_owned()));
        }
        if self.checks_id_token() {
            params.push(("nonce", nonce.to_owned()));
        }
        // What the client gives wins over the settings, and those over the table.
        let more = self.definition.parameters.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let more = more.chain(self.settings.parameters.iter().map(|(name, value)| (*name, value.clone())));
        let given = self.definition.passed_on.iter().filter_map(|name| given(name).map(|value| (*name, value)));
        for (name, value) in more.chain(given).collect::<Vec<_>>() {
            params.retain(|(found, _)| *found != name);
            params.push((name, value));
        }
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, &**value)).collect();
        crate::redirect::with(self.authorize.as_str(), &params)
    }

    /// The id token is the profile.
    fn checks_id_token(&self) -> bool {
        self.profile.is_none()
    }

    /// Exchanges a code.
    pub async fn exchange(&self, http: &Client, code: &str, verifier: Option<&str>) -> Result<Tokens, Error> {
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &*self.redirect_uri)];
        if let Some(verifier) = verifier {
            form.push(("code_verifier", verifier));
        }
        self.ask_for_tokens(http, form).await
    }

    /// New tokens for a refresh token.
    pub async fn refresh(&self, http: &Client, refresh_token: &str) -> Result<Tokens, Error> {
        self.ask_for_tokens(http, vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn ask_for_tokens(&self, http: &Client, mut form: Vec<(&str, &str)>) -> Result<Tokens, Error> {
        let secret = self.client_secret()?;
        let id = &*self.settings.client_id;
        let mut headers = HeaderMap::new();
        match (self.definition.client_auth, &secret) {
            (ClientAuth::Basic, Some(secret)) => {
                headers.insert(AUTHORIZATION, basic(id, secret.expose())?);
            }
            _ => {
                form.push(("client_id", id));
                form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose())));
            }
        }
        tokens(&http.post(&self.token, headers, &form).await?.json()?)
    }

    fn client_secret(&self) -> Result<Option<Secret>, Error> {
        match &self.settings.client_secret {
            None if self.settings.private_key.is_some() => {
                apple::client_secret(&self.settings).map(Some).map_err(Error::Secret)
            }
            secret => Ok(secret.clone()),
        }
    }

    /// Who the tokens belong to. `posted` is the `user` of Apple's form.
    pub async fn profile(
        &self,
        http: &Client,
        keys: &id_token::Cache,
        tokens: &Tokens,
        nonce: &str,
        posted: Option<&str>,
    ) -> Result<Profile, Error> {
        let shape = &self.definition.shape;
        let Some(url) = &self.profile else {
            let token = tokens.id_token.as_ref().ok_or_else(|| Error::NoToken(String::new()))?;
            let issuer = self.issuer.as_ref().ok_or(Error::NoId)?;
            let audience = std::slice::from_ref(&self.settings.client_id);
            let claims = keys.verify(http, issuer, audience, token.expose(), Some(nonce)).await?;
            let profile = Profile::read(shape, &Value::Object(claims), self.trust()).ok_or(Error::NoId)?;
            return Ok(match posted.and_then(apple::name) {
                Some(name) => profile.with_name(&name),
                None => profile,
            });
        };
        let json = self.get(http, url, tokens).await?;
        let profile = Profile::read(shape, &json, self.trust()).ok_or(Error::NoId)?;
        match (&self.definition.emails, &self.emails) {
            (Some(emails), Some(url)) => {
                let list = self.get(http, url, tokens).await?;
                Ok(profile.with_emails(emails, &list, self.trust()))
            }
            _ => Ok(profile),
        }
    }

    async fn get(&self, http: &Client, url: &Url, tokens: &Tokens) -> Result<Value, Error> {
        if self.definition.protocol == Protocol::OAuth1 {
            return twitter::get(self, http, url, tokens).await;
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header("Bearer ", tokens.access_token.expose())?);
        if let Some(name) = self.definition.client_id_header {
            headers.insert(HeaderName::from_static(name), header("", &self.settings.client_id)?);
        }
        Ok(http.get(url, headers).await?.json()?)
    }

    /// What decides about a profile's address.
    pub fn trust(&self) -> Trust {
        let tenant = self.settings.tenant.as_deref().unwrap_or("common");
        let shared = matches!(&*tenant.to_ascii_lowercase(), "common" | "organizations" | "consumers");
        let own_tenant = self.definition.shape.verified == Verified::OwnTenant && !shared;
        Trust { email: self.settings.trust_email, own_tenant }
    }
}

/// An endpoint: of the settings, or the table's with another origin.
fn url(own: Option<&str>, base: Option<&str>, default: &str) -> Result<Url, String> {
    let text = match (own, base) {
        (Some(own), _) => own.to_owned(),
        (None, None) => default.to_owned(),
        (None, Some(base)) => {
            let path = default.splitn(4, '/').nth(3).unwrap_or_default();
            format!("{}/{path}", base.trim_end_matches('/'))
        }
    };
    let url = Url::parse(&text).map_err(|_| "it is no URL".to_owned())?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        _ => Err("it is no https URL; http is for this machine only".to_owned()),
    }
}

/// A header that is not shown in logs.
fn header(scheme: &str, secret: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("{scheme}{secret}"))
        .map_err(|_| Error::Secret("a token or the client's id cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 6749, 2.3.1: both are form-encoded before they are put together.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, Error> {
    use base64::Engine;

    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret));
    header("Basic ", &base64::engine::general_purpose::STANDARD.encode(pair))
}

/// RFC 6749, 5.1. GitHub refuses with status 200.
fn tokens(json: &Value) -> Result<Tokens, Error> {
    let secret =
        |name: &str| json[name].as_str().filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned()));
    let code = || json["error"].as_str().map(outbound::word).unwrap_or_default();
    // Azure's first version writes a number as text.
    let seconds = json["expires_in"].as_i64().or_else(|| json["expires_in"].as_str()?.parse().ok());
    let expires_at = seconds.and_then(|seconds| Timestamp::from_second(Timestamp::now().as_second() + seconds).ok());
    Ok(Tokens {
        access_token: secret("access_token").ok_or_else(|| Error::NoToken(code()))?,
        refresh_token: secret("refresh_token"),
        expires_at,
        id_token: secret("id_token"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::table;
    use super::*;

    fn provider(name: &str, settings: options::Provider) -> Result<Provider, (&'static str, String)> {
        let settings = options::Provider { client_id: "id".to_owned(), ..settings };
        Provider::new(table::find(name).unwrap(), settings, "https://auth.example.org/v1/")
    }

    #[test]
    fn another_origin() {
        let own = options::Provider { base_url: Some("https://git.example.org/".to_owned()), ..Default::default() };
        let gitlab = provider("gitlab", own).unwrap();
        assert_eq!(gitlab.token.as_str(), "https://git.example.org/oauth/token");
        assert_eq!(gitlab.profile.unwrap().as_str(), "https://git.example.org/api/v4/user");
        assert_eq!(gitlab.redirect_uri, "https://auth.example.org/v1/signin/provider/gitlab/callback");
        let plain = options::Provider { base_url: Some("http://git.example.org".to_owned()), ..Default::default() };
        assert_eq!(provider("gitlab", plain).unwrap_err().0, "AUTHORIZATION_URL");
        let path = options::Provider { tenant: Some("../evil".to_owned()), ..Default::default() };
        assert_eq!(provider("entraid", path).unwrap_err().0, "TENANT");
    }

    #[test]
    fn authorization_urls() {
        let google = provider("google", options::Provider::default()).unwrap();
        let given = |name: &str| match name {
            "login_hint" => Some("a@b.org".to_owned()),
            "redirect_uri" | "client_id" => Some("https://evil.org".to_owned()),
            _ => None,
        };
        let verifier = "v".repeat(43);
        let url = Url::parse(&google.authorization_url("s", "n", Some(&verifier), &given)).unwrap();
        let params: std::collections::BTreeMap<_, _> = url.query_pairs().collect();
        assert_eq!(params["redirect_uri"], google.redirect_uri, "clients give what is listed only");
        assert_eq!(params["scope"], "openid email profile");
        assert_eq!(params["login_hint"], "a@b.org");
        assert_eq!(params["code_challenge"], Challenge::of(&verifier).as_str());
        assert!(!url.as_str().contains(&verifier));
        let strava =
            provider("strava", options::Provider { scopes: vec!["a".into(), "b".into()], ..Default::default() });
        assert!(strava.unwrap().authorization_url("s", "n", None, &|_| None).contains("scope=a%2Cb"));
    }

    #[test]
    fn refusals_with_status_200() {
        let Err(error) = tokens(&serde_json::json!({"error": "bad_verification_code"})) else { panic!("no token") };
        assert_eq!(error.to_string(), "the answer has no token (bad_verification_code)");
    }
}
