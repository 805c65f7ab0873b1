//! OAuth 1.0a (RFC 5849), for Twitter: every request is signed with HMAC-SHA1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use project::Secret;
use reqwest::Url;
use ring::hmac;
use serde_json::Value;

use super::provider::{Error, Provider, Tokens};
use crate::outbound::{Client, Reply};

/// RFC 5849, 3.6: everything but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A temporary token, its secret, and where the browser goes with it. The state comes back in the callback's query.
pub(crate) async fn begin(
    provider: &Provider,
    http: &Client,
    state: &str,
    given: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(String, (String, String)), Error> {
    let url = provider.token.join("request_token").map_err(|_| Error::NoId)?;
    let callback = crate::redirect::with(&provider.redirect_uri, &[("state", state)]);
    let signed = sign(provider, "POST", &url, None, &[("oauth_callback", &callback)])?;
    let reply = http.post(&url, signed, &[]).await?;
    let token = field(&reply, "oauth_token").ok_or_else(|| Error::NoToken(String::new()))?;
    let secret = field(&reply, "oauth_token_secret").ok_or_else(|| Error::NoToken(String::new()))?;
    if field(&reply, "oauth_callback_confirmed").as_deref() != Some("true") {
        return Err(Error::NoToken(String::new()));
    }
    let mut params = vec![("oauth_token", token.clone())];
    params.extend(provider.definition.passed_on.iter().filter_map(|name| given(name).map(|value| (*name, value))));
    let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, &**value)).collect();
    Ok((crate::redirect::with(provider.authorize.as_str(), &params), (token, secret)))
}

/// Exchanges the temporary token and the verifier that the browser brought.
pub(crate) async fn exchange(
    provider: &Provider,
    http: &Client,
    (token, secret): &(String, String),
    verifier: &str,
) -> Result<Tokens, Error> {
    let signed = sign(provider, "POST", &provider.token, Some((token, secret)), &[("oauth_verifier", verifier)])?;
    let reply = http.post(&provider.token, signed, &[]).await?;
    let secret = |name| field(&reply, name).map(Secret::new);
    Ok(Tokens {
        access_token: secret("oauth_token").ok_or_else(|| Error::NoToken(String::new()))?,
        refresh_token: secret("oauth_token_secret"),
        expires_at: None,
        id_token: None,
    })
}

/// JSON from an endpoint, asked for with a user's token.
pub(crate) async fn get(provider: &Provider, http: &Client, url: &Url, tokens: &Tokens) -> Result<Value, Error> {
    let secret = tokens.refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
    let signed = sign(provider, "GET", url, Some((tokens.access_token.expose(), secret)), &[])?;
    Ok(http.get(url, signed).await?.json()?)
}

fn field(reply: &Reply, name: &str) -> Option<String> {
    let found = form_urlencoded::parse(&reply.body).find(|(found, _)| found == name)?;
    Some(found.1.into_owned()).filter(|value| !value.is_empty())
}

/// The `Authorization` header of a request. `more` are further parameters of the protocol.
fn sign(
    provider: &Provider,
    method: &str,
    url: &Url,
    token: Option<(&str, &str)>,
    more: &[(&str, &str)],
) -> Result<HeaderMap, Error> {
    let nonce = crate::pkce::secret().map_err(|_| Error::Secret("there are no random numbers".to_owned()))?;
    let now = Timestamp::now().as_second().to_string();
    let mut params = vec![
        ("oauth_consumer_key", &*provider.settings.client_id),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &now),
        ("oauth_version", "1.0"),
    ];
    params.extend(token.map(|(token, _)| ("oauth_token", token)));
    params.extend(more);
    let consumer = provider.settings.client_secret.as_ref().map(Secret::expose).unwrap_or_default();
    let signature = signature(method, url, &params, consumer, token.map_or("", |(_, secret)| secret));
    params.push(("oauth_signature", &signature));
    let fields: Vec<String> =
        params.iter().map(|(name, value)| format!("{}=\"{}\"", encode(name), encode(value))).collect();
    let mut value = HeaderValue::from_str(&format!("OAuth {}", fields.join(", ")))
        .map_err(|_| Error::Secret("a token cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// RFC 5849, 3.4.1 and 3.4.2.
fn signature(method: &str, url: &Url, params: &[(&str, &str)], consumer: &str, token: &str) -> String {
    let query: Vec<(String, String)> = url.query_pairs().map(|(name, value)| (encode(&name), encode(&value))).collect();
    let mut all: Vec<(String, String)> = params.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    all.extend(query);
    all.sort_unstable();
    let all: Vec<String> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let text = format!("{method}&{}&{}", encode(base.as_str()), encode(&all.join("&")));
    let key = format!("{}&{}", encode(consumer), encode(token));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The example of Twitter's "Creating a signature".
    #[test]
    fn signatures() {
        let url = Url::parse("https://api.twitter.com/1.1/statuses/update.json?include_entities=true").unwrap();
        let params = [
            ("status", "Hello Ladies + Gentlemen, a signed OAuth request!"),
            ("oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            ("oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
            ("oauth_version", "1.0"),
        ];
        let (consumer, token) =
            ("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE");
        assert_eq!(signature("POST", &url, &params, consumer, token), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
    }
}
