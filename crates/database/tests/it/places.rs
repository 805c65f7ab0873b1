//! Ways to a server: TLS of every kind, and a tunnel through a real sshd.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use database::{
    Error,
    place::{Place, PlaceError, Ssh, Tunnel},
};
use project::Diagnostic;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use testkit::OwnPostgres;

use crate::clone::at;

/// An authority, and a certificate it signed for `localhost`.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

fn certificates() -> Certificates {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    Certificates { authority, certificate: certificate.pem(), key: own.serialize_pem() }
}

async fn with_tls(server: &OwnPostgres, certificates: &Certificates) {
    let data = &server.cluster().data_dir;
    let owner = std::os::unix::fs::MetadataExt::uid(&data.metadata().unwrap());
    for (name, text) in [("server.crt", &certificates.certificate), ("server.key", &certificates.key)] {
        let path = data.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner), None).unwrap();
    }
    let client = at(&server.url("postgres")).connect().await.unwrap();
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

/// Whether a connection is encrypted; the error's words when there is none.
async fn encrypted(url: &str) -> Result<bool, String> {
    let place = at(url);
    let said = |error: Error| format!("{} {}", error.code(), error.why().unwrap_or_default());
    let client = place.connect().await.map_err(said)?;
    let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await;
    Ok(row.unwrap().get(0))
}

#[tokio::test]
async fn tls_is_as_strict_as_asked() {
    let (server, own, other) = (OwnPostgres::start(), certificates(), certificates());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (right, wrong) = (file("right.pem", &own.authority), file("wrong.pem", &other.authority));
    let by_address = server.url("postgres");
    let by_name = by_address.replace("127.0.0.1", "localhost");
    assert_eq!(encrypted(&format!("{by_name}?sslmode=prefer")).await, Ok(false), "the server has none yet");
    assert!(encrypted(&format!("{by_name}?sslmode=require")).await.unwrap_err().starts_with("NS-DB-040"));
    with_tls(&server, &own).await;
    // The server takes up its new settings a moment later.
    let mut tries = 0;
    while encrypted(&by_name).await != Ok(true) {
        tries += 1;
        assert!(tries < 200, "the server never offers TLS");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(encrypted(&format!("{by_name}?sslmode=disable")).await, Ok(false));
    assert_eq!(encrypted(&format!("{by_address}?sslmode=require")).await, Ok(true));
    let full = |url: &str, root: &Path, mode: &str| format!("{url}?sslmode={mode}&sslrootcert={}", root.display());
    assert_eq!(encrypted(&full(&by_name, &right, "verify-full")).await, Ok(true));
    assert_eq!(encrypted(&full(&by_address, &right, "verify-ca")).await, Ok(true));
    for refused in [
        full(&by_address, &right, "verify-full"),
        full(&by_name, &wrong, "verify-full"),
        full(&by_name, &wrong, "verify-ca"),
        full(&by_name, &wrong, "require"),
    ] {
        let why = encrypted(&refused).await.unwrap_err();
        assert!(why.starts_with("NS-DB-040") && why.contains("certificate"), "{refused}: {why}");
    }
    let missing = database::place::parse(&full(&by_name, Path::new("/nowhere.pem"), "verify-full")).unwrap_err();
    assert_eq!(missing.code(), "NS-DB-043");
    // A statement is cancelled over TLS, too.
    let place = at(&format!("{by_name}?sslmode=require"));
    let client = place.connect().await.unwrap();
    let cancel = place.cancel(&client);
    let asleep = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(600)").await });
    while !asleep.is_finished() {
        cancel.cancel().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(asleep.await.unwrap().is_err());
}

/// A real sshd for one test: a host key and a user's key of its own, on loopback.
struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SSHD: &str = "/usr/sbin/sshd";

fn keygen(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    let done = command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).stdin(Stdio::null()).status().unwrap();
    assert!(done.success());
}

impl Sshd {
    /// None on a machine without sshd.
    fn start() -> Option<Self> {
        if !Path::new(SSHD).is_file() {
            return None;
        }
        // Its helper for privilege separation; packages leave it to the service that starts sshd.
        let _ = fs::create_dir_all("/run/sshd");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        keygen(&path("host"));
        keygen(&path("user"));
        fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = testkit::free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nStrictModes no\n\
             PidFile none\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            folder.path().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        let mut command = Command::new(SSHD);
        let child = command.args(["-D", "-e", "-f"]).arg(path("sshd_config")).stdin(Stdio::null());
        let child = child.stdout(Stdio::null()).stderr(fs::File::create(path("log")).unwrap()).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Some(Self { folder, port, child })
    }

    /// An ssh_config that knows this server (or does not), and how to sign in.
    fn ssh(&self, known: bool) -> Ssh {
        let key = fs::read_to_string(self.path("host.pub")).unwrap();
        let name = if known { "known" } else { "unknown" };
        let line = if known { format!("[127.0.0.1]:{} {key}", self.port) } else { String::new() };
        fs::write(self.path(name), line).unwrap();
        let config = self.path(&format!("{name}.config"));
        fs::write(&config, format!("UserKnownHostsFile {}\n", self.path(name).display())).unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let (host, key) = ("127.0.0.1".to_owned(), Some(self.path("user")));
        Ssh { host, port: self.port, user, key, config: Some(config) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[tokio::test]
async fn a_tunnel_leads_to_the_servers_own_postgresql() {
    let Some(sshd) = Sshd::start() else { return };
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE here (place text); INSERT INTO here VALUES ('far')").await.unwrap();
    let port = database.server().cluster().port;
    let opened = Tunnel::open(&sshd.ssh(true), port);
    let log = || fs::read_to_string(sshd.path("log")).unwrap_or_default();
    let tunnel = opened.unwrap_or_else(|error| panic!("{error}: {:?}\n{}", error.why(), log()));
    let mode = tunnel.folder().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else gets in");
    let through = |tunnel: &Tunnel| -> Place {
        let (mut config, tls) = database::place::parse(&database.url()).unwrap();
        let mut bare = tokio_postgres::Config::new();
        bare.user(config.get_user().unwrap()).dbname(database.name());
        bare.password(config.get_password().unwrap());
        std::mem::swap(&mut config, &mut bare);
        Place::new(project::EnvName::parse("far").unwrap(), project::Tier::Staging, config, tls).through(tunnel)
    };
    let place = through(&tunnel);
    let client = place.connect().await.unwrap();
    let row = client.query_one("SELECT place FROM here", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "far");
    // PostgreSQL's own programs take the same way.
    let psql = testkit::installation().client_bin.join("psql");
    let said = place.command(&psql).args(["-XAtc", "SELECT place FROM here"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "far", "{}", String::from_utf8_lossy(&said.stderr));
    let folder = tunnel.folder().to_owned();
    drop((client, tunnel));
    assert!(!folder.exists(), "nothing is left of it");
    assert!(place.connect().await.is_err());

    // A server that is not known is not trusted, and nothing is asked.
    let Err(PlaceError::Tunnel { why, .. }) = Tunnel::open(&sshd.ssh(false), port) else { panic!("it is not known") };
    assert!(why.contains("Host key verification failed"), "{why}");
    let stranger = Ssh { user: "nobody-of-that-name".to_owned(), ..sshd.ssh(true) };
    let Err(PlaceError::Tunnel { why, .. }) = Tunnel::open(&stranger, port) else { panic!("it may not sign in") };
    assert!(why.contains("Permission denied"), "{why}");
    // Nobody listens at the far end: ssh's words are there for the message.
    let empty = Tunnel::open(&sshd.ssh(true), testkit::free_port()).unwrap();
    assert!(through(&empty).connect().await.is_err());
    assert!(empty.said().contains("open failed"), "{}", empty.said());
}
