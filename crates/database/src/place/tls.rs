use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PlaceError;

/// `sslmode` as `libpq` knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Disable,
    /// TLS where the server has it, unverified.
    Prefer,
    /// TLS, unverified: nobody who only listens can read along.
    Require,
    /// TLS with a certificate that a trusted authority signed.
    VerifyCa,
    /// The same, and it names the host.
    VerifyFull,
}

impl Mode {
    /// The words of `sslmode=`; `allow` is `prefer`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Files of PEM that a URL names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// `sslrootcert`: the authorities to trust instead of the system's. `system` names the latter.
    pub root: Option<PathBuf>,
    /// `sslcert`: this side's certificate.
    pub certificate: Option<PathBuf>,
    /// `sslkey`: its key.
    pub key: Option<PathBuf>,
}

/// How connections to a place are protected.
#[derive(Debug, Clone)]
pub struct Tls {
    mode: Mode,
    files: Files,
    client: Option<Arc<ClientConfig>>,
}

impl Tls {
    pub fn disabled() -> Self {
        Self { mode: Mode::Disable, files: Files::default(), client: None }
    }

    /// # Errors
    /// [`PlaceError::Certificates`]: a file cannot be read, or there is no authority to trust.
    pub fn new(mode: Mode, files: Files) -> Result<Self, PlaceError> {
        if mode == Mode::Disable {
            return Ok(Self::disabled());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| PlaceError::Certificates { why: error.to_string() })?;
        let verified = matches!(mode, Mode::VerifyCa | Mode::VerifyFull);
        // As libpq does: who names an authority wants it asked.
        let chain = if verified || files.root.is_some() {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(&files)?), Arc::clone(&provider));
            Some(verifier.build().map_err(|error| PlaceError::Certificates { why: error.to_string() })?)
        } else {
            None
        };
        let verifier: Arc<dyn ServerCertVerifier> = match (mode, chain) {
            (Mode::VerifyFull, Some(chain)) => chain,
            (_, chain) => Arc::new(Loose { chain, algorithms: provider.signature_verification_algorithms }),
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let client = match (&files.certificate, &files.key) {
            (Some(certificate), Some(key)) => {
                let unusable = |path: &PathBuf, why: String| PlaceError::Certificates {
                    why: format!("{}: {why}", path.display()),
                };
                let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
                let chain = chain.map_err(|error| unusable(certificate, error.to_string()))?;
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
                builder.with_client_auth_cert(chain, private).map_err(|error| unusable(key, error.to_string()))?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Self { mode, files, client: Some(Arc::new(client)) })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) async fn connect(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        let mut config = config.clone();
        // PostgreSQL speaks no TLS over sockets of one machine.
        let local = matches!(config.get_hosts().first(), Some(Host::Unix(_)));
        config.ssl_mode(match self.mode {
            _ if local => SslMode::Disable,
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        match &self.client {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                drive(connection);
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = config.connect(MakeRustlsConnect::new(ClientConfig::clone(tls))).await?;
                drive(connection);
                Ok(client)
            }
        }
    }

    /// The same, for a program that uses `libpq`.
    pub(super) fn tell(&self, command: &mut Command) {
        command.env("PGSSLMODE", self.mode.as_str());
        let files = [
            ("PGSSLROOTCERT", &self.files.root),
            ("PGSSLCERT", &self.files.certificate),
            ("PGSSLKEY", &self.files.key),
        ];
        for (name, file) in files {
            match file {
                Some(file) => command.env(name, file),
                None => command.env_remove(name),
            };
        }
        if self.files.root.is_none() && matches!(self.mode, Mode::VerifyCa | Mode::VerifyFull) {
            command.env("PGSSLROOTCERT", "system");
        }
    }
}

/// Moves a connection forward until its client is dropped.
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        // The client's own calls tell what went wrong.
        let _ = connection.await;
    });
}

fn roots(files: &Files) -> Result<RootCertStore, PlaceError> {
    let mut store = RootCertStore::empty();
    match files.root.as_ref().filter(|path| path.as_os_str() != "system") {
        Some(path) => {
            let unusable = |error: rustls::pki_types::pem::Error| PlaceError::Certificates {
                why: format!("{}: {error}", path.display()),
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(unusable)? {
                let added = store.add(certificate.map_err(unusable)?);
                added.map_err(|error| PlaceError::Certificates { why: format!("{}: {error}", path.display()) })?;
            }
        }
        None => {
            // One that this version of the library cannot read is one that it cannot trust.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(PlaceError::Certificates { why: "there is no certificate of an authority to trust".to_owned() });
    }
    Ok(store)
}

/// Asks less of a certificate than TLS does: that an authority signed it, for whatever name, or nothing at all. The
/// handshake's signatures are verified in any case.
#[derive(Debug)]
struct Loose {
    chain: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Loose {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Cancels what a connection's server is doing, by the connection's own kind of way.
#[derive(Clone)]
pub struct Cancel {
    token: CancelToken,
    tls: Tls,
}

impl Cancel {
    pub(super) fn new(token: CancelToken, tls: Tls) -> Self {
        Self { token, tls }
    }

    /// # Errors
    /// The server cannot be reached. It never says whether there was something to cancel.
    pub async fn cancel(&self) -> Result<(), tokio_postgres::Error> {
        match &self.tls.client {
            None => self.token.cancel_query(NoTls).await,
            Some(tls) => self.token.cancel_query(MakeRustlsConnect::new(ClientConfig::clone(tls))).await,
        }
    }
}

impl From<&CancelToken> for Cancel {
    fn from(token: &CancelToken) -> Self {
        Self::new(token.clone(), Tls::disabled())
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").finish_non_exhaustive()
    }
}
