//! The certificates that https answers with, replaceable while the gateway runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{Authority, Error};

/// A certificate with its key, as the gateway presents it to every client. Clones share it: a reload reaches them all.
#[derive(Debug, Clone)]
pub struct Certificates {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    current: RwLock<Arc<CertifiedKey>>,
}

#[derive(Debug)]
enum Source {
    Files { certificate: PathBuf, key: PathBuf },
    Local { authority: Authority, bundle: PathBuf, names: RwLock<Vec<String>> },
}

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// DNS names and addresses, sorted.
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub issuer: String,
}

impl Certificates {
    /// From the files of `Tls::Custom`: PEM, the certificate first and its chain after it.
    pub fn files(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let current = read_pair(certificate, key)?;
        let source = Source::Files { certificate: certificate.to_owned(), key: key.to_owned() };
        Ok(Self::new(source, current))
    }

    /// From the local authority, for these names and the machine's own; kept in `directory` (the project's
    /// `.nself/certs`) and issued again when the names change or fewer than 30 days are left.
    pub fn local(authority: Authority, names: &[String], directory: &Path) -> Result<Self, Error> {
        let bundle = directory.join("gateway.pem");
        let names = crate::authority::with_machine(names);
        let current = local_pair(&authority, &bundle, &names)?;
        Ok(Self::new(Source::Local { authority, bundle, names: RwLock::new(names) }, current))
    }

    fn new(source: Source, current: CertifiedKey) -> Self {
        Self { shared: Arc::new(Shared { source, current: RwLock::new(Arc::new(current)) }) }
    }

    /// Reads the files again, or issues anew where that is due. New connections get the new certificate; on an error
    /// the old one stays.
    pub fn reload(&self) -> Result<(), Error> {
        let fresh = match &self.shared.source {
            Source::Files { certificate, key } => read_pair(certificate, key)?,
            Source::Local { authority, bundle, names } => {
                let names = names.read().unwrap_or_else(PoisonError::into_inner);
                local_pair(authority, bundle, &names)?
            }
        };
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// The names to answer for have changed. Nothing happens to a certificate that the user brought.
    pub fn update_names(&self, wanted: &[String]) -> Result<(), Error> {
        if let Source::Local { names, .. } = &self.shared.source {
            *names.write().unwrap_or_else(PoisonError::into_inner) = crate::authority::with_machine(wanted);
            return self.reload();
        }
        Ok(())
    }

    /// What the certificate in use says.
    pub fn facts(&self) -> Option<Facts> {
        let current = Arc::clone(&self.shared.current.read().unwrap_or_else(PoisonError::into_inner));
        current.cert.first().and_then(|certificate| facts(certificate))
    }

    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shared) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, Error> {
    let unusable = |path: &Path, reason: String| Error::Certificate { path: path.to_owned(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(certificate, error.to_string()))?;
    let Some(leaf) = chain.first() else {
        return Err(unusable(certificate, "there is no certificate in it".to_owned()));
    };
    match facts(leaf) {
        None => return Err(unusable(certificate, "its first certificate cannot be read".to_owned())),
        Some(facts) if facts.not_after < Timestamp::now() => {
            tracing::warn!(path = %certificate.display(), expired = %facts.not_after, "the certificate has expired");
        }
        Some(_) => {}
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let pair = CertifiedKey::from_der(chain, private, &default_provider());
    pair.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            Error::KeyMismatch { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        error => unusable(key, error.to_string()),
    })
}

/// The bundle in the project's folder when it is still good, else a new one.
fn local_pair(authority: &Authority, bundle: &Path, names: &[String]) -> Result<CertifiedKey, Error> {
    if authority.covers(bundle, names)
        && let Ok(pair) = read_pair(bundle, bundle)
    {
        return Ok(pair);
    }
    authority.issue(names)?.write(bundle)?;
    read_pair(bundle, bundle)
}

/// `None` when it is no certificate.
pub(crate) fn facts(certificate: &[u8]) -> Option<Facts> {
    use x509_parser::extensions::GeneralName;
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let mut names: Vec<String> = alternatives
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    let validity = parsed.validity();
    Some(Facts {
        names,
        not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
        not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        issuer: parsed.issuer().to_string(),
    })
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}
