//! Which ways of signing in there are, by the settings. Those of passwords and providers are elsewhere.

use crate::webauthn;

/// The ways of signing in that can be switched on. Names in brackets are the settings.
#[derive(Debug, Clone, Default)]
pub struct Methods {
    /// Links by mail (`AUTH_EMAIL_PASSWORDLESS_ENABLED`).
    pub magic_link: bool,
    /// Codes by mail (`AUTH_OTP_EMAIL_ENABLED`).
    pub otp_email: bool,
    /// Codes by text message (`AUTH_SMS_PASSWORDLESS_ENABLED`); [`crate::Options::sms`] sends them.
    pub sms: bool,
    /// A second factor, TOTP (`AUTH_MFA_ENABLED`).
    pub mfa: bool,
    /// Whose code it is, as apps list it (`AUTH_MFA_TOTP_ISSUER`).
    pub totp_issuer: String,
    /// Security keys and passkeys (`AUTH_WEBAUTHN_ENABLED`). None: off.
    pub webauthn: Option<webauthn::Settings>,
}
