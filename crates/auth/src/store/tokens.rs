//! `auth.refresh_tokens` and what we keep beside them: which browser has a session, and the tokens it has used up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_postgres::Error;
use uuid::Uuid;

use super::users::{User, user_columns};
use super::{GenericClient, hash, one, row, rows, run};
use crate::api::caller::Caller;

/// `type` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Regular,
    Pat,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Pat => "pat",
        }
    }
}

/// When something that is made now and lives so long ends.
pub fn after(life: Duration) -> Timestamp {
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    Timestamp::now().checked_add(life).unwrap_or(Timestamp::MAX)
}

/// Keeps a token's hash; gives the row's id.
pub async fn insert<C: GenericClient>(
    client: &C,
    user: Uuid,
    token: &str,
    kind: Kind,
    expires_at: Timestamp,
    metadata: Option<&Value>,
) -> Result<Uuid, Error> {
    let sql = "INSERT INTO auth.refresh_tokens (user_id, refresh_token_hash, type, expires_at, metadata) \
               VALUES ($1, $2, $3, $4, $5) RETURNING id";
    one(client, sql, &[&user, &hash(token), &kind.as_str(), &expires_at, &metadata]).await?.try_get(0)
}

/// A new session of a browser. The user has been seen.
pub async fn insert_session<C: GenericClient>(
    client: &C,
    user: Uuid,
    token: &str,
    life: Duration,
    caller: &Caller,
) -> Result<Uuid, Error> {
    let sql = "WITH token AS (INSERT INTO auth.refresh_tokens (user_id, refresh_token_hash, expires_at) \
               VALUES ($1, $2, $3) RETURNING id), \
               seen AS (UPDATE auth.users SET last_seen = now() WHERE id = $1) \
               INSERT INTO auth.session_details (refresh_token_id, address, user_agent) \
               SELECT id, $4, $5 FROM token RETURNING refresh_token_id";
    let row = one(client, sql, &[&user, &hash(token), &after(life), &caller.address, &caller.user_agent]).await?;
    row.try_get(0)
}

/// Who has a token that is alive.
pub async fn user<C: GenericClient>(client: &C, token: &str, kind: Kind) -> Result<Option<User>, Error> {
    let sql = concat!(
        "SELECT ",
        user_columns!(),
        " FROM auth.refresh_tokens JOIN auth.users ON users.id = refresh_tokens.user_id \
         WHERE refresh_token_hash = $1 AND type = $2 AND expires_at > now()"
    );
    row(client, sql, &[&hash(token), &kind.as_str()]).await?.as_ref().map(User::of).transpose()
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct Lives {
    /// Without being refreshed.
    pub idle: Duration,
    /// From the sign-in on.
    pub whole: Duration,
}

/// Puts a new token in the place of a living one; the row stays. Nothing when somebody else was first.
pub async fn rotate<C: GenericClient>(
    client: &C,
    old: &str,
    new: &str,
    lives: Lives,
    caller: &Caller,
) -> Result<Option<Uuid>, Error> {
    let sql = "WITH rotated AS (UPDATE auth.refresh_tokens SET refresh_token_hash = $2, \
               expires_at = least($3, created_at + make_interval(secs => $6)) \
               WHERE refresh_token_hash = $1 AND type = 'regular' AND expires_at > now() RETURNING id, user_id), \
               spent AS (INSERT INTO auth.spent_refresh_tokens (hash, refresh_token_id) \
               SELECT $1, id FROM rotated), \
               seen AS (UPDATE auth.users SET last_seen = now() FROM rotated WHERE users.id = rotated.user_id) \
               INSERT INTO auth.session_details (refresh_token_id, address, user_agent) \
               SELECT id, $4, $5 FROM rotated ON CONFLICT (refresh_token_id) DO UPDATE \
               SET address = excluded.address, user_agent = excluded.user_agent, last_used_at = now() \
               RETURNING refresh_token_id";
    let (until, whole) = (after(lives.idle), lives.whole.as_secs_f64());
    let params: super::Params<'_> = &[&hash(old), &hash(new), &until, &caller.address, &caller.user_agent, &whole];
    row(client, sql, params).await?.map(|row| row.try_get(0)).transpose()
}

/// Ends the session whose token this was, when it was used up longer ago than the grace: somebody has copied it. Gives
/// the user.
pub async fn revoke_family<C: GenericClient>(client: &C, token: &str, grace: Duration) -> Result<Option<Uuid>, Error> {
    let sql = "DELETE FROM auth.refresh_tokens USING auth.spent_refresh_tokens spent \
               WHERE spent.hash = $1 AND refresh_tokens.id = spent.refresh_token_id \
               AND spent.spent_at <= now() - make_interval(secs => $2) RETURNING refresh_tokens.user_id";
    row(client, sql, &[&hash(token), &grace.as_secs_f64()]).await?.map(|row| row.try_get(0)).transpose()
}

/// Whether a session of a user has not ended.
pub async fn is_alive<C: GenericClient>(client: &C, user: Uuid, session: Uuid) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM auth.refresh_tokens WHERE id = $1 AND user_id = $2 AND expires_at > now())";
    one(client, sql, &[&session, &user]).await?.try_get(0)
}

/// Whether a token of a user and a session counts no more: the session has ended, or the user was disabled or deleted. Of a
/// token without a session only the user counts.
pub async fn is_revoked<C: GenericClient>(client: &C, user: Uuid, session: Option<Uuid>) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM auth.users WHERE id = $1 AND disabled) \
               OR EXISTS (SELECT FROM auth.revocations WHERE id IN ($1, $2)) \
               OR $2 IS NOT NULL AND NOT EXISTS (SELECT FROM auth.refresh_tokens WHERE id = $2 AND user_id = $1)";
    one(client, sql, &[&user, &session]).await?.try_get(0)
}

/// Deletes what no token that is alive can be of.
pub async fn sweep_revocations<C: GenericClient>(client: &C, longest_life: Duration) -> Result<u64, Error> {
    // Longer, for tokens that were made while the settings were others.
    let keep = (longest_life + Duration::from_secs(86_400)).as_secs_f64();
    let sql = "DELETE FROM auth.revocations WHERE revoked_at < now() - make_interval(secs => $1)";
    run(client, sql, &[&keep]).await
}

/// Ends one session by its token; whose it was. Personal access tokens are no sessions.
pub async fn delete<C: GenericClient>(client: &C, token: &str) -> Result<Option<Uuid>, Error> {
    let sql = "DELETE FROM auth.refresh_tokens WHERE refresh_token_hash = $1 AND type = 'regular' RETURNING user_id";
    row(client, sql, &[&hash(token)]).await?.map(|row| row.try_get(0)).transpose()
}

/// Ends one session or personal access token of a user by its id.
pub async fn delete_one<C: GenericClient>(client: &C, user: Uuid, id: Uuid) -> Result<bool, Error> {
    let sql = "DELETE FROM auth.refresh_tokens WHERE user_id = $1 AND id = $2";
    Ok(run(client, sql, &[&user, &id]).await? == 1)
}

/// Ends all sessions of a user but one; personal access tokens too when `pats`.
pub async fn delete_all<C: GenericClient>(client: &C, user: Uuid, but: Option<Uuid>, pats: bool) -> Result<u64, Error> {
    let sql = "DELETE FROM auth.refresh_tokens WHERE user_id = $1 AND id IS DISTINCT FROM $2 \
               AND ($3 OR type = 'regular')";
    run(client, sql, &[&user, &but, &pats]).await
}

/// A session or a personal access token, for its user to see.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub id: Uuid,
    /// `regular` or `pat`.
    pub r#type: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub metadata: Option<Value>,
    /// The one of the token that asks.
    pub current: bool,
}

/// What is alive, newest first.
pub async fn list<C: GenericClient>(client: &C, user: Uuid, current: Option<Uuid>) -> Result<Vec<Listed>, Error> {
    let sql = "SELECT refresh_tokens.id, type, created_at, expires_at, last_used_at, address, user_agent, metadata \
               FROM auth.refresh_tokens LEFT JOIN auth.session_details ON refresh_token_id = refresh_tokens.id \
               WHERE user_id = $1 AND expires_at > now() ORDER BY created_at DESC, refresh_tokens.id LIMIT 1000";
    let found = rows(client, sql, &[&user]).await?;
    let listed = found.iter().map(|row| {
        let id = row.try_get(0)?;
        Ok(Listed {
            id,
            r#type: row.try_get(1)?,
            created_at: row.try_get(2)?,
            expires_at: row.try_get(3)?,
            last_used_at: row.try_get(4)?,
            address: row.try_get(5)?,
            user_agent: row.try_get(6)?,
            metadata: row.try_get(7)?,
            current: current == Some(id),
        })
    });
    listed.collect()
}

/// Deletes what has expired; its session's rows go with it.
pub async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    run(client, "DELETE FROM auth.refresh_tokens WHERE expires_at < now()", &[]).await
}
