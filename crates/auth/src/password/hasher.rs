//! argon2id; bcrypt is accepted, as Nhost's service made it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use project::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Options;
use crate::api::failure::Failure;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes passwords, a bounded number at once: each takes memory, and a flood of sign-ins must not take all of it.
#[derive(Debug)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Verified in the place of a user that does not exist, so that time does not tell.
    nobody: Secret,
    older: Arc<Older>,
}

/// Nobody's bcrypt hash, while there are users with such hashes: it takes another time than argon2, so whoever is refused
/// has waited for both.
#[derive(Debug, Default)]
pub(crate) struct Older(RwLock<Option<Secret>>);

impl Older {
    /// The users' costliest bcrypt hash is of this cost; `None`: there are none any more.
    pub fn set(&self, cost: Option<u32>) {
        // A cost that cannot be is of a hash that fits no password.
        let hash = cost.and_then(|cost| bcrypt::hash("nobody has this password", cost).ok());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = hash.map(Secret::new);
    }

    pub fn is_set(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn get(&self) -> Option<Secret> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a password was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, but the hash is weaker than what is made now; here is a better one.
    Upgrade(String),
}

impl Hasher {
    /// # Errors
    /// The settings are out of argon2's bounds.
    pub fn new(options: &Options) -> Result<Self, String> {
        let params = Params::new(options.memory, options.iterations, 1, None).map_err(|error| error.to_string())?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, "nobody has this password").map(Secret::new)?;
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(options.concurrency.max(1))), nobody, older: Arc::default() })
    }

    pub fn older(&self) -> Arc<Older> {
        Arc::clone(&self.older)
    }

    /// A hash to keep.
    ///
    /// # Errors
    /// [`Failure::Busy`]: no turn in time.
    pub async fn hash(&self, password: &str) -> Result<String, Failure> {
        let (argon2, password) = (self.argon2.clone(), Secret::new(password.to_owned()));
        let turn = self.turn().await?;
        let hashed = tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a client that goes away does not stop what has begun.
            let _turn = turn;
            hash(&argon2, password.expose())
        });
        hashed.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }

    /// Compares with a kept hash; without one takes as long and says no.
    ///
    /// # Errors
    /// [`Failure::Busy`]: no turn in time.
    pub async fn verify(&self, password: &str, kept: Option<&Secret>) -> Result<Verdict, Failure> {
        let exists = kept.is_some();
        let kept = kept.unwrap_or(&self.nobody).clone();
        let other = self.older.get().map(|older| if is_argon2(kept.expose()) { older } else { self.nobody.clone() });
        let (argon2, password) = (self.argon2.clone(), Secret::new(password.to_owned()));
        let turn = self.turn().await?;
        let verified = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let verdict = verify(&argon2, password.expose(), kept.expose())?;
            if let Some(other) = other
                && !(exists && verdict != Verdict::Wrong)
            {
                verify(&argon2, password.expose(), other.expose())?;
            }
            Ok(verdict)
        });
        let verdict: Result<Verdict, String> = verified.await.map_err(|error| failed(&error))?;
        let verdict = verdict.map_err(|error| failed(&error))?;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Failure::Busy),
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::internal("a password cannot be hashed", error)
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
    let hashed = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| error.to_string())?;
    Ok(hashed.to_string())
}

fn is_argon2(hash: &str) -> bool {
    hash.starts_with("$argon2")
}

fn verify(argon2: &Argon2<'_>, password: &str, kept: &str) -> Result<Verdict, String> {
    let (right, current) = if is_argon2(kept) {
        let Ok(parsed) = PasswordHash::new(kept) else { return Ok(Verdict::Wrong) };
        let right = argon2.verify_password(password.as_bytes(), &parsed).is_ok();
        (right, is_current(argon2, &parsed))
    } else {
        // A hash that cannot be read fits no password.
        (bcrypt::verify(password, kept).unwrap_or(false), false)
    };
    Ok(match (right, current) {
        (false, _) => Verdict::Wrong,
        (true, true) => Verdict::Right,
        (true, false) => Verdict::Upgrade(hash(argon2, password)?),
    })
}

/// Made with parameters no weaker than today's.
fn is_current(argon2: &Argon2<'_>, kept: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(kept) else { return false };
    let wanted = argon2.params();
    kept.algorithm.as_str() == "argon2id" && params.m_cost() >= wanted.m_cost() && params.t_cost() >= wanted.t_cost()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn quick(memory: u32) -> Hasher {
        Hasher::new(&Options { memory, iterations: 1, concurrency: 1, ..Options::default() }).unwrap()
    }

    fn kept(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn its_own_hashes() {
        let hasher = quick(64);
        let hash = kept(&hasher.hash("correct horse").await.unwrap());
        assert!(hash.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(hasher.verify("correct horse", Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify("wrong horse", Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify("nobody has this password", None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn beside_bcrypt_nothing_else_changes() {
        let hasher = quick(64);
        hasher.older().set(Some(4));
        let hash = kept(&hasher.hash("correct horse").await.unwrap());
        let bcrypt = kept(&bcrypt::hash("correct horse", 4).unwrap());
        assert_eq!(hasher.verify("correct horse", Some(&hash)).await.unwrap(), Verdict::Right);
        assert!(matches!(hasher.verify("correct horse", Some(&bcrypt)).await.unwrap(), Verdict::Upgrade(_)));
        for kept in [Some(&hash), Some(&bcrypt), None] {
            // The decoys' own password signs nobody in.
            for password in ["wrong horse", "nobody has this password"] {
                assert_eq!(hasher.verify(password, kept).await.unwrap(), Verdict::Wrong);
            }
        }
        hasher.older().set(None);
        assert!(hasher.older().get().is_none());
    }

    #[tokio::test]
    async fn weaker_ones_are_replaced() {
        let hasher = quick(128);
        let weak = kept(&quick(64).hash("correct horse").await.unwrap());
        let bcrypt = kept(&bcrypt::hash("correct horse", 4).unwrap());
        // As Go's library, which Nhost's service uses, writes it.
        let go = kept(&bcrypt.expose().replacen("$2b$", "$2a$", 1));
        for old in [&weak, &bcrypt, &go] {
            let Verdict::Upgrade(better) = hasher.verify("correct horse", Some(old)).await.unwrap() else {
                panic!("{} is right and weak", old.expose());
            };
            assert_eq!(hasher.verify("correct horse", Some(&kept(&better))).await.unwrap(), Verdict::Right);
            assert_eq!(hasher.verify("wrong horse", Some(old)).await.unwrap(), Verdict::Wrong);
        }
        for broken in ["", "$argon2id$", "$2a$10$short", "plain"] {
            assert_eq!(hasher.verify("plain", Some(&kept(broken))).await.unwrap(), Verdict::Wrong, "{broken}");
        }
    }
}
