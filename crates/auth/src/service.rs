//! The running service.

use std::sync::Arc;
use std::time::Duration;

use postgres::Pool;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use webauthn_rs::Webauthn;

use crate::api::failure::Failure;
use crate::api::{self, route::Declared};
use crate::oauth::{self, Oauth};
use crate::openid::{self, Openid};
use crate::password::{Hasher, Older};
use crate::redirect::Allowed;
use crate::{Error, Options, claims, events, limits, pkce, store, tickets, webauthn};

/// Starts the service.
#[derive(Debug)]
pub struct Service;

/// The running service; clones share it. It is the state of every handler.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    hasher: Hasher,
    redirects: Allowed,
    /// None: security keys are off.
    webauthn: Option<Webauthn>,
    sending: Semaphore,
    oauth: Oauth,
    /// None: it is off.
    openid: Option<Openid>,
    sweeper: std::sync::OnceLock<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(sweeper) = self.sweeper.get() {
            sweeper.abort();
        }
    }
}

/// Requests at once that send mail or text messages. Each holds a connection until the message is accepted, and a mail
/// server that is slow must leave some to everything else.
const SENDERS: usize = 3;

/// How long such a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two sweeps of what has expired.
const SWEEP: Duration = Duration::from_secs(600);

impl Service {
    /// Brings the schema up to date and adds the roles of the settings.
    ///
    /// # Errors
    /// PostgreSQL cannot be reached or refuses a migration; a setting cannot be used.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let redirects = Allowed::new(&options.client_url, &options.allowed_redirect_urls)
            .map_err(|(name, why)| Error::setting(name, why))?;
        if let Some(path) = options.custom_claims.values().find(|path| !claims::is_path(path)) {
            return Err(Error::setting("AUTH_JWT_CUSTOM_CLAIMS", format!("{path:?} is no path of names and indices")));
        }
        let hasher = Hasher::new(&options.passwords).map_err(|why| Error::setting("AUTH_PASSWORD_HASH", why))?;
        let webauthn = options.methods.webauthn.as_ref();
        let webauthn = webauthn.map(|settings| webauthn::party(settings, &options.client_url)).transpose();
        let webauthn = webauthn.map_err(|(name, why)| Error::setting(name, why))?;
        let oauth = Oauth::new(&options)?;
        store::migrate::run(&options.pool).await?;
        store::roles::ensure(&options.pool, &options.accounts).await?;
        let openid = Openid::new(&options, &oauth).await?;
        let older = hasher.older();
        look_for_bcrypt(&options.pool, &older).await?;
        let sending = Semaphore::new(SENDERS);
        let sweeper = std::sync::OnceLock::new();
        let inner = Inner { options, hasher, redirects, webauthn, sending, oauth, openid, sweeper };
        let handle = Handle(Arc::new(inner));
        let pool = handle.pool().clone();
        let options = handle.options();
        let keep = options.events_life;
        let longest = options.access_token_life.max(options.openid.access_token_life);
        let _ = handle.0.sweeper.set(tokio::spawn(async move {
            loop {
                sweep(&pool, keep, longest).await;
                // New ones only come from outside, and then there are others already, or the service starts anew.
                if older.is_set()
                    && let Err(error) = look_for_bcrypt(&pool, &older).await
                {
                    tracing::warn!(%error, "hashes of passwords cannot be counted");
                }
                tokio::time::sleep(SWEEP).await;
            }
        }));
        Ok(handle)
    }
}

/// Whether users still have hashes that take another time than ours to compare.
async fn look_for_bcrypt(pool: &Pool, older: &Arc<Older>) -> Result<(), Error> {
    let client = pool.get().await.map_err(Error::Connect)?;
    let cost = store::users::bcrypt_cost(&client).await.map_err(Error::Read)?;
    let older = Arc::clone(older);
    // Making nobody's hash takes as long as comparing one. What panics has set nothing.
    let _ = tokio::task::spawn_blocking(move || older.set(cost)).await;
    Ok(())
}

/// Deletes what has expired: security events after `keep`, what is kept of access tokens after the longest life of one. What
/// fails is tried again at the next sweep.
async fn sweep(pool: &Pool, keep: Duration, longest: Duration) {
    let swept = async {
        let client = pool.get().await.map_err(|error| error.to_string())?;
        let rows = async {
            Ok::<u64, tokio_postgres::Error>(
                store::tokens::sweep(&client).await?
                    + store::tokens::sweep_revocations(&client, longest).await?
                    + tickets::sweep(&client).await?
                    + limits::sweep(&client).await?
                    + webauthn::sweep(&client).await?
                    + oauth::state::sweep(&client).await?
                    + pkce::sweep(&client).await?
                    + openid::sweep(&client).await?
                    + events::sweep(&client, keep).await?,
            )
        };
        rows.await.map_err(|error| crate::error::reason(&error))
    };
    match swept.await {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "expired rows of auth are deleted"),
        Err(error) => tracing::warn!(error, "expired rows of auth cannot be deleted"),
    }
}

impl Handle {
    /// Answers both at its root and below `/v1`.
    pub fn router(&self) -> axum::Router {
        api::router(self)
    }

    /// Every route with its policy.
    pub fn routes(&self) -> Vec<Declared> {
        api::all().iter().map(api::route::Route::declared).collect()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.0.options.pool
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    /// The turn to send something, to be had before the connection.
    ///
    /// # Errors
    /// [`Failure::Busy`]: there are too many already.
    pub(crate) async fn turn_to_send(&self) -> Result<SemaphorePermit<'_>, Failure> {
        match tokio::time::timeout(PATIENCE, self.0.sending.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::Busy),
        }
    }

    pub(crate) fn webauthn(&self) -> Option<&Webauthn> {
        self.0.webauthn.as_ref()
    }

    pub(crate) fn oauth(&self) -> &Oauth {
        &self.0.oauth
    }

    pub(crate) fn openid(&self) -> Option<&Openid> {
        self.0.openid.as_ref()
    }

    pub(crate) fn redirects(&self) -> &Allowed {
        &self.0.redirects
    }
}
