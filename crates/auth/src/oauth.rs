//! Sign-in with other services: Google, GitHub, Apple, …
//!
//! `table` is the providers as data, `options` their settings, `provider` the two together and the conversation with it,
//! `profile` what it says about a user, `account` whose account that is, `state` what is remembered on the way.
//!
//! A browser goes to `/signin/provider/{provider}` (`begin`), from there to the provider, back to `…/callback` (`finish`),
//! and on to the frontend with a refresh token or a code. What makes this safe:
//! - the `state` is random, kept as a hash, works once and for ten minutes, for the provider it was made for;
//! - a cookie ties it to the browser that began, so that nobody can finish their own sign-in in somebody else's browser;
//! - PKCE and, for id tokens, a nonce tie the provider's answer to it;
//! - `redirectTo` is checked against the settings at both ends.

pub(crate) mod account;
mod apple;
mod begin;
mod finish;
pub mod options;
pub(crate) mod profile;
mod provider;
pub(crate) mod state;
mod table;
mod tokens;
mod twitter;
pub(crate) mod vault;

use std::collections::BTreeMap;

use project::Secret;

use crate::api::route::{Policy, Route};
use crate::id_token::Cache;
use crate::keys::Keys;
use crate::limits::Zone;
use crate::outbound::Client;
use crate::{Error, Options};
use provider::Provider;
use vault::Vault;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/signin/provider/{provider}", Policy::Public, begin::sign_in).limited(Zone::SignUp),
        Route::get("/signup/provider/{provider}", Policy::Public, begin::sign_up).limited(Zone::SignUp),
        Route::get("/signin/provider/{provider}/callback", Policy::Public, finish::get).limited(Zone::BruteForce),
        Route::post("/signin/provider/{provider}/callback", Policy::Public, finish::post).limited(Zone::BruteForce),
        Route::get("/signin/provider/{provider}/callback/tokens", Policy::Bearer, tokens::get),
        Route::post("/token/provider/{provider}", Policy::Bearer, tokens::refresh).limited(Zone::BruteForce),
    ]
}

/// The providers of the settings, and what talking to them needs.
#[derive(Debug)]
pub(crate) struct Oauth {
    providers: BTreeMap<&'static str, Provider>,
    pub http: Client,
    /// Keys of id tokens.
    pub keys: Cache,
    pub vault: Vault,
}

impl Oauth {
    /// # Errors
    /// A setting cannot be used.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let mut providers = BTreeMap::new();
        for (name, settings) in &options.oauth.providers {
            let prefix = format!("AUTH_PROVIDER_{}_", name.to_ascii_uppercase());
            let wrong = |(setting, why): (&str, String)| Error::setting(format!("{prefix}{setting}"), why);
            let definition =
                table::find(name).ok_or_else(|| wrong(("CLIENT_ID", "there is no such provider".to_owned())))?;
            let provider = Provider::new(definition, settings.clone(), &options.server_url).map_err(wrong)?;
            providers.insert(definition.name, provider);
        }
        let vault = vault(options.oauth.encryption_key.as_ref(), &options.keys)
            .map_err(|why| Error::setting("AUTH_ENCRYPTION_KEY", why))?;
        let http = Client::new().map_err(|error| Error::setting("AUTH_PROVIDER_*", error.to_string()))?;
        Ok(Self { providers, http, keys: Cache::default(), vault })
    }

    /// One of the settings.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// One that browsers can sign in with.
    fn for_browsers(&self, name: &str) -> Option<&Provider> {
        self.provider(name).filter(|provider| provider.takes_browsers())
    }
}

fn vault(key: Option<&Secret>, keys: &Keys) -> Result<Vault, String> {
    match key {
        Some(key) => Vault::parse(key),
        None => Vault::new(&keys.derive("encryption of tokens at rest")),
    }
}
