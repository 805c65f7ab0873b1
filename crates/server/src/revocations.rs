//! Access tokens that do not count any more: auth's triggers tell which sessions have ended and which users were disabled
//! (`assets/sql/auth/0030_revocations.sql`), the GraphQL engine refuses them, and with it storage, which asks the engine.

use std::sync::Arc;
use std::time::Duration;

use graphql::access::Revocations;
use project::Settings;
use stack::{Kind, Plan};
use tokio_postgres::GenericClient;

/// Where the triggers tell it.
pub const CHANNEL: &str = "nself_auth_revoked";

/// Beyond the settings' lives, for tokens that were made while the settings were others and for applications that have
/// lives of their own.
const LONGER: Duration = Duration::from_secs(86_400);

/// `None`: tokens count until they expire, because the project wants it so or has no auth.
pub fn of(settings: &Settings, plan: &Plan) -> Option<Arc<Revocations>> {
    let auth = plan.services.iter().any(|service| service.kind == Kind::Auth);
    let life = |name: &str| settings.duration(name).unwrap_or_default();
    let longest = life("AUTH_ACCESS_TOKEN_EXPIRES_IN").max(life("AUTH_OAUTH2_PROVIDER_ACCESS_TOKEN_TTL"));
    (auth && settings.flag("AUTH_REVOKE_ACCESS_TOKENS")).then(|| Arc::new(Revocations::new(longest + LONGER)))
}

/// Reads what has ended, in the place of what was known.
///
/// # Errors
/// PostgreSQL cannot be asked.
pub async fn load<C: GenericClient>(client: &C, revocations: &Revocations) -> Result<(), tokio_postgres::Error> {
    // Before auth has run for the first time there is nothing that could have ended.
    let there = client.query_one("SELECT to_regclass('auth.revocations') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(());
    }
    let statement = "SELECT id::text FROM auth.revocations WHERE revoked_at > now() - make_interval(secs => $1)";
    let rows = client.query(statement, &[&revocations.keep().as_secs_f64()]).await?;
    revocations.replace(rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?);
    Ok(())
}

/// What a notification says: `+` and an id, or `-` and one that counts again.
pub fn told(payload: &str, revocations: &Revocations) {
    match (payload.strip_prefix('+'), payload.strip_prefix('-')) {
        (Some(id), _) => revocations.revoke([id.to_owned()]),
        (None, Some(id)) => revocations.reinstate(id),
        (None, None) => tracing::warn!("a message about access tokens cannot be read"),
    }
}
