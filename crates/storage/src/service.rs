//! Options → Service → Handle.

use std::sync::Arc;

use postgres::Pool;
use project::Secret;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::files::{Files, sweep};
use crate::images::Images;
use crate::uploads::Locks;
use crate::{Error, Gate, S3Keys, Scanner, Store, http, s3, schema};

/// What the service is started with.
#[derive(Debug, Clone)]
pub struct Options {
    pub pool: Pool,
    pub store: Store,
    /// Who may do what.
    pub gate: Arc<dyn Gate>,
    /// Where clients reach the service, without the API's prefix: `http://localhost:8080/v1/storage`. Presigned URLs
    /// begin so.
    pub public_url: String,
    /// What stands between the public URL and `/files` in presigned URLs.
    pub api_prefix: String,
    /// Signs presigned URLs. Who has another one cannot check them.
    pub signing_key: Secret,
    /// This process's name among those that share the database. What was left half done under the same name is swept at
    /// the start; under others, a minute after they were last heard of.
    pub instance: String,
    /// Looks into what is uploaded.
    pub scanner: Option<Scanner>,
    /// Compares every download of a whole file with its checksum; one that is damaged breaks off before its end. A
    /// request may ask for it by `X-Verify-Checksum: true`.
    pub verify_reads: bool,
    /// Bytes of a file, whatever its bucket allows.
    pub max_file_size: Option<u64>,
    /// Types of files that are taken, `image/png` or `image/*`; empty: all.
    pub allowed_types: Vec<String>,
    /// Who may use the S3 endpoint; `None`: there is none.
    pub s3: Option<S3Keys>,
}

impl Options {
    /// Presigned URLs for this machine, no scanner.
    pub fn new(pool: Pool, store: Store, gate: Arc<dyn Gate>, signing_key: Secret) -> Self {
        Self {
            pool,
            store,
            gate,
            public_url: "http://localhost:8080/v1/storage".to_owned(),
            api_prefix: "/v1".to_owned(),
            signing_key,
            instance: "nself".to_owned(),
            scanner: None,
            verify_reads: false,
            max_file_size: None,
            allowed_types: Vec::new(),
            s3: None,
        }
    }
}

#[derive(Debug)]
pub struct Service;

/// A running service. Clones are the same service; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub files: Files,
    pub images: Images,
    pub receiving: Locks,
    pub public_url: String,
    pub api_prefix: String,
    pub signing_key: Secret,
    pub verify_reads: bool,
    pub s3: Option<S3Keys>,
    /// Ends the watch.
    _watch: DropGuard,
}

impl Service {
    /// Makes the tables that are missing, finishes or removes what the last process left half done, and is ready. Whether
    /// the store can be reached is not asked.
    ///
    /// # Errors
    /// The database cannot be reached, or refuses the tables.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let mut client = options.pool.get().await.map_err(Error::Connect)?;
        schema::migrate(&mut client).await.map_err(Error::Schema)?;
        drop(client);
        let files = Files::new(&options);
        // What cannot be done now is done by the watch.
        if let Err(failure) = sweep::sweep(&files, true).await {
            tracing::warn!(%failure, "storage could not finish what was left half done; it will be tried again");
        }
        let ended = CancellationToken::new();
        tokio::spawn(sweep::watch(files.clone(), ended.clone()));
        Ok(Handle(Arc::new(Shared {
            files,
            images: Images::new(),
            receiving: Locks::default(),
            public_url: options.public_url.trim_end_matches('/').to_owned(),
            api_prefix: options.api_prefix,
            signing_key: options.signing_key,
            verify_reads: options.verify_reads,
            s3: options.s3,
            _watch: ended.drop_guard(),
        })))
    }
}

impl Handle {
    /// Every endpoint, at the root and below `/v1`.
    pub fn router(&self) -> axum::Router {
        http::router(&self.0)
    }

    /// The S3 endpoint, if there are keys for it: for a host of its own, with paths as clients send them.
    pub fn s3_router(&self) -> Option<axum::Router> {
        self.0.s3.as_ref().map(|keys| s3::router(&self.0.files, keys))
    }

    /// What can be done with files without HTTP.
    pub fn files(&self) -> &Files {
        &self.0.files
    }
}
