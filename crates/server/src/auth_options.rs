//! Settings of auth: keys, addresses, who may have an account, and how often somebody may try.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use auth::keys::Keys;
use auth::limits::{Rate, Rates};
use auth::{Accounts, ElevatedClaim, Error, Gravatar, Options};
use project::{Settings, Tier};
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
        Some(list) => {
            keys.with_previous(list).map_err(|why| Error::Setting { name: "AUTH_JWT_PREVIOUS_KEYS", why })
        }
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
    options.refresh_reuse_grace = life("AUTH_REFRESH_TOKEN_REUSE_GRACE", options.refresh_reuse_grace);
    options.events_life = life("AUTH_SECURITY_EVENTS_RETENTION", options.events_life);
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
    passwords(settings, options);
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
    plan.urls().into_iter().filter(move |url| frontend(&url.service)).flat_map(|url| [Some(url.http), url.https]).flatten()
}

fn custom_claims(settings: &Settings) -> Result<BTreeMap<String, String>, Error> {
    const NAME: &str = "AUTH_JWT_CUSTOM_CLAIMS";
    let Some(text) = settings.text(NAME).filter(|text| !text.trim().is_empty()) else { return Ok(BTreeMap::new()) };
    serde_json::from_str(text)
        .map_err(|_| Error::Setting { name: NAME, why: "it is no JSON object of names and paths".to_owned() })
}

fn accounts(settings: &Settings) -> Accounts {
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

fn passwords(settings: &Settings, options: &mut Options) {
    let passwords = &mut options.passwords;
    let number = |name: &str| settings.integer(name);
    let size = |name: &str, usual: usize| number(name).and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let small = |name: &str, usual: u32| number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(usual);
    passwords.min_length = size("AUTH_PASSWORD_MIN_LENGTH", passwords.min_length);
    passwords.refuse_common = settings.flag("AUTH_PASSWORD_COMMON_CHECK");
    passwords.memory = small("AUTH_PASSWORD_HASH_MEMORY", passwords.memory);
    passwords.iterations = small("AUTH_PASSWORD_HASH_ITERATIONS", passwords.iterations);
    passwords.concurrency = size("AUTH_PASSWORD_HASH_CONCURRENCY", passwords.concurrency);
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
        assert!(matches!(wrong, Error::Setting { name: "AUTH_JWT_PREVIOUS_KEYS", why } if !why.contains("hidden")));
    }

    #[test]
    fn addresses_are_the_front_doors() {
        let settings = settings(&[("FRONTEND_APP_1_NAME", "web")]);
        let plan = Plan::new(&settings).unwrap();
        assert_eq!(front_door_url(&plan, Tier::Dev, "/v1/auth"), "http://localhost:8080/v1/auth");
        assert_eq!(front_door_url(&plan, Tier::Prod, "/v1/auth"), "https://localhost:8443/v1/auth");
        let frontends: Vec<String> = frontends(&plan).collect();
        assert_eq!(frontends, ["http://web.localhost:8080", "https://web.localhost:8443"]);
    }
}
