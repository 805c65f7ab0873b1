//! Settings of auth: keys, addresses, who may have an account, and how often somebody may try.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth::keys::Keys;
use auth::limits::{Rate, Rates};
use auth::oauth::options as oauth;
use auth::openid::options as openid;
use auth::{Accounts, ElevatedClaim, Error, Gravatar, Mailer, Methods, Options, Sms, password, webauthn};
use project::{Secret, Settings, Tier};
use stack::{Plan, Run};

/// What the Bash tool put into AUTH_SERVER_URL: where auth listened as a container.
const CONTAINER_URLS: [&str; 2] = ["http://localhost:4000", "http://auth:4000"];

/// The key that signs, which GraphQL shares, and those before it.
///
/// # Errors
/// [`Error::Keys`]: there is none that signs, or one cannot be read.
pub fn keys(settings: &Settings) -> Result<Keys, Error> {
    let own = |name: &str| settings.text(name).filter(|text| !text.trim().is_empty());
    let keys = match own("HASURA_GRAPHQL_JWT_SECRET") {
        Some(text) => Keys::parse(text),
        None => {
            let (key, kind) = own_key(settings).ok_or_else(|| Error::Keys("HASURA_JWT_KEY is not set".to_owned()))?;
            Keys::of_key(&kind, &key)
        }
    };
    let keys = keys.map_err(Error::Keys)?;
    match own("AUTH_JWT_PREVIOUS_KEYS") {
        Some(list) => keys.with_previous(list).map_err(|why| wrong("AUTH_JWT_PREVIOUS_KEYS", why)),
        None => Ok(keys),
    }
}

/// The key that stands by itself, and its type.
pub fn own_key(settings: &Settings) -> Option<(String, String)> {
    let (key, kind) = if settings.is_set("HASURA_JWT_KEY") || !settings.is_set("AUTH_JWT_SECRET") {
        (settings.text("HASURA_JWT_KEY"), settings.text("HASURA_JWT_TYPE"))
    } else {
        (settings.text("AUTH_JWT_SECRET"), settings.text("AUTH_JWT_TYPE"))
    };
    let key = key.filter(|text| !text.trim().is_empty())?;
    let kind = kind.unwrap_or("HS256");
    // A line of a .env file holds a PEM with its line ends written out.
    let key = if kind.starts_with("HS") { key.to_owned() } else { key.replace("\\n", "\n") };
    Some((key, kind.to_owned()))
}

/// Fills in everything but the pool, the keys and who is asked. `root` is the project's folder.
///
/// # Errors
/// [`Error::Setting`]: one cannot be read.
pub fn apply(settings: &Settings, plan: &Plan, root: &Path, options: &mut Options) -> Result<(), Error> {
    let url = |name: &str| settings.text(name).map(|url| url.trim_end_matches('/').to_owned());
    let own = url("AUTH_SERVER_URL").filter(|url| !CONTAINER_URLS.contains(&url.as_str()));
    options.server_url = own.unwrap_or_else(|| front_door_url(plan, settings.tier(), "/v1/auth"));
    options.client_url = url("AUTH_CLIENT_URL").unwrap_or_else(|| options.client_url.clone());
    options.allowed_redirect_urls = settings.list("AUTH_ALLOWED_REDIRECT_URLS");
    options.allowed_redirect_urls.extend(frontends(plan));
    let life = |name: &str, usual: Duration| settings.duration(name).unwrap_or(usual);
    options.access_token_life = life("AUTH_ACCESS_TOKEN_EXPIRES_IN", options.access_token_life);
    options.refresh_token_life = life("AUTH_REFRESH_TOKEN_EXPIRES_IN", options.refresh_token_life);
    options.session_life = life("AUTH_SESSION_EXPIRES_IN", options.session_life);
    options.refresh_reuse_grace = life("AUTH_REFRESH_TOKEN_REUSE_GRACE", options.refresh_reuse_grace);
    options.events_life = life("AUTH_SECURITY_EVENTS_RETENTION", options.events_life);
    options.revoke_access_tokens = settings.flag("AUTH_REVOKE_ACCESS_TOKENS");
    options.password_change_ends_sessions = settings.flag("AUTH_PASSWORD_CHANGE_ENDS_SESSIONS");
    options.conceal_errors = settings.flag("AUTH_CONCEAL_ERRORS");
    options.elevated_claim = match settings.text("AUTH_REQUIRE_ELEVATED_CLAIM") {
        Some("required") => ElevatedClaim::Required,
        Some("recommended") => ElevatedClaim::Recommended,
        _ => ElevatedClaim::Disabled,
    };
    options.emails = settings.text("AUTH_EMAIL_TEMPLATES_DIR").map(|path| root.join(path));
    options.custom_claims = custom_claims(settings)?;
    options.accounts = accounts(settings);
    options.methods = methods(settings);
    let set: HashMap<&str, &str> = settings.set_values().map(|(name, value, _)| (name, value)).collect();
    let oauth = oauth::Options::read(&|name| set.get(name).map(|value| (*value).to_owned()));
    options.oauth = oauth.map_err(|(name, why)| wrong(&name, why))?;
    options.openid = openid(settings);
    options.passwords = passwords(settings);
    limits(settings, options);
    Ok(())
}

/// An address through the front door: https where browsers are sent there.
pub fn front_door_url(plan: &Plan, tier: Tier, path: &str) -> String {
    let https = plan.gateway.https_url(&plan.base_domain, path).filter(|_| tier != Tier::Dev);
    https.unwrap_or_else(|| plan.gateway.http_url(&plan.base_domain, path))
}

/// The project's own frontends may be gone back to.
fn frontends(plan: &Plan) -> impl Iterator<Item = String> {
    let frontend = |name: &str| plan.service(name).is_some_and(|service| matches!(service.run, Run::External));
    plan.urls()
        .into_iter()
        .filter(move |url| frontend(&url.service))
        .flat_map(|url| [Some(url.http), url.https])
        .flatten()
}

/// Being a sign-in provider for other applications.
fn openid(settings: &Settings) -> openid::Options {
    let usual = openid::Options::default();
    let url = |name: &str| settings.text(name).map(|url| url.trim_end_matches('/').to_owned());
    let life = |name: &str, usual: Duration| settings.duration(name).unwrap_or(usual);
    openid::Options {
        enabled: settings.flag("AUTH_OAUTH2_PROVIDER_ENABLED"),
        issuer: url("AUTH_OAUTH2_PROVIDER_ISSUER"),
        login_url: url("AUTH_OAUTH2_PROVIDER_LOGIN_URL"),
        access_token_life: life("AUTH_OAUTH2_PROVIDER_ACCESS_TOKEN_TTL", usual.access_token_life),
        refresh_token_life: life("AUTH_OAUTH2_PROVIDER_REFRESH_TOKEN_TTL", usual.refresh_token_life),
    }
}

fn wrong(name: &str, why: String) -> Error {
    Error::Setting { name: name.to_owned().into(), why }
}

fn methods(settings: &Settings) -> Methods {
    let text = |name: &str| settings.text(name).map(str::to_owned);
    let project = || settings.text("PROJECT_NAME").unwrap_or("nself").to_owned();
    let usual = webauthn::Settings::default();
    let timeout = settings.integer("AUTH_WEBAUTHN_ATTESTATION_TIMEOUT").and_then(|ms| u64::try_from(ms).ok());
    Methods {
        magic_link: settings.flag("AUTH_EMAIL_PASSWORDLESS_ENABLED"),
        otp_email: settings.flag("AUTH_OTP_EMAIL_ENABLED"),
        sms: settings.flag("AUTH_SMS_PASSWORDLESS_ENABLED"),
        mfa: settings.flag("AUTH_MFA_ENABLED"),
        totp_issuer: text("AUTH_MFA_TOTP_ISSUER").unwrap_or_else(project),
        webauthn: settings.flag("AUTH_WEBAUTHN_ENABLED").then(|| webauthn::Settings {
            rp_name: text("AUTH_WEBAUTHN_RP_NAME").unwrap_or_else(project),
            rp_id: text("AUTH_WEBAUTHN_RP_ID"),
            origins: settings.list("AUTH_WEBAUTHN_RP_ORIGINS"),
            timeout: timeout.map_or(usual.timeout, Duration::from_millis),
        }),
    }
}

/// Who sends text messages; nobody when nothing is configured. `mailer` shows them in development.
///
/// # Errors
/// A setting of the provider is missing or wrong.
pub fn sms(settings: &Settings, mailer: &Arc<dyn Mailer>) -> Result<Option<Arc<dyn Sms>>, Error> {
    let provider = settings.text("AUTH_SMS_PROVIDER");
    if provider == Some("twilio") {
        let needed = |name: &str| settings.text(name).ok_or_else(|| wrong(name, "it is not set".to_owned()));
        let token = Secret::new(needed("AUTH_SMS_TWILIO_AUTH_TOKEN")?.to_owned());
        let from = needed("AUTH_SMS_TWILIO_MESSAGING_SERVICE_ID")?;
        let base = settings.text("AUTH_SMS_TWILIO_BASE_URL");
        let twilio = auth::sms::Twilio::new(needed("AUTH_SMS_TWILIO_ACCOUNT_SID")?, token, from, base);
        let twilio = twilio.map_err(|error| wrong("AUTH_SMS_TWILIO_BASE_URL", error.to_string()))?;
        return Ok(Some(Arc::new(twilio)));
    }
    let shown = provider == Some("dev") || settings.tier() == Tier::Dev;
    Ok(shown.then(|| Arc::new(auth::sms::ByMail(Arc::clone(mailer))) as Arc<dyn Sms>))
}

fn custom_claims(settings: &Settings) -> Result<BTreeMap<String, String>, Error> {
    const NAME: &str = "AUTH_JWT_CUSTOM_CLAIMS";
    let Some(text) = settings.text(NAME).filter(|text| !text.trim().is_empty()) else { return Ok(BTreeMap::new()) };
    serde_json::from_str(text).map_err(|_| wrong(NAME, "it is no JSON object of names and paths".to_owned()))
}

/// Who may have an account, and what a new one is like.
pub fn accounts(settings: &Settings) -> Accounts {
    let usual = Accounts::default();
    let text = |name: &str, usual: String| settings.text(name).map_or(usual, str::to_owned);
    let gravatar = settings.flag("AUTH_GRAVATAR_ENABLED").then(|| Gravatar {
        default: text("AUTH_GRAVATAR_DEFAULT", "blank".to_owned()),
        rating: text("AUTH_GRAVATAR_RATING", "g".to_owned()),
    });
    Accounts {
        disable_signup: settings.flag("AUTH_DISABLE_SIGNUP") || !settings.flag("AUTH_SIGNUP_ENABLED"),
        disable_new_users: settings.flag("AUTH_DISABLE_NEW_USERS"),
        require_verified_email: settings.flag("AUTH_EMAIL_VERIFICATION_REQUIRED"),
        anonymous: settings.flag("AUTH_ANONYMOUS_ENABLED"),
        default_role: text("AUTH_USER_DEFAULT_ROLE", usual.default_role),
        allowed_roles: settings.list("AUTH_USER_DEFAULT_ALLOWED_ROLES"),
        default_locale: text("AUTH_LOCALE_DEFAULT", usual.default_locale),
        allowed_locales: settings.list("AUTH_LOCALE_ALLOWED_LOCALES"),
        gravatar,
        blocked_emails: settings.list("AUTH_ACCESS_CONTROL_BLOCKED_EMAILS"),
        blocked_email_domains: settings.list("AUTH_ACCESS_CONTROL_BLOCKED_EMAIL_DOMAINS"),
        allowed_emails: settings.list("AUTH_ACCESS_CONTROL_ALLOWED_EMAILS"),
        allowed_email_domains: settings.list("AUTH_ACCESS_CONTROL_ALLOWED_EMAIL_DOMAINS"),
    }
}

/// How passwords are judged and hashed.
pub fn passwords(settings: &Settings) -> password::Options {
    let mut passwords = password::Options::default();
    let number = |name: &str| settings.integer(name);
    let size = |name: &str, usual: usize| number(name).and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let small = |name: &str, usual: u32| number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(usual);
    passwords.min_length = size("AUTH_PASSWORD_MIN_LENGTH", passwords.min_length);
    passwords.refuse_common = settings.flag("AUTH_PASSWORD_COMMON_CHECK");
    passwords.memory = small("AUTH_PASSWORD_HASH_MEMORY", passwords.memory);
    passwords.iterations = small("AUTH_PASSWORD_HASH_ITERATIONS", passwords.iterations);
    passwords.concurrency = size("AUTH_PASSWORD_HASH_CONCURRENCY", passwords.concurrency);
    passwords
}

/// An account's rates are settings; an address has a multiple of them.
fn limits(settings: &Settings, options: &mut Options) {
    let limits = &mut options.limits;
    limits.enabled = settings.flag("AUTH_RATE_LIMIT_ENABLE");
    let number = |name: &str| settings.integer(name).and_then(|n| u32::try_from(n).ok());
    let factor = number("AUTH_RATE_LIMIT_ADDRESS_FACTOR").unwrap_or(10);
    let set = |rates: &mut Rates, what: &str, of_address: bool| {
        let interval = settings.duration(&format!("AUTH_RATE_LIMIT_{what}_INTERVAL"));
        let interval = interval.unwrap_or(rates.account.interval);
        let burst = number(&format!("AUTH_RATE_LIMIT_{what}_BURST")).unwrap_or(rates.account.burst);
        let (account, address) =
            if of_address { ((burst / factor).max(1), burst) } else { (burst, burst.saturating_mul(factor)) };
        *rates = Rates { account: Rate::new(account, interval), address: Rate::new(address, interval) };
    };
    set(&mut limits.brute_force, "BRUTE_FORCE", false);
    // Of an account there is but one sign-up.
    set(&mut limits.sign_up, "SIGNUPS", true);
    set(&mut limits.email, "EMAIL", false);
    set(&mut limits.sms, "SMS", false);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use project::EnvName;

    use super::*;

    const KEY: &str = "a key of tokens that is long enough";

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(EnvName::dev(), pairs.iter().copied()).unwrap()
    }

    #[test]
    fn both_spellings_of_the_key() {
        let nhost = format!(r#"{{"type":"HS256","key":"{KEY}","issuer":"me"}}"#);
        assert_eq!(keys(&settings(&[("HASURA_GRAPHQL_JWT_SECRET", &nhost)])).unwrap().issuer(), "me");
        assert!(keys(&settings(&[("HASURA_JWT_KEY", KEY)])).is_ok());
        assert!(keys(&settings(&[("AUTH_JWT_SECRET", KEY)])).is_ok());
        assert!(matches!(keys(&settings(&[])), Err(Error::Keys(_))));
        let previous = format!(r#"[{{"type":"HS256","key":"{KEY}"}}]"#);
        assert!(keys(&settings(&[("HASURA_JWT_KEY", KEY), ("AUTH_JWT_PREVIOUS_KEYS", &previous)])).is_ok());
        let wrong = keys(&settings(&[("HASURA_JWT_KEY", KEY), ("AUTH_JWT_PREVIOUS_KEYS", "hidden")])).unwrap_err();
        assert!(matches!(wrong, Error::Setting { why, .. } if !why.contains("hidden")));
    }

    #[test]
    fn addresses_are_the_front_doors() {
        let settings = settings(&[("BASE_DOMAIN", "localhost"), ("FRONTEND_APP_1_NAME", "web")]);
        let plan = Plan::new(&settings).unwrap();
        assert_eq!(front_door_url(&plan, Tier::Dev, "/v1/auth"), "http://localhost:8080/v1/auth");
        assert_eq!(front_door_url(&plan, Tier::Prod, "/v1/auth"), "https://localhost:8443/v1/auth");
        let frontends: Vec<String> = frontends(&plan).collect();
        assert_eq!(frontends, ["http://web.localhost:8080", "https://web.localhost:8443"]);
    }
}
