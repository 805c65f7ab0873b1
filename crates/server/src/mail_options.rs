//! Settings of mail: the catcher, and how mail leaves.

use std::net::{Ipv4Addr, SocketAddr};

use project::{Settings, Tier};

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
