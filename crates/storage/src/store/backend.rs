//! Where the bytes are: what the settings say, as a value.

use std::path::PathBuf;
use std::time::Duration;

use opendal::layers::RetryLayer;
use opendal::{Builder, Error, ErrorKind, HttpTransporter, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use project::Secret;

/// A place for objects. `root` of the clouds is a path within the bucket; empty: the bucket's top.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A local folder, made when it is missing.
    Folder { root: PathBuf },
    /// Amazon's S3 and what speaks its protocol: MinIO, Backblaze B2, SeaweedFS, Cloudflare R2.
    S3 {
        /// `https://s3.eu-central-1.amazonaws.com`; `None`: Amazon's for the region.
        endpoint: Option<String>,
        region: String,
        bucket: String,
        /// `None`: what the environment or the machine's role says.
        keys: Option<(String, Secret)>,
        root: String,
    },
    /// Google Cloud Storage.
    Gcs {
        /// `None`: Google's own; another one is an emulator, which is asked without a signature.
        endpoint: Option<String>,
        bucket: String,
        /// A service account's JSON key file; `None`: the machine's account.
        credential: Option<PathBuf>,
        root: String,
    },
    /// Azure Blob Storage.
    Azure {
        /// `https://<account>.blob.core.windows.net`
        endpoint: String,
        container: String,
        account: String,
        key: Secret,
        root: String,
    },
}

impl Backend {
    pub fn folder(root: impl Into<PathBuf>) -> Self {
        Self::Folder { root: root.into() }
    }

    pub(super) fn operator(&self) -> opendal::Result<Operator> {
        match self {
            Self::Folder { root } => folder(root),
            Self::S3 { endpoint, region, bucket, keys, root } => {
                let mut builder = services::S3::default().root(root).bucket(bucket).region(region);
                if let Some(endpoint) = endpoint {
                    builder = builder.endpoint(endpoint);
                }
                if let Some((id, secret)) = keys {
                    builder = builder.access_key_id(id).secret_access_key(secret.expose()).disable_config_load();
                }
                remote(builder)
            }
            Self::Gcs { endpoint, bucket, credential, root } => {
                let mut builder = services::Gcs::default().root(root).bucket(bucket);
                if let Some(endpoint) = endpoint {
                    builder = builder.endpoint(endpoint).skip_signature().disable_vm_metadata().disable_config_load();
                }
                if let Some(path) = credential {
                    builder = builder.credential_path(&path.to_string_lossy());
                }
                remote(builder)
            }
            Self::Azure { endpoint, container, account, key, root } => {
                let builder = services::Azblob::default().root(root).container(container).endpoint(endpoint);
                remote(builder.account_name(account).account_key(key.expose()))
            }
        }
    }
}

fn folder(root: &std::path::Path) -> opendal::Result<Operator> {
    // On the same file system, so that the rename which makes an object appear is atomic.
    let unfinished = root.join(super::UNFINISHED);
    let builder = services::Fs::default().root(&root.to_string_lossy());
    Operator::new(builder.atomic_write_dir(&unfinished.to_string_lossy()))
}

/// Time to reach a cloud; how long an answer may take is not limited, for an object may be large.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a single byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A backend that is reached over the network, with an HTTP client of ours.
fn remote<B: Builder>(builder: B) -> opendal::Result<Operator> {
    // Fails when there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let client =
        client.map_err(|error| Error::new(ErrorKind::ConfigInvalid, "no HTTP client can be made").set_source(error))?;
    let operator = Operator::new(builder)?;
    let transport = HttpTransporter::new(ReqwestTransport::new(client));
    let context = operator.base_context().with_http_transport(transport);
    // What fails for a moment is tried again, three times, a part of an upload for itself.
    Ok(operator.with_context(context).layer(RetryLayer::new().with_jitter()))
}
