//! `auth.roles` and `auth.user_roles`.

use postgres::Pool;
use tokio_postgres::Error;
use uuid::Uuid;

use super::{GenericClient, rows, run};
use crate::options::Accounts;

/// Adds the roles of the settings, which new users get.
pub async fn ensure(pool: &Pool, accounts: &Accounts) -> Result<(), crate::Error> {
    let client = pool.get().await.map_err(crate::Error::Connect)?;
    let mut wanted = accounts.allowed_roles.clone();
    wanted.push(accounts.default_role.clone());
    let sql = "INSERT INTO auth.roles (role) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING";
    run(&client, sql, &[&wanted]).await.map_err(crate::Error::Read)?;
    Ok(())
}

/// The roles a user may take; the default role among them.
pub async fn of<C: GenericClient>(client: &C, user: Uuid, default: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT role FROM auth.user_roles WHERE user_id = $1 ORDER BY created_at, role";
    let found = rows(client, sql, &[&user]).await?;
    let mut roles: Vec<String> = found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if !roles.iter().any(|role| role == default) {
        roles.push(default.to_owned());
    }
    Ok(roles)
}
