//! Security events: what happened to accounts, from where. Never a secret.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::api::caller::Caller;
use crate::store::{GenericClient, run};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    SignedUp,
    SignedIn,
    SignInFailed,
    SignedOut,
    RefreshTokenReused,
    SessionRevoked,
    PasswordChanged,
    EmailVerified,
    EmailChanged,
    PatCreated,
    ProviderLinked,
    AccountReclaimed,
    PasswordResetRequested,
    EmailChangeRequested,
    Deanonymized,
    MfaEnabled,
    MfaDisabled,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecurityKeyAdded,
    Elevated,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed-up",
            Self::SignedIn => "signed-in",
            Self::SignInFailed => "sign-in-failed",
            Self::SignedOut => "signed-out",
            Self::RefreshTokenReused => "refresh-token-reused",
            Self::SessionRevoked => "session-revoked",
            Self::PasswordChanged => "password-changed",
            Self::EmailVerified => "email-verified",
            Self::EmailChanged => "email-changed",
            Self::PatCreated => "pat-created",
            Self::ProviderLinked => "provider-linked",
            Self::AccountReclaimed => "account-reclaimed",
            Self::PasswordResetRequested => "password-reset-requested",
            Self::EmailChangeRequested => "email-change-requested",
            Self::Deanonymized => "deanonymized",
            Self::MfaEnabled => "mfa-enabled",
            Self::MfaDisabled => "mfa-disabled",
            Self::RecoveryCodesMade => "recovery-codes-made",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::SecurityKeyAdded => "security-key-added",
            Self::Elevated => "elevated",
        }
    }
}

/// Remembers an event. Inside a transaction it is there exactly when what it tells is.
pub(crate) async fn record<C: GenericClient>(
    client: &C,
    kind: Kind,
    user: Option<Uuid>,
    caller: &Caller,
    details: Option<&Value>,
) -> Result<(), Error> {
    let sql = "INSERT INTO auth.security_events (kind, user_id, address, user_agent, details) \
               VALUES ($1, $2, $3, $4, $5)";
    run(client, sql, &[&kind.as_str(), &user, &caller.address, &caller.user_agent, &details]).await.map(drop)
}

pub(crate) async fn sweep<C: GenericClient>(client: &C, keep: Duration) -> Result<u64, Error> {
    let sql = "DELETE FROM auth.security_events WHERE occurred_at < now() - make_interval(secs => $1)";
    run(client, sql, &[&keep.as_secs_f64()]).await
}
