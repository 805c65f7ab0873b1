//! Recovery codes: each signs in once in the place of a code of the app.
//!
//! They have 120 bits, so that a plain hash of one says nothing (OWASP ASVS 5, 6.5.2).

use project::Secret;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::api::failure::Failure;
use crate::store::{GenericClient, hash, one, run};

/// How many a user gets.
const COUNT: usize = 10;

/// Makes new ones in the place of those before: `xxxx-xxxx-xxxx-xxxx-xxxx-xxxx`, letters and digits of base32.
///
/// # Errors
/// PostgreSQL; the system has no random numbers.
pub async fn make<C: GenericClient>(client: &C, user: Uuid) -> Result<Vec<Secret>, Failure> {
    let mut codes = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        codes.push(random().map_err(|error| Failure::internal("there are no random numbers", &error))?);
    }
    forget(client, user).await?;
    let hashes: Vec<String> = codes.iter().map(|code| hashed(user, code.expose())).collect();
    let sql = "INSERT INTO auth.recovery_codes (user_id, hash) SELECT $1, unnest($2::text[])";
    run(client, sql, &[&user, &hashes]).await?;
    Ok(codes)
}

fn random() -> Result<Secret, getrandom::Error> {
    let mut bytes = Box::new([0; 15]);
    getrandom::fill(&mut *bytes)?;
    let text = totp_rs::Secret::new(bytes).to_base32().to_ascii_lowercase();
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
    Ok(Secret::new(groups.join("-")))
}

/// However it was typed; with the user, so that equal codes have different hashes.
fn hashed(user: Uuid, code: &str) -> String {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    hash(&format!("{user}:{plain}"))
}

/// Uses one up; false when the user has no such.
pub async fn spend<C: GenericClient>(client: &C, user: Uuid, code: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM auth.recovery_codes WHERE user_id = $1 AND hash = $2";
    Ok(run(client, sql, &[&user, &hashed(user, code)]).await? == 1)
}

/// How many are left.
pub async fn count<C: GenericClient>(client: &C, user: Uuid) -> Result<i64, Error> {
    one(client, "SELECT count(*) FROM auth.recovery_codes WHERE user_id = $1", &[&user]).await?.try_get(0)
}

pub async fn forget<C: GenericClient>(client: &C, user: Uuid) -> Result<(), Error> {
    run(client, "DELETE FROM auth.recovery_codes WHERE user_id = $1", &[&user]).await.map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn however_it_was_typed() {
        let code = random().unwrap();
        assert_eq!((code.expose().len(), code.expose().matches('-').count()), (29, 5), "six groups of four");
        let user = Uuid::new_v4();
        let typed = code.expose().to_uppercase().replace('-', " ");
        assert_eq!(hashed(user, code.expose()), hashed(user, &typed));
        assert_ne!(hashed(user, code.expose()), hashed(Uuid::new_v4(), code.expose()));
    }
}
