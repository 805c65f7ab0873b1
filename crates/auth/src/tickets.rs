//! Tickets: the one-time secrets of links and of the second step of a sign-in, `<kind>:<uuid>`.
//!
//! Only a hash is kept. A ticket is used up by being presented, whatever comes after.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::api::failure::{Code, Failure};
use crate::pkce::Challenge;
use crate::store::users::{self, User};
use crate::store::{GenericClient, hash, row, run, tokens};

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    VerifyEmail,
    EmailConfirmChange,
    PasswordlessEmail,
    PasswordReset,
    MfaTotp,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::VerifyEmail, Self::EmailConfirmChange, Self::PasswordlessEmail, Self::PasswordReset, Self::MfaTotp];

    /// What a ticket of this kind begins with, and what redirects say in `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verifyEmail",
            Self::EmailConfirmChange => "emailConfirmChange",
            Self::PasswordlessEmail => "passwordlessEmail",
            Self::PasswordReset => "passwordReset",
            Self::MfaTotp => "mfaTotp",
        }
    }

    /// What the links of mails say in `type`.
    pub fn link(self) -> &'static str {
        match self {
            Self::VerifyEmail => "emailVerify",
            Self::PasswordlessEmail => "signinPasswordless",
            other => other.as_str(),
        }
    }

    pub fn life(self) -> Duration {
        Duration::from_secs(match self {
            Self::VerifyEmail => 30 * 86_400,
            Self::EmailConfirmChange | Self::PasswordlessEmail | Self::PasswordReset => 3600,
            Self::MfaTotp => 300,
        })
    }

    /// The kind a ticket says it has.
    pub fn of(ticket: &str) -> Option<Self> {
        let (kind, _) = ticket.split_once(':')?;
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }
}

/// A new ticket; older ones of the same kind are void. `data` is what the flow needs when it comes back: a PKCE
/// challenge, for one.
pub(crate) async fn issue<C: GenericClient>(
    client: &C,
    user: Uuid,
    kind: Kind,
    data: Option<&Value>,
) -> Result<String, Error> {
    let ticket = format!("{}:{}", kind.as_str(), Uuid::new_v4());
    let sql = "WITH old AS (DELETE FROM auth.tickets WHERE user_id = $2 AND kind = $3) \
               INSERT INTO auth.tickets (hash, user_id, kind, expires_at, data) VALUES ($1, $2, $3, $4, $5)";
    run(client, sql, &[&hash(&ticket), &user, &kind.as_str(), &tokens::after(kind.life()), &data]).await?;
    Ok(ticket)
}

/// What a ticket carries of PKCE.
pub(crate) fn challenge(code_challenge: Option<Challenge>) -> Option<Value> {
    code_challenge.map(|challenge| serde_json::json!({ "codeChallenge": challenge }))
}

/// Uses a ticket up and gives its user and data. Whether the user may sign in is for the flow to say.
///
/// # Errors
/// [`Code::InvalidTicket`]: of another kind, unknown, used up or expired.
pub(crate) async fn redeem<C: GenericClient>(
    client: &C,
    ticket: &str,
    kind: Kind,
) -> Result<(User, Option<Value>), Failure> {
    if Kind::of(ticket) != Some(kind) {
        return Err(Code::InvalidTicket.into());
    }
    let sql = "DELETE FROM auth.tickets WHERE hash = $1 AND kind = $2 RETURNING user_id, data, expires_at > now()";
    let (user, data) = match row(client, sql, &[&hash(ticket), &kind.as_str()]).await? {
        Some(found) if found.try_get::<_, bool>(2)? => (found.try_get(0)?, found.try_get(1)?),
        Some(_) => return Err(Code::InvalidTicket.into()),
        None => (of_upstream(client, ticket).await?.ok_or(Code::InvalidTicket)?, None),
    };
    let user = users::by_id(client, user).await?.ok_or(Code::InvalidTicket)?;
    Ok((user, data))
}

/// Looks at a ticket without using it up, for steps that may be tried again (a mistyped TOTP code).
///
/// # Errors
/// As [`redeem`].
pub(crate) async fn peek<C: GenericClient>(client: &C, ticket: &str, kind: Kind) -> Result<User, Failure> {
    let sql = "SELECT user_id FROM auth.tickets WHERE hash = $1 AND kind = $2 AND expires_at > now()";
    let found = row(client, sql, &[&hash(ticket), &kind.as_str()]).await?.ok_or(Code::InvalidTicket)?;
    Ok(users::by_id(client, found.try_get(0)?).await?.ok_or(Code::InvalidTicket)?)
}

/// A ticket that Nhost's service had mailed before its database was taken over; it kept them as they are.
async fn of_upstream<C: GenericClient>(client: &C, ticket: &str) -> Result<Option<Uuid>, Error> {
    let sql = "UPDATE auth.users SET ticket = NULL, ticket_expires_at = now() \
               WHERE ticket = $1 AND ticket_expires_at > now() RETURNING id";
    row(client, sql, &[&ticket]).await?.map(|found| found.try_get(0)).transpose()
}

/// A new password: what the old one, or who could read mails until now, has begun does not sign in any more.
pub(crate) async fn void<C: GenericClient>(client: &C, user: Uuid) -> Result<(), Error> {
    for sql in [
        "DELETE FROM auth.tickets WHERE user_id = $1 AND kind IN ('mfaTotp', 'passwordReset', 'passwordlessEmail')",
        "DELETE FROM auth.pkce_authorization_codes WHERE user_id = $1",
        "UPDATE auth.users SET otp_hash = NULL, ticket = NULL WHERE id = $1",
    ] {
        run(client, sql, &[&user]).await?;
    }
    Ok(())
}

pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    run(client, "DELETE FROM auth.tickets WHERE expires_at < now()", &[]).await
}
