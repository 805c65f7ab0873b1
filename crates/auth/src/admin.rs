//! What an administrator does with users, past the API: `nself auth users …`.
//!
//! Only the database is needed, so that it works while the service is stopped. Callers pass the accounts' settings where
//! a new user needs them.

use jiff::Timestamp;
use postgres::Pool;
use project::Secret;
use serde::Serialize;
use uuid::Uuid;

use crate::options::Accounts;
use crate::password::{self, Hasher};
use crate::store::users::{self, NewUser, User};
use crate::store::{self, GenericClient, rows, run, tokens};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("auth cannot connect to PostgreSQL")]
    Connect(#[from] postgres::Error),
    #[error("PostgreSQL refused it: {}", crate::error::reason(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("there is no user {0}")]
    NoUser(String),
    #[error("there is no application {0}")]
    NoClient(String),
    #[error("{0} is no e-mail address")]
    Email(String),
    #[error("the password is refused: {0}")]
    Password(&'static str),
    #[error("the user cannot be made: {0}")]
    Refused(String),
}

/// A user in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub id: Uuid,
    pub email: Option<String>,
    pub phone_number: Option<String>,
    pub display_name: String,
    pub created_at: Timestamp,
    pub last_seen: Option<Timestamp>,
    pub disabled: bool,
    pub email_verified: bool,
    pub is_anonymous: bool,
    /// `totp`, or none.
    pub active_mfa_type: Option<String>,
    pub default_role: String,
    pub roles: Vec<String>,
}

/// A user to make.
#[derive(Debug, Clone, Default)]
pub struct Create {
    pub email: String,
    /// None: the user sets one through a reset mail, or signs in without.
    pub password: Option<Secret>,
    pub display_name: Option<String>,
    /// Those of the settings when empty.
    pub roles: Vec<String>,
    /// That of the settings when none.
    pub default_role: Option<String>,
    pub email_verified: bool,
}

/// Makes the tables, as the service does at its start.
///
/// # Errors
/// As [`crate::Service::start`].
pub async fn setup(pool: &Pool, accounts: &Accounts) -> Result<(), crate::Error> {
    store::migrate::run(pool).await?;
    store::roles::ensure(pool, accounts).await
}

/// The newest users first, after so many others. `matching` is a part of an e-mail address or of a name.
///
/// # Errors
/// PostgreSQL cannot be reached or refuses.
pub async fn list(pool: &Pool, matching: Option<&str>, limit: u32, offset: u32) -> Result<Vec<Listed>, AdminError> {
    let client = pool.get().await?;
    let sql = "SELECT users.id, email::text, phone_number, display_name, users.created_at, last_seen, disabled, \
               email_verified, is_anonymous, active_mfa_type, default_role, \
               coalesce(array_agg(role ORDER BY role) FILTER (WHERE role IS NOT NULL), '{}') \
               FROM auth.users LEFT JOIN auth.user_roles ON user_id = users.id \
               WHERE $1::text IS NULL OR strpos(lower(email::text), lower($1)) > 0 \
               OR strpos(lower(display_name), lower($1)) > 0 \
               GROUP BY users.id ORDER BY users.created_at DESC, users.id LIMIT $2 OFFSET $3";
    let found = rows(&client, sql, &[&matching, &i64::from(limit), &i64::from(offset)]).await?;
    let listed = found.iter().map(|row| {
        Ok(Listed {
            id: row.try_get(0)?,
            email: row.try_get(1)?,
            phone_number: row.try_get(2)?,
            display_name: row.try_get(3)?,
            created_at: row.try_get(4)?,
            last_seen: row.try_get(5)?,
            disabled: row.try_get(6)?,
            email_verified: row.try_get(7)?,
            is_anonymous: row.try_get(8)?,
            active_mfa_type: row.try_get(9)?,
            default_role: row.try_get(10)?,
            roles: row.try_get(11)?,
        })
    });
    listed.collect::<Result<_, tokio_postgres::Error>>().map_err(AdminError::from)
}

/// Makes a user; its id.
///
/// # Errors
/// The address is wrong or in use, or the password refused.
pub async fn create(
    pool: &Pool,
    accounts: &Accounts,
    passwords: &password::Options,
    create: Create,
) -> Result<Uuid, AdminError> {
    let refused = |failure: crate::api::failure::Failure| AdminError::Refused(failure.describe().1);
    let Some(email) = crate::api::body::Email::parse(&create.email) else {
        return Err(AdminError::Email(create.email));
    };
    let password_hash = match &create.password {
        Some(password) => {
            password::check(passwords, password.expose()).map_err(|code| AdminError::Password(code.as_str()))?;
            let hasher = Hasher::new(passwords).map_err(AdminError::Refused)?;
            Some(hasher.hash(password.expose()).await.map_err(refused)?)
        }
        None => None,
    };
    let default_role = create.default_role.unwrap_or_else(|| accounts.default_role.clone());
    let mut roles = if create.roles.is_empty() { accounts.roles() } else { create.roles };
    if !roles.contains(&default_role) {
        roles.push(default_role.clone());
    }
    let new = NewUser {
        display_name: create.display_name.unwrap_or_else(|| email.as_str().to_owned()),
        locale: accounts.default_locale.clone(),
        email: Some(email.into_string()),
        email_verified: create.email_verified,
        password_hash,
        default_role,
        roles,
        ..NewUser::default()
    };
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    know_roles(&transaction, &new.roles).await?;
    let user = users::insert(&transaction, &new).await.map_err(refused)?;
    transaction.commit().await?;
    Ok(user.id)
}

/// A user by id or e-mail address.
async fn find<C: GenericClient>(client: &C, who: &str) -> Result<User, AdminError> {
    let found = match who.parse::<Uuid>() {
        Ok(id) => users::by_id(client, id).await?,
        Err(_) => users::by_email(client, who).await?,
    };
    found.ok_or_else(|| AdminError::NoUser(who.to_owned()))
}

async fn know_roles<C: GenericClient>(client: &C, roles: &[String]) -> Result<(), tokio_postgres::Error> {
    let sql = "INSERT INTO auth.roles (role) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING";
    run(client, sql, &[&roles]).await.map(drop)
}

/// Disables a user (by id or address), which ends its sessions and personal access tokens; or enables it again.
///
/// # Errors
/// There is no such user.
pub async fn set_disabled(pool: &Pool, who: &str, disabled: bool) -> Result<Uuid, AdminError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let user = find(&transaction, who).await?;
    run(&transaction, "UPDATE auth.users SET disabled = $2 WHERE id = $1", &[&user.id, &disabled]).await?;
    if disabled {
        tokens::delete_all(&transaction, user.id, None, true).await?;
    }
    transaction.commit().await?;
    Ok(user.id)
}

/// Deletes a user with everything that is its own in the schema `auth`.
///
/// # Errors
/// There is no such user; a table of the project's refers to it.
pub async fn delete(pool: &Pool, who: &str) -> Result<Uuid, AdminError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let user = find(&transaction, who).await?;
    run(&transaction, "DELETE FROM auth.users WHERE id = $1", &[&user.id]).await?;
    transaction.commit().await?;
    Ok(user.id)
}

/// Sets which roles a user may take, and its default role. Tokens that are out keep theirs until they expire.
///
/// # Errors
/// There is no such user.
pub async fn set_roles(
    pool: &Pool,
    who: &str,
    roles: &[String],
    default_role: Option<&str>,
) -> Result<Uuid, AdminError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let user = find(&transaction, who).await?;
    let default_role = match default_role {
        Some(role) => role.to_owned(),
        None if roles.contains(&user.default_role) => user.default_role,
        None => roles.first().cloned().unwrap_or(user.default_role),
    };
    let mut all = roles.to_vec();
    if !all.contains(&default_role) {
        all.push(default_role.clone());
    }
    know_roles(&transaction, &all).await?;
    let gone = "DELETE FROM auth.user_roles WHERE user_id = $1 AND NOT role = ANY ($2)";
    run(&transaction, gone, &[&user.id, &all]).await?;
    let added = "INSERT INTO auth.user_roles (user_id, role) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING";
    run(&transaction, added, &[&user.id, &all]).await?;
    run(&transaction, "UPDATE auth.users SET default_role = $2 WHERE id = $1", &[&user.id, &default_role]).await?;
    transaction.commit().await?;
    Ok(user.id)
}
