use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use axum::Router;
use gateway::{Authority, Backend, Certificates, Error};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::support::{Fixture, setup};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

struct Local {
    home: TempDir,
    project: TempDir,
    authority: Authority,
}

fn local() -> Local {
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::load_or_create(home.path()).unwrap();
    Local { home, project, authority }
}

fn hello() -> Backend {
    Backend::InProcess(Router::new().fallback(|request: axum::extract::Request| async move {
        format!("{:?} {}", request.version(), request.headers()["x-forwarded-proto"].to_str().unwrap())
    }))
}

async fn connect(gateway: &Fixture, root: &str, name: &str, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(gateway.handle.https_addr().unwrap()).await?;
    connector.connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

#[tokio::test]
async fn the_local_authority_is_trusted_for_every_name() {
    let local = local();
    let routes = [crate::support::route(Some("api.localhost"), "/", "app")];
    let mut names = gateway::names("localhost", &routes);
    names.extend(gateway::names("local.nself.org", &[]));
    let certificates = Certificates::local(local.authority.clone(), &names, local.project.path()).unwrap();
    let gateway = setup(hello()).https(certificates).start().await;
    for name in ["localhost", "api.localhost", "local.nself.org", "x.local.nself.org", "127.0.0.1", "::1"] {
        let stream = connect(&gateway, local.authority.root_pem(), name, &[b"h2", b"http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("https://localhost/").body(Empty::<bytes::Bytes>::new()).unwrap();
        let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "HTTP/2.0 https");
    }
    assert!(connect(&gateway, local.authority.root_pem(), "other.localhost", &[]).await.is_err());
}

#[tokio::test]
async fn http1_over_tls_and_other_authorities() {
    let local = local();
    let certificates = Certificates::local(local.authority.clone(), &[], local.project.path()).unwrap();
    let gateway = setup(hello()).https(certificates).start().await;
    let stream = connect(&gateway, local.authority.root_pem(), "localhost", &[]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let body = sender.send_request(crate::support::get("/")).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "HTTP/1.1 https");
    let stranger = tempfile::tempdir().unwrap();
    let stranger = Authority::load_or_create(stranger.path()).unwrap();
    assert!(connect(&gateway, stranger.root_pem(), "localhost", &[]).await.is_err());
}

#[test]
fn the_authority_is_made_once_and_kept_private() {
    let local = local();
    let mode = |name: &str| fs::metadata(local.home.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("root-key.pem"), mode("root.pem")), (0o600, 0o644));
    let again = Authority::load_or_create(local.home.path()).unwrap();
    assert_eq!(again.root_pem(), local.authority.root_pem());
    // A power cut between key and certificate.
    fs::remove_file(local.home.path().join("root.pem")).unwrap();
    Authority::load_or_create(local.home.path()).unwrap();
    fs::remove_file(local.home.path().join("root-key.pem")).unwrap();
    assert!(matches!(Authority::load_or_create(local.home.path()), Err(Error::Authority { .. })));
}

#[test]
fn many_at_once_get_the_same_authority() {
    let home = tempfile::tempdir().unwrap();
    let roots: Vec<String> = std::thread::scope(|scope| {
        let made: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Authority::load_or_create(home.path()).unwrap().root_pem().to_owned()))
            .collect();
        made.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(roots.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_certificate_is_kept_until_its_names_change() {
    let local = local();
    let make = |wanted: &[&str]| {
        Certificates::local(local.authority.clone(), &names(wanted), local.project.path()).unwrap().facts().unwrap()
    };
    let bundle = local.project.path().join("gateway.pem");
    let first = make(&["api.localhost"]);
    assert_eq!(first.names, ["127.0.0.1", "::1", "api.localhost", "localhost"]);
    let days = (first.not_after.as_second() - first.not_before.as_second()) / 86_400;
    assert!((390..=397).contains(&days), "{days}");
    assert_eq!(fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(&bundle).unwrap();
    make(&["api.localhost"]);
    assert_eq!(fs::read(&bundle).unwrap(), bytes, "nothing to do");
    make(&["auth.localhost"]);
    let renewed = fs::read(&bundle).unwrap();
    assert_ne!(renewed, bytes);
    fs::write(&bundle, "damaged").unwrap();
    make(&["auth.localhost"]);

    let certificates = Certificates::local(local.authority.clone(), &[], local.project.path()).unwrap();
    let gateway = setup(hello()).https(certificates.clone()).start().await;
    assert!(connect(&gateway, local.authority.root_pem(), "new.localhost", &[]).await.is_err());
    certificates.update_names(&names(&["new.localhost"])).unwrap();
    connect(&gateway, local.authority.root_pem(), "new.localhost", &[]).await.unwrap();
}

#[tokio::test]
async fn the_root_does_not_vouch_for_public_names() {
    let local = local();
    assert!(local.authority.issue(&names(&["api.test", "*.local.nself.org", "192.168.1.5"])).unwrap().trusted);
    for public in ["example.com", "localhost.example.com", "notlocalhost", "8.8.8.8"] {
        let issued = local.authority.issue(&names(&["localhost", public])).unwrap();
        assert!(!issued.trusted, "{public}");
    }
    // It signs itself then: https works, and nobody is asked to believe it.
    let certificates =
        Certificates::local(local.authority.clone(), &names(&["example.com"]), local.project.path()).unwrap();
    let gateway = setup(hello()).https(certificates).start().await;
    assert!(connect(&gateway, local.authority.root_pem(), "example.com", &[]).await.is_err());
}

/// An independent reader of our certificates, constraints included.
#[test]
fn openssl_accepts_the_chain() {
    let local = local();
    let bundle = local.project.path().join("leaf.pem");
    local.authority.issue(&names(&["api.test", "127.0.0.1"])).unwrap().write(&bundle).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "api.test", "-CAfile"])
        .arg(local.authority.root_path())
        .arg(&bundle)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn brought_certificates_say_what_is_wrong_with_them() {
    let local = local();
    let path = |name: &str| local.project.path().join(name);
    local.authority.issue(&names(&["a.test"])).unwrap().write(&path("a.pem")).unwrap();
    local.authority.issue(&names(&["b.test"])).unwrap().write(&path("b.pem")).unwrap();
    fs::write(path("empty.pem"), "").unwrap();
    let certificates = Certificates::files(&path("a.pem"), &path("a.pem")).unwrap();
    assert_eq!(certificates.facts().unwrap().names, ["a.test"]);
    let error = |certificate: &str, key: &str| Certificates::files(&path(certificate), &path(key)).unwrap_err();
    assert!(matches!(error("a.pem", "b.pem"), Error::KeyMismatch { .. }));
    assert!(matches!(error("missing.pem", "a.pem"), Error::Certificate { .. }));
    assert!(matches!(error("empty.pem", "a.pem"), Error::Certificate { .. }));
    assert!(matches!(error("a.pem", "empty.pem"), Error::Certificate { .. }));
    // A reload that fails keeps what there was.
    fs::copy(path("b.pem"), path("a.pem")).unwrap();
    certificates.reload().unwrap();
    assert_eq!(certificates.facts().unwrap().names, ["b.test"]);
    fs::write(path("a.pem"), "half a f").unwrap();
    assert!(certificates.reload().is_err());
    assert_eq!(certificates.facts().unwrap().names, ["b.test"]);
}

#[tokio::test]
async fn production_sends_visitors_to_https() {
    let local = local();
    let certificates = Certificates::local(local.authority.clone(), &[], local.project.path()).unwrap();
    let mut setup = setup(hello()).https(certificates);
    setup.options.tier = project::Tier::Prod;
    let brought = local.project.path().join("gateway.pem");
    setup.options.plan.tls = stack::Tls::Custom { certificate: brought.clone(), key: brought };
    let gateway = setup.start().await;
    let answer = crate::support::send(gateway.address, crate::support::get("/a?b=c")).await;
    assert_eq!(answer.status(), 308);
    let port = gateway.handle.https_addr().unwrap().port();
    assert_eq!(answer.headers()["location"], format!("https://localhost:{port}/a?b=c").as_str());
    let health = crate::support::send(gateway.address, crate::support::get("/health")).await;
    assert_eq!(health.status(), 200);
    let stream = connect(&gateway, local.authority.root_pem(), "localhost", &[]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(crate::support::get("/")).await.unwrap();
    assert!(answer.headers().contains_key("strict-transport-security"));
}
