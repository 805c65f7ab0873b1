//! Applications: `auth.oauth2_clients`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use postgres::Pool;
use project::Secret;
use serde::Serialize;
use subtle::ConstantTimeEq;
use tokio_postgres::Row;

use super::refusal::Refusal;
use crate::Handle;
use crate::admin::AdminError;
use crate::password::Verdict;
use crate::store::{self, GenericClient, row, rows, run};

/// An application.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    pub client_id: String,
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub scopes: Vec<String>,
    /// It has no secret: it runs where nothing can be kept secret, and must use PKCE.
    pub is_public: bool,
    /// Seconds.
    pub access_token_lifetime: i32,
    pub refresh_token_lifetime: i32,
    #[serde(skip)]
    secret_hash: Option<Secret>,
}

macro_rules! columns {
    () => {
        "client_id, client_name, redirect_uris, scopes, is_public, access_token_lifetime, refresh_token_lifetime, \
         client_secret_hash"
    };
}

impl Client {
    fn of(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            client_id: row.try_get(0)?,
            name: row.try_get(1)?,
            redirect_uris: row.try_get(2)?,
            scopes: row.try_get(3)?,
            is_public: row.try_get(4)?,
            access_token_lifetime: row.try_get(5)?,
            refresh_token_lifetime: row.try_get(6)?,
            secret_hash: row.try_get::<_, Option<String>>(7)?.map(Secret::new),
        })
    }
}

pub(super) async fn find<C: GenericClient>(client: &C, id: &str) -> Result<Option<Client>, tokio_postgres::Error> {
    let sql = concat!("SELECT ", columns!(), " FROM auth.oauth2_clients WHERE client_id = $1");
    row(client, sql, &[&id]).await?.as_ref().map(Client::of).transpose()
}

const WRONG: Refusal = Refusal::client("the client is unknown or its secret is wrong");

/// The application that asks: by `Authorization: Basic`, or by the form's `client_id` and `client_secret` (RFC 6749,
/// 2.3.1). A public one only says its id.
///
/// # Errors
/// It is unknown, or the secret is wrong.
pub(super) async fn authenticate(
    handle: &Handle,
    headers: &HeaderMap,
    form_id: Option<&str>,
    form_secret: Option<&str>,
) -> Result<Client, Refusal> {
    let header = basic(headers)?;
    let (id, secret) = match (&header, form_id) {
        (Some((id, _)), Some(other)) if id != other => return Err(Refusal::client("two clients are named")),
        (Some((id, secret)), _) => (id.as_str(), Some(secret.expose())),
        (None, Some(id)) => (id, form_secret),
        (None, None) => return Err(Refusal::client("client_id is missing")),
    };
    let client = find(&handle.pool().get().await?, id).await?.ok_or(WRONG)?;
    if client.is_public {
        return Ok(client);
    }
    let (Some(kept), Some(secret)) = (&client.secret_hash, secret) else { return Err(WRONG) };
    let right = if kept.expose().starts_with("\\x") {
        // Made here, of 256 random bits: a quick hash is as good.
        bool::from(kept.expose().as_bytes().ct_eq(store::hash(secret).as_bytes()))
    } else {
        !matches!(handle.hasher().verify(secret, Some(kept)).await?, Verdict::Wrong)
    };
    if right { Ok(client) } else { Err(WRONG) }
}

/// Id and secret of the header; both are form-encoded in it.
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret)>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let read = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
        };
        Some((decode(id)?, Secret::new(decode(secret)?)))
    };
    read().map(Some).ok_or(Refusal::client("the authorization header is not Basic"))
}

/// An application to make.
#[derive(Debug, Clone, Default)]
pub struct New {
    pub name: String,
    /// Compared as they are, character for character.
    pub redirect_uris: Vec<String>,
    /// `openid`, `profile` and `email` when empty.
    pub scopes: Vec<String>,
    /// Without a secret.
    pub is_public: bool,
}

/// Makes an application; gives it and its secret, which cannot be had again.
///
/// # Errors
/// A URL or a scope cannot be used; PostgreSQL cannot be reached or refuses.
pub async fn create(pool: &Pool, new: &New) -> Result<(Client, Option<Secret>), AdminError> {
    for uri in &new.redirect_uris {
        let url = reqwest::Url::parse(uri).map_err(|_| AdminError::Refused(format!("{uri} is no URL")))?;
        if url.fragment().is_some() || matches!(url.scheme(), "javascript" | "data" | "vbscript" | "file") {
            return Err(AdminError::Refused(format!("nobody can be sent to {uri}")));
        }
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !super::SCOPES.contains(&scope.as_str())) {
        return Err(AdminError::Refused(format!("there is no scope {scope}")));
    }
    let defaults = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
    let scopes = if new.scopes.is_empty() { defaults() } else { new.scopes.clone() };
    let random = || crate::pkce::secret().map_err(|_| AdminError::Refused("there are no random numbers".to_owned()));
    let id: String = random()?.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let id = format!("nself_{id}");
    let secret = if new.is_public { None } else { Some(Secret::new(random()?)) };
    let hash = secret.as_ref().map(|secret| store::hash(secret.expose()));
    let method = if new.is_public { "none" } else { "client_secret_basic" };
    let sql = concat!(
        "INSERT INTO auth.oauth2_clients (client_id, client_name, redirect_uris, scopes, is_public, \
         client_secret_hash, token_endpoint_auth_method, grant_types) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, '{authorization_code,refresh_token}') RETURNING ",
        columns!()
    );
    let client = pool.get().await?;
    let params: store::Params<'_> = &[&id, &new.name, &new.redirect_uris, &scopes, &new.is_public, &hash, &method];
    let made = store::one(&client, sql, params).await?;
    Ok((Client::of(&made)?, secret))
}

/// All applications, the newest first.
///
/// # Errors
/// PostgreSQL cannot be reached or refuses.
pub async fn list(pool: &Pool) -> Result<Vec<Client>, AdminError> {
    let sql = concat!("SELECT ", columns!(), " FROM auth.oauth2_clients ORDER BY created_at DESC, client_id");
    let found = rows(&pool.get().await?, sql, &[]).await?;
    Ok(found.iter().map(Client::of).collect::<Result<_, _>>()?)
}

/// Deletes an application, with all its tokens.
///
/// # Errors
/// There is none of that id; PostgreSQL cannot be reached or refuses.
pub async fn delete(pool: &Pool, client_id: &str) -> Result<(), AdminError> {
    let sql = "DELETE FROM auth.oauth2_clients WHERE client_id = $1";
    match run(&pool.get().await?, sql, &[&client_id]).await? {
        1 => Ok(()),
        _ => Err(AdminError::NoClient(client_id.to_owned())),
    }
}
