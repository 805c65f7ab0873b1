//! What a client sees when something is refused.
//!
//! There are two shapes, as upstream's validator and its handlers differ: `{"error": "…"}` with status 400 for a
//! request that does not fit the API's description (a bearer that is missing or bad among them), and
//! `{"status", "error": "<code>", "message"}` for everything that a handler refuses.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Coded(Code),
    /// The body or the query does not fit; says how.
    Request(String),
    /// No bearer, or a bad one.
    Security(&'static str),
    NotFound,
    Method,
    /// Too many tries; how long to wait.
    Limited(Duration),
    /// Too many sign-ins at once.
    Busy,
}

macro_rules! codes {
    ($($name:ident = $status:literal $text:literal $sensitive:literal $message:literal,)+) => {
        /// The codes of the API (`facts/nhost-auth-storage.md`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($name,)+ }

        impl Code {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }

            /// It tells something about an account; concealed where that is wanted.
            fn is_sensitive(self) -> bool {
                match self { $(Self::$name => $sensitive,)+ }
            }
        }
    };
}

codes! {
    DefaultRoleMustBeInAllowedRoles = 400 "default-role-must-be-in-allowed-roles" false "Default role must be in allowed roles",
    DisabledUser = 401 "disabled-user" true "User is disabled",
    DisabledEndpoint = 409 "disabled-endpoint" false "This endpoint is disabled",
    DisabledMfaTotp = 401 "disabled-mfa-totp" true "User does not have TOTP MFA enabled",
    EmailAlreadyInUse = 409 "email-already-in-use" true "Email already in use",
    EmailAlreadyVerified = 400 "email-already-verified" true "User's email is already verified",
    ForbiddenAnonymous = 403 "forbidden-anonymous" true "Forbidden, user is anonymous.",
    InternalServerError = 500 "internal-server-error" false "Internal server error",
    InvalidEmailPassword = 401 "invalid-email-password" true "Incorrect email or password",
    InvalidOtp = 400 "invalid-otp" true "Invalid or expired OTP",
    InvalidPat = 401 "invalid-pat" true "Invalid or expired personal access token",
    InvalidRefreshToken = 401 "invalid-refresh-token" true "Invalid or expired refresh token",
    InvalidRequest = 400 "invalid-request" false "The request payload is incorrect",
    InvalidState = 400 "invalid-state" false "Invalid state",
    InvalidTicket = 401 "invalid-ticket" true "Invalid ticket",
    InvalidTotp = 401 "invalid-totp" true "Invalid TOTP code",
    MfaTypeNotFound = 400 "mfa-type-not-found" false "MFA type not found",
    NoTotpSecret = 400 "no-totp-secret" true "User does not have a TOTP secret",
    OauthProfileFetchFailed = 400 "oauth-profile-fetch-failed" false "Failed to get user profile",
    OauthProviderError = 400 "oauth-provider-error" false "Provider returned an error",
    OauthTokenExchangeFailed = 400 "oauth-token-echange-failed" false "Failed to exchange token",
    PasswordInHibpDatabase = 400 "password-in-hibp-database" false "Password is in HIBP database",
    PasswordTooShort = 400 "password-too-short" false "Password is too short",
    ProviderAccountAlreadyLinked = 409 "provider-account-already-linked" true "This provider account is already linked to a user",
    RedirectToNotAllowed = 400 "redirectTo-not-allowed" false "The value of \"options.redirectTo\" is not allowed.",
    RoleNotAllowed = 400 "role-not-allowed" true "Role not allowed",
    SignupDisabled = 403 "signup-disabled" true "Sign up is disabled.",
    CannotSendSms = 400 "cannot-send-sms" false "Cannot send SMS, check your phone number is correct",
    TotpAlreadyActive = 400 "totp-already-active" false "TOTP MFA is already active",
    UnverifiedUser = 401 "unverified-user" true "User is not verified.",
    UserAlreadyExists = 409 "user-already-exists" true "User already exists",
    UserNotAnonymous = 400 "user-not-anonymous" false "Logged in user is not anonymous",
}

impl Failure {
    /// An error of the server's own, written to the log once, here.
    pub fn internal(what: &'static str, why: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %why, "{what}");
        Self::Coded(Code::InternalServerError)
    }

    /// It tells something about an account, so it is concealed where that is wanted.
    pub fn tells_about_account(&self) -> bool {
        matches!(self, Self::Coded(code) if code.is_sensitive())
    }

    /// Without what it tells about an account, where that is to be concealed.
    #[must_use]
    pub fn concealed(self, conceal: bool) -> Self {
        match self {
            Self::Coded(code) if conceal && code.is_sensitive() => Self::Coded(Code::InvalidRequest),
            other => other,
        }
    }

    /// Code and message, for the `error` and `errorDescription` of a redirect.
    pub fn describe(&self) -> (&'static str, String) {
        match self {
            Self::Coded(code) => (code.as_str(), code.message().to_owned()),
            Self::Request(why) => (Code::InvalidRequest.as_str(), why.clone()),
            Self::Security(why) => (Code::InvalidRequest.as_str(), (*why).to_owned()),
            Self::NotFound | Self::Method => (Code::InvalidRequest.as_str(), "not found".to_owned()),
            Self::Limited(_) => (TOO_MANY, TOO_MANY_MESSAGE.to_owned()),
            Self::Busy => (BUSY, BUSY_MESSAGE.to_owned()),
        }
    }
}

const TOO_MANY: &str = "too-many-requests";
const TOO_MANY_MESSAGE: &str = "Too many requests, try again later";
const BUSY: &str = "busy";
const BUSY_MESSAGE: &str = "The server is busy, try again in a moment";

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::Coded(code)
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::internal("auth cannot reach PostgreSQL", &error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;

        // JSON and URLs can hold a character zero, PostgreSQL's text cannot.
        if matches!(error.code(), Some(&SqlState::UNTRANSLATABLE_CHARACTER | &SqlState::CHARACTER_NOT_IN_REPERTOIRE)) {
            return Self::Request("a text contains a character that cannot be kept".to_owned());
        }
        Self::internal("PostgreSQL refused a statement of auth", &crate::error::reason(&error))
    }
}

fn coded(status: u16, code: &str, message: &str) -> Response {
    let status_code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status_code, Json(json!({"status": status, "error": code, "message": message}))).into_response()
}

fn plain(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

impl IntoResponse for Failure {
    /// The failure itself stands in the response's extensions too, for the layer that conceals.
    fn into_response(self) -> Response {
        let mut response = match &self {
            Self::Coded(code) => coded(code.status(), code.as_str(), code.message()),
            Self::Request(why) => {
                plain(StatusCode::BAD_REQUEST, &format!("error in openapi3filter.RequestError: {why}"))
            }
            Self::Security(why) => plain(
                StatusCode::BAD_REQUEST,
                &format!("error in openapi3filter.SecurityRequirementsError: security requirements failed: {why}"),
            ),
            Self::NotFound => plain(StatusCode::NOT_FOUND, "no matching operation was found"),
            Self::Method => plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
            Self::Limited(_) => coded(429, TOO_MANY, TOO_MANY_MESSAGE),
            Self::Busy => coded(503, BUSY, BUSY_MESSAGE),
        };
        let wait = match &self {
            Self::Limited(wait) => Some(wait.as_secs().max(1)),
            Self::Busy => Some(1),
            _ => None,
        };
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concealing_leaves_nothing_that_tells_about_an_account() {
        for code in Code::ALL {
            let Failure::Coded(seen) = Failure::from(*code).concealed(true) else { panic!("a code stays a code") };
            assert!(!seen.is_sensitive(), "{seen:?}");
            assert_eq!(Failure::from(*code).concealed(false), Failure::Coded(*code));
        }
    }
}
