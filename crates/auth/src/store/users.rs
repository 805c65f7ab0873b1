//! `auth.users`.

use jiff::Timestamp;
use project::Secret;
use serde_json::Value;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{GenericClient, duplicate, one, row, run};
use crate::api::failure::{Code, Failure};

/// A row of `auth.users`.
#[derive(Debug, Clone)]
pub struct User {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub disabled: bool,
    pub display_name: String,
    pub avatar_url: String,
    pub locale: String,
    pub email: Option<String>,
    pub phone_number: Option<String>,
    pub password_hash: Option<Secret>,
    pub email_verified: bool,
    pub phone_number_verified: bool,
    pub new_email: Option<String>,
    pub otp_method_last_used: Option<String>,
    pub otp_hash: Option<Secret>,
    pub otp_hash_expires_at: Timestamp,
    pub default_role: String,
    pub is_anonymous: bool,
    pub totp_secret: Option<Secret>,
    /// `totp` or `sms`.
    pub active_mfa_type: Option<String>,
    pub metadata: Option<Value>,
}

/// The columns that [`User::of`] reads, by position. A macro, so that statements are constants.
macro_rules! user_columns {
    () => {
        "users.id, users.created_at, users.disabled, users.display_name, users.avatar_url, users.locale::text, \
         users.email::text, users.phone_number, users.password_hash, users.email_verified, \
         users.phone_number_verified, users.new_email::text, users.otp_method_last_used, users.otp_hash, \
         users.otp_hash_expires_at, users.default_role, users.is_anonymous, users.totp_secret, \
         users.active_mfa_type, users.metadata"
    };
}
pub(crate) use user_columns;

impl User {
    /// Of a row that begins with `user_columns!()`.
    pub fn of(row: &Row) -> Result<Self, Error> {
        let secret = |index: usize| Ok::<_, Error>(row.try_get::<_, Option<String>>(index)?.map(Secret::new));
        Ok(Self {
            id: row.try_get(0)?,
            created_at: row.try_get(1)?,
            disabled: row.try_get(2)?,
            display_name: row.try_get(3)?,
            avatar_url: row.try_get(4)?,
            locale: row.try_get(5)?,
            email: row.try_get(6)?,
            phone_number: row.try_get(7)?,
            password_hash: secret(8)?,
            email_verified: row.try_get(9)?,
            phone_number_verified: row.try_get(10)?,
            new_email: row.try_get(11)?,
            otp_method_last_used: row.try_get(12)?,
            otp_hash: secret(13)?,
            otp_hash_expires_at: row.try_get(14)?,
            default_role: row.try_get(15)?,
            is_anonymous: row.try_get(16)?,
            totp_secret: secret(17)?,
            active_mfa_type: row.try_get(18)?,
            metadata: row.try_get(19)?,
        })
    }
}

pub async fn by_id<C: GenericClient>(client: &C, id: Uuid) -> Result<Option<User>, Error> {
    let sql = concat!("SELECT ", user_columns!(), " FROM auth.users WHERE users.id = $1");
    row(client, sql, &[&id]).await?.as_ref().map(User::of).transpose()
}

pub async fn by_email<C: GenericClient>(client: &C, email: &str) -> Result<Option<User>, Error> {
    let sql = concat!("SELECT ", user_columns!(), " FROM auth.users WHERE users.email = $1::text::citext");
    row(client, sql, &[&email]).await?.as_ref().map(User::of).transpose()
}

pub async fn by_phone_number<C: GenericClient>(client: &C, number: &str) -> Result<Option<User>, Error> {
    let sql = concat!("SELECT ", user_columns!(), " FROM auth.users WHERE users.phone_number = $1");
    row(client, sql, &[&number]).await?.as_ref().map(User::of).transpose()
}

/// The cost of the costliest bcrypt hash that somebody still has.
pub async fn bcrypt_cost<C: GenericClient>(client: &C) -> Result<Option<u32>, Error> {
    let sql = r"SELECT max(substring(password_hash FROM '^\$2[abxy]?\$([0-9]{2})\$')::int) FROM auth.users
        WHERE starts_with(password_hash, '$2')";
    let cost: Option<i32> = one(client, sql, &[]).await?.try_get(0)?;
    Ok(cost.and_then(|cost| u32::try_from(cost).ok()))
}

/// A user to make.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// None: a random one.
    pub id: Option<Uuid>,
    pub disabled: bool,
    pub display_name: String,
    pub avatar_url: String,
    pub locale: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub phone_number: Option<String>,
    pub phone_number_verified: bool,
    pub password_hash: Option<String>,
    pub default_role: String,
    pub roles: Vec<String>,
    pub is_anonymous: bool,
    pub metadata: Option<Value>,
}

/// Makes a user with its roles.
///
/// # Errors
/// The e-mail address or the phone number is in use.
pub async fn insert<C: GenericClient>(client: &C, new: &NewUser) -> Result<User, Failure> {
    let sql = concat!(
        "WITH users AS (INSERT INTO auth.users (id, disabled, display_name, avatar_url, locale, email, \
         email_verified, phone_number, phone_number_verified, password_hash, default_role, is_anonymous, metadata, \
         last_seen) VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6::text, $7, $8, $9, $10, $11, $12, \
         $13, now()) RETURNING *), \
         roles AS (INSERT INTO auth.user_roles (user_id, role) SELECT users.id, role FROM users, \
         unnest($14::text[]) AS wanted(role) ON CONFLICT DO NOTHING) \
         SELECT ",
        user_columns!(),
        " FROM users"
    );
    let inserted = one(
        client,
        sql,
        &[
            &new.id,
            &new.disabled,
            &new.display_name,
            &new.avatar_url,
            &new.locale,
            &new.email,
            &new.email_verified,
            &new.phone_number,
            &new.phone_number_verified,
            &new.password_hash,
            &new.default_role,
            &new.is_anonymous,
            &new.metadata,
            &new.roles,
        ],
    )
    .await;
    match inserted {
        Ok(row) => Ok(User::of(&row)?),
        Err(error) => Err(match duplicate(&error) {
            Some("users_email_key") => Code::EmailAlreadyInUse.into(),
            Some("users_phone_number_key") => Code::InvalidRequest.into(),
            _ => error.into(),
        }),
    }
}

/// Sets the password's hash. `old`: only while it is still that, for an upgrade of the hash.
pub async fn set_password<C: GenericClient>(
    client: &C,
    id: Uuid,
    hash: &str,
    old: Option<&str>,
) -> Result<bool, Error> {
    let sql = "UPDATE auth.users SET password_hash = $2 WHERE id = $1 AND ($3::text IS NULL OR password_hash = $3)";
    Ok(run(client, sql, &[&id, &hash, &old]).await? == 1)
}

pub async fn verify_email<C: GenericClient>(client: &C, id: Uuid) -> Result<(), Error> {
    run(client, "UPDATE auth.users SET email_verified = true WHERE id = $1", &[&id]).await.map(drop)
}

/// `new_email` becomes `email`.
///
/// # Errors
/// Somebody else has it by now.
pub async fn confirm_email_change<C: GenericClient>(client: &C, id: Uuid) -> Result<(), Failure> {
    let sql = "UPDATE auth.users SET email = new_email, new_email = NULL, email_verified = true \
               WHERE id = $1 AND new_email IS NOT NULL";
    match run(client, sql, &[&id]).await {
        Ok(1) => Ok(()),
        Ok(_) => Err(Code::InvalidTicket.into()),
        Err(error) if duplicate(&error).is_some() => Err(Code::EmailAlreadyInUse.into()),
        Err(error) => Err(error.into()),
    }
}

pub async fn has_security_key<C: GenericClient>(client: &C, id: Uuid) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM auth.user_security_keys WHERE user_id = $1)";
    one(client, sql, &[&id]).await?.try_get(0)
}

/// Keeps others from changing the user until the transaction ends.
pub async fn lock<C: GenericClient>(client: &C, id: Uuid) -> Result<(), Error> {
    run(client, "SELECT FROM auth.users WHERE id = $1 FOR UPDATE", &[&id]).await.map(drop)
}
