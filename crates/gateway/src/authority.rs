//! The local certificate authority: one for each person, so that one `nself trust install` makes the https of all
//! their projects green.
//!
//! Its root is limited (RFC 5280 name constraints, critical) to names and addresses that never belong to anybody on
//! the internet: whoever steals the key cannot pretend to be a bank. OpenSSL, NSS, Go, rustls, Apple and Windows
//! enforce the limits. For other names the gateway uses a certificate that signs itself, which nobody trusts.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::certificates::facts;
use crate::{Error, Network};

/// Days a leaf lives; clients refuse more than 398 (CA/Browser Forum) or 825 (Apple, for own roots).
const LEAF_DAYS: i64 = 397;
/// A leaf with fewer days left is replaced.
const RENEW_DAYS: i64 = 30;
const ROOT_DAYS: i64 = 3650;
/// A certificate is valid a little before it is made, for clocks that are behind.
const SKEW_HOURS: i64 = 24;

/// Domains that belong to nobody (RFC 6761, 6762, 8375, ICANN's `internal`), and the one of the Bash nself, which
/// resolves to 127.0.0.1.
const DOMAINS: &[&str] = &["localhost", "local.nself.org", "test", "local", "internal", "home.arpa"];
const NETWORKS: &[&str] = &[
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The root with its key, on disk.
#[derive(Debug, Clone)]
pub struct Authority {
    directory: PathBuf,
    certificate_pem: String,
    key_pem: project::Secret,
}

/// A fresh certificate with its key.
#[derive(Debug)]
pub struct Issued {
    /// Key, leaf and, unless it signs itself, the root; in one file, so that they always belong together.
    bundle_pem: project::Secret,
    /// False: a name is outside what the authority may sign, and no client will trust this.
    pub trusted: bool,
}

impl Authority {
    /// Where a person's authority lives: `$NSELF_HOME/authority`, else `$XDG_DATA_HOME/nself/authority`, else
    /// `~/.local/share/nself/authority`. `None` without a home.
    pub fn default_directory() -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = set("NSELF_HOME").or_else(|| {
            let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
            Some(data.join("nself"))
        })?;
        Some(home.join("authority"))
    }

    /// The authority in `directory`, made now when there is none. Two processes at once get the same one.
    pub fn load_or_create(directory: &Path) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::Authority { directory: directory.to_owned(), reason: error.to_string() };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let lock = File::create(directory.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if let Some(authority) = Self::load(directory)? {
            return Ok(authority);
        }
        let reason =
            |error: rcgen::Error| Error::Authority { directory: directory.to_owned(), reason: error.to_string() };
        // A key without a certificate is what a power cut leaves: the certificate is then made for that key.
        let key_path = directory.join("root-key.pem");
        let key = match fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem).map_err(reason)?,
            Err(_) => KeyPair::generate().map_err(reason)?,
        };
        write_private(&key_path, key.serialize_pem().as_bytes()).map_err(failed)?;
        project::fault::hit("authority.after-key");
        let certificate = root_params().and_then(|params| params.self_signed(&key)).map_err(reason)?;
        let root_path = directory.join("root.pem");
        write_private(&root_path, certificate.pem().as_bytes()).map_err(failed)?;
        // The certificate is public; the system's tools read it as another user.
        fs::set_permissions(&root_path, Permissions::from_mode(0o644)).map_err(failed)?;
        Self::load(directory)?.ok_or_else(|| Error::Authority {
            directory: directory.to_owned(),
            reason: "it cannot be read after it was written".to_owned(),
        })
    }

    /// The authority in `directory`, `None` when there is none yet.
    pub fn load(directory: &Path) -> Result<Option<Self>, Error> {
        let wrong = |reason: String| Error::Authority { directory: directory.to_owned(), reason };
        let read = |name: &str| match fs::read_to_string(directory.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(format!("{name}: {error}"))),
        };
        let (certificate_pem, key_pem) = match (read("root.pem")?, read("root-key.pem")?) {
            (Some(certificate), Some(key)) => (certificate, project::Secret::new(key)),
            (Some(_), None) => return Err(wrong("root.pem is there but its key root-key.pem is missing".to_owned())),
            _ => return Ok(None),
        };
        let authority = Self { directory: directory.to_owned(), certificate_pem, key_pem };
        let der = CertificateDer::from_pem_slice(authority.certificate_pem.as_bytes());
        let der = der.map_err(|error| wrong(format!("root.pem: {error}")))?;
        let facts = facts(&der).ok_or_else(|| wrong("root.pem is no certificate".to_owned()))?;
        if facts.not_after < Timestamp::now() {
            return Err(wrong(format!("its root expired at {}", facts.not_after)));
        }
        authority.issuer()?;
        Ok(Some(authority))
    }

    /// The root certificate's file, to be trusted.
    pub fn root_path(&self) -> PathBuf {
        self.directory.join("root.pem")
    }

    /// The root certificate, PEM.
    pub fn root_pem(&self) -> &str {
        &self.certificate_pem
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, Error> {
        let wrong =
            |error: rcgen::Error| Error::Authority { directory: self.directory.clone(), reason: error.to_string() };
        let key = KeyPair::from_pem(self.key_pem.expose()).map_err(wrong)?;
        Issuer::from_ca_cert_pem(&self.certificate_pem, key).map_err(wrong)
    }

    /// A leaf for these DNS names (also `*.name`) and addresses.
    pub fn issue(&self, names: &[String]) -> Result<Issued, Error> {
        let wrong =
            |error: rcgen::Error| Error::Authority { directory: self.directory.clone(), reason: error.to_string() };
        let key = KeyPair::generate().map_err(wrong)?;
        let params = leaf_params(names).map_err(wrong)?;
        let trusted = names.iter().all(|name| may_sign(name));
        let chain = if trusted {
            let leaf = params.signed_by(&key, &self.issuer()?).map_err(wrong)?;
            format!("{}{}", leaf.pem(), self.certificate_pem)
        } else {
            let names = names.iter().filter(|name| !may_sign(name)).map(String::as_str).collect::<Vec<_>>().join(", ");
            tracing::warn!(%names, "the local authority does not sign for public names: clients will not trust https here");
            params.self_signed(&key).map_err(wrong)?.pem()
        };
        Ok(Issued { bundle_pem: project::Secret::new(format!("{}{chain}", key.serialize_pem())), trusted })
    }

    /// True when the bundle holds a certificate of this authority for exactly these names with enough time left.
    pub(crate) fn covers(&self, bundle: &Path, names: &[String]) -> bool {
        let Ok(text) = fs::read(bundle) else { return false };
        let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(&text).flatten().collect();
        let Some(facts) = chain.first().and_then(|leaf| facts(leaf)) else { return false };
        let root = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).ok();
        let signer = if names.iter().all(|name| may_sign(name)) { chain.get(1) == root.as_ref() } else { true };
        let mut names = names.to_vec();
        names.sort_unstable();
        let renew = Timestamp::now() + (RENEW_DAYS * 24).hours();
        signer && facts.names == names && facts.not_after > renew && facts.not_before <= Timestamp::now()
    }
}

impl Issued {
    /// Writes key and chain as one file of mode 0600, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Certificate { path: path.to_owned(), reason: error.to_string() };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        write_private(path, self.bundle_pem.expose().as_bytes()).map_err(failed)
    }
}

/// `names` with those of the machine itself, sorted, each once.
pub(crate) fn with_machine(names: &[String]) -> Vec<String> {
    let machine = ["localhost", "127.0.0.1", "::1"].into_iter().map(str::to_owned);
    let mut all: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).chain(machine).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The names that a plan's https answers for: the base domain, each route's host, and everything one level below the
/// base domain, unless that is a single word: browsers ignore `*.localhost`, and rustls refuses a whole certificate
/// that holds it.
pub fn names(base_domain: &str, routes: &[stack::Route]) -> Vec<String> {
    let mut names: Vec<String> = routes.iter().filter_map(|route| route.host.clone()).collect();
    names.push(base_domain.to_owned());
    if base_domain.contains('.') && base_domain.parse::<IpAddr>().is_err() {
        names.push(format!("*.{base_domain}"));
    }
    with_machine(&names)
}

fn may_sign(name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return NETWORKS
            .iter()
            .filter_map(|text| text.parse::<Network>().ok())
            .any(|network| network.contains(address));
    }
    let name = name.trim_start_matches("*.");
    DOMAINS.iter().any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn root_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "nself");
    name.push(DnType::CommonName, format!("nself local authority {}", host.trim()).trim_end());
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let domains = DOMAINS.iter().map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    let networks = NETWORKS
        .iter()
        .filter_map(|text| text.parse::<Network>().ok())
        .map(|network| GeneralSubtree::IpAddress(subnet(network)));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: domains.chain(networks).collect(), excluded_subtrees: Vec::new() });
    validity(&mut params, ROOT_DAYS);
    Ok(params)
}

/// Mask by hand: rcgen's own constructor rejects a full prefix.
fn subnet(network: Network) -> CidrSubnet {
    match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(network.prefix)).unwrap_or(0);
            CidrSubnet::V4(address.octets(), mask.to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(network.prefix)).unwrap_or(0);
            CidrSubnet::V6(address.octets(), mask.to_be_bytes())
        }
    }
}

fn leaf_params(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "nself development certificate");
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, LEAF_DAYS);
    Ok(params)
}

fn validity(params: &mut CertificateParams, days: i64) {
    let now = std::time::SystemTime::now();
    let hours = |hours: i64| std::time::Duration::from_secs(hours.unsigned_abs() * 3600);
    params.not_before = (now - hours(SKEW_HOURS)).into();
    params.not_after = (now + hours(days * 24 - SKEW_HOURS)).into();
}

/// Mode 0600 from the start, in a temporary file of the same folder, on disk before it gets its name.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    project::fault::hit("authority.before-rename");
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
