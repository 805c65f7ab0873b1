use std::os::unix::fs::PermissionsExt;

use operations::archive;
use operations::reset::Options;

use crate::fixture::{ENV, Fixture, child_project, reset, restore, run_child};

#[test]
fn archives_everything_and_leaves_an_empty_project() {
    let fixture = Fixture::new();
    let done = reset(&fixture.project, 1, Options::default()).unwrap();
    let archive = done.archive.unwrap();
    assert_eq!(archive.name, "shop_20260504_102001");
    assert_eq!(std::fs::metadata(&archive.path).unwrap().permissions().mode() & 0o777, 0o600);
    let manifest = archive.manifest.unwrap();
    assert_eq!((manifest.postgres, manifest.environment.as_str()), (Some(15), "dev"));
    for unit in [".env", ".env.dev", "nself.toml", ".environments", ".nself/certs", ".nself/data/postgres"] {
        assert!(manifest.units.iter().any(|known| known == unit), "{unit} is not in {:?}", manifest.units);
    }
    assert!(fixture.mark().is_none() && fixture.read(".env").is_none() && fixture.read(".env.dev").is_none());
    for gone in [".nself/certs", ".nself/logs", ".nself/build", ".nself/.trash", ".nself/data/.trash"] {
        assert!(!fixture.path(gone).exists(), "{gone} is still there");
    }
    for kept in [".env.example", "nself.toml", ".environments/qa/.env", "nself/migrations/001_a.sql"] {
        assert!(fixture.path(kept).exists(), "{kept} is gone");
    }
    assert!(fixture.read(".nself/data/project.json").is_some(), "the place keeps its owner");
    let removed: Vec<_> = done.removed.iter().map(|item| item.path.display().to_string()).collect();
    assert!(removed.contains(&".nself/data/postgres".to_owned()), "{removed:?}");
}

#[test]
fn options_keep_what_they_say() {
    let fixture = Fixture::new();
    let done = reset(&fixture.project, 1, Options { no_archive: true, keep_environment: true }).unwrap();
    assert!(done.archive.is_none() && fixture.archives().is_empty());
    assert_eq!(fixture.read(".env").as_deref(), Some(ENV));
    assert!(fixture.mark().is_none());
}

#[test]
fn a_failed_archive_removes_nothing() {
    let fixture = Fixture::new();
    // A file where the folder of archives should be.
    fixture.write("_backup", "", 0o600);
    assert!(reset(&fixture.project, 1, Options::default()).is_err());
    assert_eq!(fixture.mark().as_deref(), Some("first"));
    assert_eq!(fixture.read(".env").as_deref(), Some(ENV));
}

#[test]
fn two_archives_in_one_second_have_two_names() {
    let fixture = Fixture::new();
    reset(&fixture.project, 1, Options::default()).unwrap();
    fixture.data("second");
    reset(&fixture.project, 1, Options::default()).unwrap();
    assert_eq!(fixture.archives(), ["shop_20260504_102001_2", "shop_20260504_102001"]);
}

#[test]
fn refuses_while_a_server_runs_on_the_data() {
    let fixture = Fixture::new();
    let cluster = fixture.path(".nself/data/postgres").canonicalize().unwrap();
    let mut server = std::process::Command::new("sleep").arg("60").current_dir(&cluster).spawn().unwrap();
    fixture.write(".nself/data/postgres/postmaster.pid", &format!("{}\n{}\n", server.id(), cluster.display()), 0o600);
    let refused = reset(&fixture.project, 1, Options::default());
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(matches!(refused, Err(operations::Error::StillRunning { .. })), "{refused:?}");
    assert_eq!(fixture.mark().as_deref(), Some("first"));
}

#[test]
#[ignore = "run by killed_anywhere_it_loses_nothing"]
fn child() {
    reset(&child_project(), 1, Options::default()).unwrap();
}

#[test]
fn killed_anywhere_it_loses_nothing() {
    for point in ["archive.written", "reset.archived", "reset.data-moved", "reset.moved"] {
        let fixture = Fixture::new();
        assert!(run_child("reset::child", fixture.folder.path(), point), "{point} was not reached");
        let archived = archive::list(&fixture.project).iter().any(|archive| archive.data == Some(true));
        assert!(archived || fixture.mark().as_deref() == Some("first"), "{point}: the data is nowhere");
        reset(&fixture.project, 2, Options::default()).unwrap();
        assert!(fixture.mark().is_none() && fixture.read(".env").is_none(), "{point}: the second run did not finish");
        assert!(!fixture.path(".nself/.trash").exists() && !fixture.path(".nself/data/.trash").exists(), "{point}");
        restore(&fixture.project, 3, None).unwrap();
        assert_eq!(fixture.mark().as_deref(), Some("first"), "{point}");
        assert_eq!(fixture.read(".env").as_deref(), Some(ENV), "{point}");
    }
}
