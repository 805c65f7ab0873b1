//! What the service is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::Pool;

use crate::claims::CustomClaims;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::mailer::Mailer;
use crate::methods::Methods;
use crate::password;
use crate::sms::Sms;
use crate::{oauth, openid};

/// What the service is started with. Names in brackets are the settings.
#[derive(Debug, Clone)]
pub struct Options {
    pub pool: Pool,
    pub keys: Keys,
    /// Where browsers and the links of mails reach this service, without a slash at the end (`AUTH_SERVER_URL`).
    pub server_url: String,
    /// The frontend; where browsers go when nothing else is said (`AUTH_CLIENT_URL`).
    pub client_url: String,
    /// Where else they may be sent (`AUTH_ALLOWED_REDIRECT_URLS`). A `*` in the host stands for labels.
    pub allowed_redirect_urls: Vec<String>,
    /// `AUTH_ACCESS_TOKEN_EXPIRES_IN`
    pub access_token_life: Duration,
    /// `AUTH_REFRESH_TOKEN_EXPIRES_IN`
    pub refresh_token_life: Duration,
    /// A session ends so long after the sign-in, however often it is refreshed (`AUTH_SESSION_EXPIRES_IN`).
    pub session_life: Duration,
    /// A refresh token that was replaced this recently is refused but not taken for stolen: two tabs that refresh at
    /// once, or an answer that got lost (`AUTH_REFRESH_TOKEN_REUSE_GRACE`).
    pub refresh_reuse_grace: Duration,
    /// An access token counts no more once its session has ended or its user is disabled (`AUTH_REVOKE_ACCESS_TOKENS`).
    pub revoke_access_tokens: bool,
    /// A new password ends the user's other sessions (`AUTH_PASSWORD_CHANGE_ENDS_SESSIONS`).
    pub password_change_ends_sessions: bool,
    pub accounts: Accounts,
    pub passwords: password::Options,
    /// Answers do not tell whether an account exists (`AUTH_CONCEAL_ERRORS`).
    pub conceal_errors: bool,
    /// `AUTH_REQUIRE_ELEVATED_CLAIM`
    pub elevated_claim: ElevatedClaim,
    /// Ways of signing in beside passwords.
    pub methods: Methods,
    pub limits: Limits,
    /// The project's own mail templates, `<locale>/<template>/{subject.txt,body.html,body.txt}`.
    pub emails: Option<PathBuf>,
    /// Name of the claim to a path into the user's GraphQL object (`AUTH_JWT_CUSTOM_CLAIMS`).
    pub custom_claims: BTreeMap<String, String>,
    /// How long security events are kept (`AUTH_SECURITY_EVENTS_RETENTION`).
    pub events_life: Duration,
    /// Sign-in with other services.
    pub oauth: oauth::options::Options,
    /// Being such a service for other applications.
    pub openid: openid::options::Options,
    pub mailer: Arc<dyn Mailer>,
    /// None: nothing is configured, and the endpoints that send text messages are disabled.
    pub sms: Option<Arc<dyn Sms>>,
    pub claims: Option<Arc<dyn CustomClaims>>,
}

impl Options {
    /// Settings as a new project has them.
    pub fn new(pool: Pool, keys: Keys, mailer: Arc<dyn Mailer>) -> Self {
        Self {
            pool,
            keys,
            server_url: "http://localhost:4000".to_owned(),
            client_url: "http://localhost:3000".to_owned(),
            allowed_redirect_urls: Vec::new(),
            access_token_life: Duration::from_secs(900),
            refresh_token_life: Duration::from_secs(2_592_000),
            session_life: Duration::from_secs(365 * 86_400),
            refresh_reuse_grace: Duration::from_secs(10),
            revoke_access_tokens: true,
            password_change_ends_sessions: true,
            accounts: Accounts::default(),
            passwords: password::Options::default(),
            conceal_errors: false,
            elevated_claim: ElevatedClaim::default(),
            methods: Methods::default(),
            limits: Limits::default(),
            emails: None,
            custom_claims: BTreeMap::new(),
            events_life: Duration::from_secs(90 * 86_400),
            oauth: oauth::options::Options::default(),
            openid: openid::options::Options::default(),
            mailer,
            sms: None,
            claims: None,
        }
    }
}

/// Who may have an account, and what a new one is like.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// `AUTH_DISABLE_SIGNUP`, `AUTH_SIGNUP_ENABLED=false`
    pub disable_signup: bool,
    /// `AUTH_DISABLE_NEW_USERS`
    pub disable_new_users: bool,
    /// `AUTH_EMAIL_SIGNIN_EMAIL_VERIFIED_REQUIRED`
    pub require_verified_email: bool,
    /// `AUTH_ANONYMOUS_USERS_ENABLED`
    pub anonymous: bool,
    /// `AUTH_USER_DEFAULT_ROLE`
    pub default_role: String,
    /// `AUTH_USER_DEFAULT_ALLOWED_ROLES`; always with the default role.
    pub allowed_roles: Vec<String>,
    /// `AUTH_LOCALE_DEFAULT`
    pub default_locale: String,
    /// `AUTH_LOCALE_ALLOWED_LOCALES`
    pub allowed_locales: Vec<String>,
    /// `AUTH_GRAVATAR_ENABLED` with `AUTH_GRAVATAR_DEFAULT` and `AUTH_GRAVATAR_RATING`.
    pub gravatar: Option<Gravatar>,
    /// `AUTH_ACCESS_CONTROL_{BLOCKED,ALLOWED}_{EMAILS,EMAIL_DOMAINS}`; an empty list of allowed ones allows all.
    pub blocked_emails: Vec<String>,
    pub blocked_email_domains: Vec<String>,
    pub allowed_emails: Vec<String>,
    pub allowed_email_domains: Vec<String>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            disable_signup: false,
            disable_new_users: false,
            require_verified_email: false,
            anonymous: false,
            default_role: "user".to_owned(),
            allowed_roles: vec!["me".to_owned(), "user".to_owned()],
            default_locale: "en".to_owned(),
            allowed_locales: vec!["en".to_owned()],
            gravatar: None,
            blocked_emails: Vec::new(),
            blocked_email_domains: Vec::new(),
            allowed_emails: Vec::new(),
            allowed_email_domains: Vec::new(),
        }
    }
}

/// Pictures of new users, by their address.
#[derive(Debug, Clone)]
pub struct Gravatar {
    pub default: String,
    pub rating: String,
}

/// When endpoints that change credentials want the elevated claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ElevatedClaim {
    #[default]
    Disabled,
    /// Of users that have a security key.
    Recommended,
    Required,
}
