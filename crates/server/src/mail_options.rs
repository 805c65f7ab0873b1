//! Settings of mail: the catcher, and how mail leaves.

use std::net::{Ipv4Addr, SocketAddr};

use project::{Settings, Tier};

/// Mail that leaves would be lost: `EMAIL_PROVIDER` is mailpit, and there is no mail catcher. In development that may be
/// meant, and so may it where nothing that a project has switched on sends mail.
///
/// # Errors
/// [`mail::send::SettingError::NoCatcher`]: it cannot be meant.
pub fn without_catcher(settings: &Settings) -> Result<(), mail::send::SettingError> {
    const SENDS: [&str; 3] =
        ["AUTH_EMAIL_VERIFICATION_REQUIRED", "AUTH_EMAIL_PASSWORDLESS_ENABLED", "AUTH_OTP_EMAIL_ENABLED"];
    let sends = SENDS.iter().any(|name| settings.flag(name)) || settings.is_set("EMAIL_PROVIDER");
    if sends && settings.tier() != Tier::Dev {
        return Err(mail::send::SettingError::NoCatcher);
    }
    tracing::warn!("no mail can be sent: EMAIL_PROVIDER is mailpit, and MAILPIT_ENABLED is false");
    Ok(())
}

/// The catcher's options.
///
/// # Errors
/// The system has no random numbers to give.
pub fn catcher(settings: &Settings, pool: postgres::Pool) -> Result<mail::Options, project::Error> {
    let mut options = mail::Options::new(pool);
    let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    options.smtp = Some(here(settings.port("MAILPIT_SMTP_PORT").unwrap_or(1025)));
    options.http = Some(here(settings.port("MAILPIT_UI_PORT").unwrap_or(8025)));
    let keep = settings.integer("MAILPIT_MAX_MESSAGES").and_then(|count| usize::try_from(count).ok());
    options.keep = keep.unwrap_or(options.keep);
    options.accept_any_auth = settings.flag("MAILPIT_ACCEPT_ANY_AUTH");
    // Mails hold links that sign in. In dev they are on the developer's own machine.
    if settings.tier() != Tier::Dev {
        let secret = settings.secret("HASURA_GRAPHQL_ADMIN_SECRET").filter(|secret| !secret.expose().is_empty());
        // Without a secret nobody reads them.
        options.password = Some(secret.map_or_else(project::secrets::generate, Ok)?);
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use project::EnvName;

    use super::*;

    #[test]
    fn production_does_not_lose_mail() {
        let without = |env: &str, pairs: &[(&str, &str)]| {
            let settings = Settings::from_pairs(EnvName::parse(env).unwrap(), pairs.iter().copied()).unwrap();
            without_catcher(&settings).is_ok()
        };
        let named = [("EMAIL_PROVIDER", "mailpit")];
        let verifies = [("AUTH_EMAIL_VERIFICATION_REQUIRED", "true")];
        assert!(without("dev", &named) && without("dev", &verifies));
        // A project that has not thought of mail yet, and sends none by itself.
        assert!(without("prod", &[]));
        assert!(!without("prod", &named) && !without("prod", &verifies) && !without("staging", &verifies));
    }
}
