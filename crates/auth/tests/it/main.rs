//! The service against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod account_mails;
mod administration;
mod anonymous;
mod asvs_access;
mod asvs_passwords;
mod asvs_sessions;
mod authenticator;
mod claims;
mod concealed;
mod email_password;
mod emails;
mod id_tokens;
mod idp;
mod keys;
mod limits;
mod mfa;
mod oauth;
mod openid;
mod otp_email;
mod passwordless;
mod passwords;
mod pat;
mod phone;
mod revocations;
mod routes;
mod schema;
mod sessions;
mod support;
mod tokens;
mod verify;
mod webauthn;
