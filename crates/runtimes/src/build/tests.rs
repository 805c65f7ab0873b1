#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use project::{EnvName, Settings};
use tempfile::TempDir;

use super::*;

fn plan(pairs: &[(&str, &str)]) -> Plan {
    let base = [("PROJECT_NAME", "shop"), ("BASE_DOMAIN", "localhost")];
    Plan::new(&Settings::from_pairs(EnvName::dev(), base.iter().chain(pairs).copied()).unwrap()).unwrap()
}

fn folder() -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::at(folder.path());
    (folder, project)
}

fn artefact(path: &str, text: &str) -> Artefact {
    Artefact { path: PathBuf::from(path), bytes: text.as_bytes().to_vec(), mode: 0o644 }
}

fn actions(report: &Report) -> Vec<(&str, Action)> {
    report.files.iter().map(|file| (file.path.to_str().unwrap(), file.action)).collect()
}

/// Inode, modification time in nanoseconds and content of every file below the project's root, without locks.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, (u64, i64, Vec<u8>)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            if metadata.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|extension| extension != "lock") {
                let content = std::fs::read(&path).unwrap();
                files.insert(path, (metadata.ino(), metadata.mtime_nsec(), content));
            }
        }
    }
    files
}

#[test]
fn the_first_build_creates_and_the_second_touches_nothing() {
    let (folder, project) = folder();
    let plan = plan(&[]);
    let first = apply(&project, &plan).unwrap();
    assert_eq!(actions(&first), [(".nself/build/plan.json", Action::Created)]);
    let written = std::fs::read_to_string(folder.path().join(".nself/build/plan.json")).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&written).unwrap(), plan);
    let before = snapshot(folder.path());
    assert!(apply(&project, &plan).unwrap().is_unchanged());
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn a_changed_setting_changes_its_file_and_the_diff_shows_it() {
    let (folder, project) = folder();
    apply(&project, &plan(&[])).unwrap();
    let before = snapshot(folder.path());
    let other = plan(&[("POSTGRES_PORT", "5999")]);
    let pending = Pending::new(&project, artefacts(&other)).unwrap();
    let diff = pending.diff();
    assert!(diff.starts_with("--- a/.nself/build/plan.json\n+++ b/.nself/build/plan.json\n@@ "), "{diff}");
    assert!(diff.contains("-          \"number\": 5432,\n+          \"number\": 5999,\n"), "{diff}");
    assert_eq!(snapshot(folder.path()), before, "looking changes nothing");
    assert_eq!(actions(&pending.apply().unwrap()), [(".nself/build/plan.json", Action::Changed)]);
    assert!(Pending::new(&project, artefacts(&other)).unwrap().diff().is_empty());
}

#[test]
fn force_writes_the_same_again() {
    let (folder, project) = folder();
    let plan = plan(&[]);
    apply(&project, &plan).unwrap();
    let before = snapshot(folder.path());
    let pending = Pending::new(&project, artefacts(&plan)).unwrap().force();
    assert_eq!(pending.diff(), "");
    assert_eq!(actions(&pending.apply().unwrap()), [(".nself/build/plan.json", Action::Rewritten)]);
    let path = folder.path().join(".nself/build/plan.json");
    let after = snapshot(folder.path());
    assert_ne!(after[&path].0, before[&path].0, "a new file stands in its place");
    assert_eq!(after[&path].2, before[&path].2);
}

#[test]
fn what_is_no_longer_wanted_goes_and_what_is_not_ours_stays() {
    let (folder, project) = folder();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("mine.yml"), "mine").unwrap();
    let two = vec![artefact("compose.yml", "a\n"), artefact("nginx/site.conf", "b\n")];
    Pending::new(&project, two).unwrap().apply().unwrap();
    let pending = Pending::new(&project, vec![artefact("compose.yml", "a\n")]).unwrap();
    assert_eq!(pending.diff(), "--- a/nginx/site.conf\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n");
    let report = pending.apply().unwrap();
    assert_eq!(actions(&report), [("compose.yml", Action::Unchanged), ("nginx/site.conf", Action::Removed)]);
    assert!(!path("nginx/site.conf").exists() && path("mine.yml").exists());
    // It is forgotten: a file of the user's in the same place later is the user's.
    std::fs::write(path("nginx/site.conf"), "mine").unwrap();
    assert!(Pending::new(&project, vec![artefact("compose.yml", "a\n")]).unwrap().apply().unwrap().is_unchanged());
    assert!(path("nginx/site.conf").exists());
}

#[test]
fn a_wrong_mode_is_a_change() {
    let (folder, project) = folder();
    let plan = plan(&[]);
    apply(&project, &plan).unwrap();
    let path = folder.path().join(".nself/build/plan.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let pending = Pending::new(&project, artefacts(&plan)).unwrap();
    assert_eq!(pending.diff(), ".nself/build/plan.json: the mode changes\n");
    assert_eq!(pending.apply().unwrap().count(Action::Changed), 1);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_manifest_cannot_reach_out_of_the_project() {
    let (folder, project) = folder();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::create_dir_all(project.build_dir()).unwrap();
    let manifest = serde_json::json!({ "files": [outside.path(), "../../escape", "gone.yml"] });
    std::fs::write(project.build_dir().join("manifest.json"), manifest.to_string()).unwrap();
    let report = apply(&project, &plan(&[])).unwrap();
    assert_eq!(actions(&report), [(".nself/build/plan.json", Action::Created)]);
    assert!(outside.path().exists());
    // A broken one is as good as none.
    std::fs::write(project.build_dir().join("manifest.json"), "{").unwrap();
    assert!(apply(&project, &plan(&[])).is_ok());
    assert!(folder.path().join(".nself/build/plan.json").exists());
}

const FAULTS: [&str; 3] = ["build.manifest-written", "project.before-rename", "build.between-files"];

fn three() -> Vec<Artefact> {
    ["a.txt", "b/c.txt", ".nself/build/plan.json"].map(|path| artefact(path, "new content\n")).to_vec()
}

/// Not a test by itself: the build that [`a_killed_build_leaves_whole_files`] kills.
#[test]
fn killed_build() {
    if let Some(root) = std::env::var_os("NSELF_TEST_BUILD_ROOT") {
        Pending::new(&Project::at(PathBuf::from(root)), three()).unwrap().apply().unwrap();
    }
}

#[test]
fn a_killed_build_leaves_whole_files() {
    for fault in FAULTS {
        let (folder, project) = folder();
        let root = folder.path();
        let earlier = ["a.txt", "old.txt"].map(|path| artefact(path, "old content\n"));
        Pending::new(&project, earlier.to_vec()).unwrap().apply().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "build::tests::killed_build"])
            .env("NSELF_TEST_BUILD_ROOT", root)
            .env("NSELF_FAULT", fault)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(nix::libc::SIGABRT), "{fault} was not reached");
        for (path, (_, _, content)) in snapshot(root) {
            let unfinished = path.file_name().unwrap().to_str().unwrap().starts_with(".nself-unfinished-");
            let manifest = path.ends_with("manifest.json");
            let text = String::from_utf8(content).unwrap();
            assert!(unfinished || manifest || text == "old content\n" || text == "new content\n", "{fault}: {path:?}");
        }
        Pending::new(&project, three()).unwrap().apply().unwrap();
        let left: Vec<PathBuf> =
            snapshot(root).into_keys().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect();
        let wanted = [".nself/build/manifest.json", ".nself/build/plan.json", "a.txt", "b/c.txt"].map(PathBuf::from);
        assert_eq!(left, wanted, "{fault}");
        assert!(Pending::new(&project, three()).unwrap().apply().unwrap().is_unchanged(), "{fault}");
    }
}

#[test]
fn builds_at_the_same_time_do_not_disturb_each_other() {
    let (folder, project) = folder();
    let build = |port: u16| apply(&project, &plan(&[("POSTGRES_PORT", &port.to_string())])).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || (0..10).for_each(|turn| drop(build(6000 + number * 10 + turn))));
        }
    });
    let left = snapshot(folder.path());
    assert_eq!(left.len(), 2, "{:?}", left.keys());
    let text = std::fs::read(folder.path().join(".nself/build/plan.json")).unwrap();
    assert!(serde_json::from_slice::<Plan>(&text).is_ok());
}
