//! Auth: under the names of Nhost's service, and under the Bash tool's where that had its own.

use super::data::JWT_TYPES;
use super::identity::LEVELS;
use super::{Group, Kind, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[
    Group { title: "Auth", settings: SERVICE },
    Group { title: "Auth: accounts", settings: ACCOUNTS },
    Group { title: "Auth: ways to sign in", settings: WAYS },
    Group { title: "Auth: rate limits", settings: LIMITS },
    Group { title: "Auth: login providers", settings: PROVIDERS },
];

const COUNT: Kind = Kind::Integer { min: 1, max: i64::MAX };

const SERVICE: &[Setting] = &[
    Setting::new("AUTH_ENABLED", Kind::Flag, "Run auth").default("true"),
    Setting::new("AUTH_VERSION", Kind::Text, "Image tag").default("0.36.0"),
    Setting::new("AUTH_IMAGE", Kind::Text, "Whole image name, where auth runs as a container")
        .default("nhost/hasura-auth:latest"),
    Setting::new("AUTH_USE_FALLBACK", Kind::Flag, "Older switch for a dummy auth").default("false"),
    Setting::new("AUTH_HOST", Kind::Text, "Host name inside a container network").default("auth"),
    Setting::new("AUTH_PORT", Kind::Port, "Port where it runs as a container").default("4000"),
    Setting::new("AUTH_ROUTE", Kind::Route, "Sub-domain").default("auth"),
    Setting::new("AUTH_SERVER_URL", Kind::Url, "URL of auth that browsers see; the front door's when not set"),
    Setting::new("AUTH_CLIENT_URL", Kind::Url, "URL of the frontend, for redirects").default("http://localhost:3000"),
    Setting::new("AUTH_ALLOWED_REDIRECT_URLS", Kind::List, "More URLs a redirect may go to")
        .aliases(&["AUTH_ACCESS_CONTROL_ALLOWED_REDIRECT_URLS"]),
    Setting::new("AUTH_JWT_SECRET", Kind::Secret(Strength::Key), "Older name of HASURA_JWT_KEY, which counts first")
        .default("${HASURA_JWT_KEY}")
        .aliases(&["AUTH_JWT_KEY"]),
    Setting::new("AUTH_JWT_TYPE", JWT_TYPES, "Older name of HASURA_JWT_TYPE").default("HS256"),
    Setting::new(
        "AUTH_JWT_PREVIOUS_KEYS",
        Kind::Secret(Strength::External),
        "Keys that signed tokens before, a JSON list of `{\"type\":…,\"key\":…}`: they still verify",
    )
    .since("0.1"),
    Setting::new(
        "AUTH_JWT_CUSTOM_CLAIMS",
        Kind::Text,
        "Claims from the user's GraphQL object: a JSON object of names and paths, `{\"org\":\"profile.org.id\"}`",
    ),
    Setting::new("AUTH_ACCESS_TOKEN_EXPIRES_IN", Kind::Duration, "Life of an access token")
        .default("900")
        .aliases(&["AUTH_JWT_ACCESS_TOKEN_EXPIRES_IN", "AUTH_ACCESS_TOKEN_EXPIRY"]),
    Setting::new("AUTH_REFRESH_TOKEN_EXPIRES_IN", Kind::Duration, "Life of a refresh token")
        .default("2592000")
        .aliases(&["AUTH_JWT_REFRESH_TOKEN_EXPIRES_IN", "AUTH_REFRESH_TOKEN_EXPIRY"]),
    Setting::new(
        "AUTH_SESSION_EXPIRES_IN",
        Kind::Duration,
        "A session ends so long after the sign-in, however often it is refreshed",
    )
    .default("31536000")
    .since("0.1"),
    Setting::new(
        "AUTH_REFRESH_TOKEN_REUSE_GRACE",
        Kind::Duration,
        "A refresh token that was replaced this recently is refused without ending the session",
    )
    .default("10")
    .since("0.1"),
    Setting::new(
        "AUTH_REVOKE_ACCESS_TOKENS",
        Kind::Flag,
        "GraphQL and storage refuse an access token once its session has ended or its user is disabled",
    )
    .default("true")
    .since("0.1"),
    Setting::new("AUTH_REFRESH_TOKEN_SECRET", Kind::Secret(Strength::Key), "Older secret of refresh tokens"),
    Setting::new("AUTH_CONCEAL_ERRORS", Kind::Flag, "Answers do not tell whether an account exists")
        .defaults("false", "false", "true"),
    Setting::new(
        "AUTH_REQUIRE_ELEVATED_CLAIM",
        Kind::Choice(&["disabled", "recommended", "required"]),
        "When changes of credentials need a security key: never, of users who have one, always",
    )
    .default("disabled"),
    Setting::new("AUTH_EMAIL_TEMPLATES_DIR", Kind::Path, "Folder of the project's own mail templates")
        .default("nself/emails")
        .since("0.1"),
    Setting::new("AUTH_SECURITY_EVENTS_RETENTION", Kind::Duration, "How long security events are kept")
        .default("90d")
        .since("0.1"),
    Setting::new("AUTH_SMTP_HOST", Kind::Text, "Mail server").default("mailpit"),
    Setting::new("AUTH_SMTP_PORT", Kind::Port, "Its port").default("1025"),
    Setting::new("AUTH_SMTP_USER", Kind::Text, "Its user"),
    Setting::new("AUTH_SMTP_PASS", Kind::Secret(Strength::External), "Its password"),
    Setting::new("AUTH_SMTP_SECURE", Kind::Flag, "TLS to it").default("false"),
    Setting::new("AUTH_SMTP_SENDER", Kind::Email, "From address").default("noreply@${BASE_DOMAIN}"),
    Setting::new("AUTH_LOG_LEVEL", LEVELS, "Log level").default("info"),
];

const ACCOUNTS: &[Setting] = &[
    Setting::new("AUTH_SIGNUP_ENABLED", Kind::Flag, "People may sign up").default("true"),
    Setting::new("AUTH_DISABLE_SIGNUP", Kind::Flag, "Nhost's name for the opposite").default("false"),
    Setting::new("AUTH_DISABLE_NEW_USERS", Kind::Flag, "New users are disabled until somebody enables them")
        .default("false"),
    Setting::new("AUTH_EMAIL_VERIFICATION_REQUIRED", Kind::Flag, "Only verified addresses may sign in")
        .default("false")
        .aliases(&["AUTH_EMAIL_SIGNIN_EMAIL_VERIFIED_REQUIRED"]),
    Setting::new("AUTH_USER_DEFAULT_ROLE", Kind::Text, "Role of a new user").default("user"),
    Setting::new("AUTH_USER_DEFAULT_ALLOWED_ROLES", Kind::List, "Roles that a new user may take").default("me,user"),
    Setting::new("AUTH_LOCALE_DEFAULT", Kind::Text, "Language of a new user").default("en"),
    Setting::new("AUTH_LOCALE_ALLOWED_LOCALES", Kind::List, "Languages there are").default("en"),
    Setting::new("AUTH_GRAVATAR_ENABLED", Kind::Flag, "New users get their picture from Gravatar").default("true"),
    Setting::new("AUTH_GRAVATAR_DEFAULT", Kind::Text, "Gravatar's picture of who has none").default("blank"),
    Setting::new("AUTH_GRAVATAR_RATING", Kind::Text, "Gravatar's strictest rating").default("g"),
    Setting::new("AUTH_ACCESS_CONTROL_ALLOWED_EMAILS", Kind::List, "Only these addresses have accounts"),
    Setting::new("AUTH_ACCESS_CONTROL_ALLOWED_EMAIL_DOMAINS", Kind::List, "Only addresses of these domains do"),
    Setting::new("AUTH_ACCESS_CONTROL_BLOCKED_EMAILS", Kind::List, "These addresses have none"),
    Setting::new("AUTH_ACCESS_CONTROL_BLOCKED_EMAIL_DOMAINS", Kind::List, "Addresses of these domains have none"),
    Setting::new("AUTH_PASSWORD_MIN_LENGTH", Kind::Integer { min: 3, max: 128 }, "Shortest password").default("8"),
    Setting::new("AUTH_PASSWORD_COMMON_CHECK", Kind::Flag, "Refuse the commonest passwords, from a built-in list")
        .default("true")
        .aliases(&["AUTH_PASSWORD_HIBP_ENABLED"])
        .since("0.1"),
    Setting::new("AUTH_PASSWORD_HASH_MEMORY", Kind::Integer { min: 8, max: 4_194_304 }, "argon2id's memory in KiB")
        .default("19456")
        .since("0.1"),
    Setting::new("AUTH_PASSWORD_HASH_ITERATIONS", Kind::Integer { min: 1, max: 1000 }, "argon2id's passes over it")
        .default("2")
        .since("0.1"),
    Setting::new(
        "AUTH_PASSWORD_HASH_CONCURRENCY",
        Kind::Integer { min: 1, max: 1024 },
        "Passwords hashed at a time; one for each processor when not set",
    )
    .since("0.1"),
    Setting::new("AUTH_PASSWORD_CHANGE_ENDS_SESSIONS", Kind::Flag, "A new password ends the user's other sessions")
        .default("true")
        .since("0.1"),
];

const WAYS: &[Setting] = &[
    Setting::new("AUTH_ANONYMOUS_ENABLED", Kind::Flag, "Anonymous users")
        .default("false")
        .aliases(&["AUTH_ANONYMOUS_USERS_ENABLED"]),
    Setting::new("AUTH_EMAIL_PASSWORDLESS_ENABLED", Kind::Flag, "Sign in with a link sent by mail").default("false"),
    Setting::new("AUTH_OTP_EMAIL_ENABLED", Kind::Flag, "Sign in with a code sent by mail").default("false"),
    Setting::new("AUTH_SMS_PASSWORDLESS_ENABLED", Kind::Flag, "Sign in with a code sent as a text message")
        .default("false"),
    Setting::new(
        "AUTH_SMS_PROVIDER",
        Kind::Choice(&["twilio", "dev"]),
        "Who sends text messages; `dev` shows them on the mail page. In dev that when not set",
    ),
    Setting::new("AUTH_SMS_TWILIO_ACCOUNT_SID", Kind::Text, "Account at Twilio"),
    Setting::new("AUTH_SMS_TWILIO_AUTH_TOKEN", Kind::Secret(Strength::External), "Its token"),
    Setting::new("AUTH_SMS_TWILIO_MESSAGING_SERVICE_ID", Kind::Text, "Messaging service or number to send from")
        .aliases(&["AUTH_SMS_TWILIO_FROM"]),
    Setting::new("AUTH_SMS_TWILIO_BASE_URL", Kind::Url, "Twilio's API, or one like it")
        .default("https://api.twilio.com")
        .since("0.1"),
    Setting::new("AUTH_MFA_ENABLED", Kind::Flag, "Second factor").default("false"),
    Setting::new("AUTH_MFA_TOTP_ISSUER", Kind::Text, "Name that authenticator apps show").default("nself"),
    Setting::new("AUTH_WEBAUTHN_ENABLED", Kind::Flag, "Passkeys").default("false"),
    Setting::new("AUTH_WEBAUTHN_RP_NAME", Kind::Text, "Name that browsers show"),
    Setting::new("AUTH_WEBAUTHN_RP_ID", Kind::Text, "Relying party of passkeys; the frontend's host when not set"),
    Setting::new("AUTH_WEBAUTHN_RP_ORIGINS", Kind::List, "Origins passkeys work on, beside the frontend's"),
    Setting::new(
        "AUTH_WEBAUTHN_ATTESTATION_TIMEOUT",
        Kind::Integer { min: 1000, max: 3_600_000 },
        "Milliseconds a browser waits for the key",
    )
    .default("60000"),
];

const LIMITS: &[Setting] = &[
    Setting::new("AUTH_RATE_LIMIT_ENABLE", Kind::Flag, "Limit tries for each address and account").default("true"),
    Setting::new("AUTH_RATE_LIMIT_BRUTE_FORCE_BURST", COUNT, "Failed sign-ins of an account in the interval")
        .default("10"),
    Setting::new("AUTH_RATE_LIMIT_BRUTE_FORCE_INTERVAL", Kind::Duration, "The interval").default("5m"),
    Setting::new("AUTH_RATE_LIMIT_SIGNUPS_BURST", COUNT, "Sign-ups of an address in the interval").default("100"),
    Setting::new("AUTH_RATE_LIMIT_SIGNUPS_INTERVAL", Kind::Duration, "The interval").default("5m"),
    Setting::new("AUTH_RATE_LIMIT_EMAIL_BURST", COUNT, "Mails to an account in the interval").default("10"),
    Setting::new("AUTH_RATE_LIMIT_EMAIL_INTERVAL", Kind::Duration, "The interval").default("1h"),
    Setting::new("AUTH_RATE_LIMIT_SMS_BURST", COUNT, "Text messages to a number in the interval").default("10"),
    Setting::new("AUTH_RATE_LIMIT_SMS_INTERVAL", Kind::Duration, "The interval").default("1h"),
    Setting::new(
        "AUTH_RATE_LIMIT_ADDRESS_FACTOR",
        COUNT,
        "An IP address may do so many times what an account may: offices share one",
    )
    .default("10")
    .since("0.1"),
];

const PROVIDERS: &[Setting] = &[
    Setting::new("AUTH_PROVIDERS_COOKIE", Kind::Flag, "A sign-in ends in the browser that began it, by a cookie")
        .since("0.1"),
    Setting::new(
        "AUTH_ENCRYPTION_KEY",
        Kind::Secret(Strength::Key),
        "Encrypts the providers' own tokens that are kept; the tokens' key when not set",
    )
    .since("0.1"),
    Setting::new(
        "AUTH_OAUTH2_PROVIDER_ENABLED",
        Kind::Flag,
        "Other applications sign users in through auth, by OpenID",
    )
    .default("false"),
    Setting::new(
        "AUTH_OAUTH2_PROVIDER_ISSUER",
        Kind::Url,
        "Who its id tokens say made them; AUTH_SERVER_URL when not set",
    ),
    Setting::new(
        "AUTH_OAUTH2_PROVIDER_LOGIN_URL",
        Kind::Url,
        "The frontend's page that asks the user; `/oauth2/login` of AUTH_CLIENT_URL when not set",
    ),
    Setting::new("AUTH_OAUTH2_PROVIDER_ACCESS_TOKEN_TTL", Kind::Duration, "Life of an application's access token")
        .default("900"),
    Setting::new("AUTH_OAUTH2_PROVIDER_REFRESH_TOKEN_TTL", Kind::Duration, "Life of an application's refresh token")
        .default("2592000"),
    Setting::new(
        "AUTH_PROVIDER_<NAME>_CLIENT_ID",
        Kind::Text,
        "Turns a login provider on: GOOGLE, GITHUB, FACEBOOK, …",
    ),
    Setting::new("AUTH_PROVIDER_<NAME>_CLIENT_SECRET", Kind::Secret(Strength::External), "Secret of a login provider"),
    Setting::new("AUTH_PROVIDER_<NAME>_ENABLED", Kind::Flag, "`false` turns a login provider off that has an id"),
    Setting::new("AUTH_PROVIDER_<NAME>_SCOPE", Kind::List, "What to ask a login provider for, instead of the usual"),
    Setting::new("AUTH_PROVIDER_<NAME>_AUDIENCE", Kind::List, "Whose id tokens count, beside the client's"),
    Setting::new("AUTH_PROVIDER_<NAME>_TENANT", Kind::Text, "Tenant at AzureAD or EntraID"),
    Setting::new("AUTH_PROVIDER_<NAME>_BASE_URL", Kind::Url, "Own address of GitLab or Bitbucket"),
    Setting::new("AUTH_PROVIDER_<NAME>_TEAM_ID", Kind::Text, "Team at Apple"),
    Setting::new("AUTH_PROVIDER_<NAME>_KEY_ID", Kind::Text, "Key at Apple"),
    Setting::new("AUTH_PROVIDER_<NAME>_PRIVATE_KEY", Kind::Secret(Strength::External), "That key as PEM"),
    Setting::new("AUTH_PROVIDER_<NAME>_CONSUMER_KEY", Kind::Text, "Twitter's name of the id"),
    Setting::new(
        "AUTH_PROVIDER_<NAME>_CONSUMER_SECRET",
        Kind::Secret(Strength::External),
        "Twitter's name of the secret",
    ),
    Setting::new("AUTH_PROVIDER_<NAME>_DEFAULT_ORGANIZATION", Kind::Text, "Organization at WorkOS"),
    Setting::new("AUTH_PROVIDER_<NAME>_DEFAULT_CONNECTION", Kind::Text, "Connection at WorkOS"),
    Setting::new("AUTH_PROVIDER_<NAME>_DEFAULT_DOMAIN", Kind::Domain, "Domain at WorkOS"),
    Setting::new("AUTH_PROVIDER_<NAME>_AUTHORIZATION_URL", Kind::Url, "Another address of the provider").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_TOKEN_URL", Kind::Url, "Another address of the provider").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_USER_PROFILE_URL", Kind::Url, "Another address of the provider").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_EMAILS_URL", Kind::Url, "Another address of the provider").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_JWKS_URL", Kind::Url, "Another address of the provider's keys").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_ISSUER", Kind::Text, "Another issuer of the provider's id tokens").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_PKCE", Kind::Flag, "Ask the provider with PKCE").since("0.1"),
    Setting::new("AUTH_PROVIDER_<NAME>_TRUST_EMAIL", Kind::Flag, "Believe the provider's word on e-mail addresses")
        .since("0.1"),
];
