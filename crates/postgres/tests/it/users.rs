//! Root and not root: both work. The test that needs the other kind of user runs itself again as that user.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use postgres::{Bootstrap, Error, Origin, User};

use crate::harness::{Server, cluster, folder, log_in};

async fn lives(folder: &Path) -> Origin {
    let cluster = cluster(folder);
    let origin = cluster.prepare().unwrap().origin;
    let _server = Server::start(&cluster).await;
    cluster.bootstrap(&Bootstrap::new("app", [])).await.unwrap();
    log_in(&cluster, "postgres", "first-password").await.unwrap();
    origin
}

#[tokio::test]
#[ignore = "run by the test below as another user"]
async fn as_a_person() {
    let folder = std::env::var("NSELF_TEST_FOLDER").unwrap();
    assert_eq!(User::for_server().unwrap(), None);
    // The cache of this user cannot be written, as in a container with a read-only home.
    let mut cluster = cluster(Path::new(&folder));
    cluster.templates = Some("/proc/nothing/templates".into());
    cluster.data_dir = Path::new(&folder).join("plain");
    assert_eq!(cluster.prepare().unwrap().origin, Origin::Initdb);
    assert_eq!(lives(Path::new(&folder)).await, Origin::Template);
}

#[test]
fn a_person_needs_no_other_user() {
    let Some(nobody) = User::named("nobody").filter(|_| nix::unistd::Uid::effective().is_root()) else {
        return; // Already a person: every other test is this test.
    };
    let folder = folder();
    std::os::unix::fs::chown(folder.path(), Some(nobody.uid), Some(nobody.gid)).unwrap();
    // A copy, because the build may lie in root's own home, which nobody else may enter.
    let program = folder.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(program)
        .args(["--exact", "users::as_a_person", "--ignored"])
        .current_dir(folder.path())
        .env("NSELF_TEST_FOLDER", folder.path())
        .env("HOME", folder.path())
        .env("NSELF_TEST_POSTGRES", testkit::installation().bin)
        .uid(nobody.uid)
        .gid(nobody.gid)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn root_runs_it_as_another() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let user = User::for_server().unwrap().unwrap();
    assert_ne!(user.uid, 0);
    let folder = folder();
    lives(folder.path()).await;
    let data = std::fs::metadata(folder.path().join("data/PG_VERSION")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&data), user.uid);
}

#[test]
fn root_itself_is_refused_by_initdb_with_its_words() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let folder = folder();
    let mut cluster = cluster(folder.path());
    cluster.run_as = None;
    cluster.templates = Some(folder.path().join("templates"));
    let Err(Error::Initdb { output, .. }) = cluster.prepare() else { panic!("initdb as root") };
    assert!(output.contains("root"), "{output}");
    let rubbish: Vec<_> = std::fs::read_dir(folder.path().join("templates")).unwrap().flatten().collect();
    assert!(rubbish.iter().all(|entry| entry.path().is_file()), "{rubbish:?}");
}
