//! Codes of six digits that are sent by mail or text message and typed in.
//!
//! They stand in upstream's columns (`otp_hash`, `otp_hash_expires_at`, `otp_method_last_used`), hashed as passwords are:
//! six digits have too few for a plain hash. A user has one at a time; it works once.

use std::time::Duration;

use project::Secret;
use uuid::Uuid;

use crate::Handle;
use crate::api::failure::Failure;
use crate::password::Verdict;
use crate::store::users::User;
use crate::store::{GenericClient, run, tokens};

/// How a code travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Email,
    Sms,
}

impl Channel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// As long as mails and text messages may take.
    fn life(self) -> Duration {
        match self {
            Self::Email => Duration::from_secs(600),
            Self::Sms => Duration::from_secs(300),
        }
    }
}

/// A new code and its hash.
#[derive(Debug)]
pub(crate) struct Made {
    pub text: Secret,
    hash: String,
}

/// Makes a code. It takes as long as hashing a password does, so no connection is held meanwhile.
///
/// # Errors
/// The system has no random numbers, or too much is being hashed.
pub(crate) async fn make(handle: &Handle) -> Result<Made, Failure> {
    let text = Secret::new(digits().map_err(|error| Failure::internal("there are no random numbers", &error))?);
    let hash = handle.hasher().hash(text.expose()).await?;
    Ok(Made { text, hash })
}

/// Six digits, each of a million equally likely.
fn digits() -> Result<String, getrandom::Error> {
    // The largest multiple of a million that fits; what lies above would favour small numbers.
    const END: u32 = 4_294_000_000;
    loop {
        let number = getrandom::u32()?;
        if number < END {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}

/// Keeps a code for its user, in the place of the one before.
pub(crate) async fn keep<C: GenericClient>(
    client: &C,
    user: Uuid,
    channel: Channel,
    made: &Made,
) -> Result<(), tokio_postgres::Error> {
    let sql = "UPDATE auth.users SET otp_hash = $2, otp_hash_expires_at = $3, otp_method_last_used = $4 WHERE id = $1";
    run(client, sql, &[&user, &made.hash, &tokens::after(channel.life()), &channel.as_str()]).await.map(drop)
}

/// Whether the text is the user's code. Without a user or a code it takes as long.
///
/// # Errors
/// Too much is being hashed.
pub(crate) async fn is_right(
    handle: &Handle,
    user: Option<&User>,
    channel: Channel,
    text: &str,
) -> Result<bool, Failure> {
    let of_channel = |user: &&User| user.otp_method_last_used.as_deref() == Some(channel.as_str());
    let alive = |user: &&User| user.otp_hash_expires_at > jiff::Timestamp::now();
    let kept = user.filter(of_channel).filter(alive).and_then(|user| user.otp_hash.as_ref());
    Ok(handle.hasher().verify(text, kept).await? != Verdict::Wrong)
}

/// Uses up the code that [`is_right`] has judged; false when somebody else just has.
pub(crate) async fn spend<C: GenericClient>(client: &C, user: &User) -> Result<bool, tokio_postgres::Error> {
    let sql = "UPDATE auth.users SET otp_hash = NULL, otp_hash_expires_at = now() \
               WHERE id = $1 AND otp_hash = $2 AND otp_hash_expires_at > now()";
    let Some(hash) = &user.otp_hash else { return Ok(false) };
    Ok(run(client, sql, &[&user.id, &hash.expose()]).await? == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn six_digits() {
        let codes: std::collections::BTreeSet<String> = (0..50).map(|_| super::digits().unwrap()).collect();
        assert!(codes.len() > 40, "they differ");
        assert!(codes.iter().all(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())));
    }
}
