use std::fs;
use std::path::{Path, PathBuf};

use postgres::User;
use postgres::placement::{Placement, Roots, place_in};

use crate::harness::folder;

/// A person's project, and the folders that root would use.
struct Ground {
    _folder: tempfile::TempDir,
    root: PathBuf,
    roots: Roots,
}

fn ground() -> Ground {
    let folder = folder();
    let root = folder.path().canonicalize().unwrap();
    let roots = Roots { data: root.join("lib"), run: root.join("r") };
    Ground { _folder: folder, root, roots }
}

impl Ground {
    fn project(&self, name: &str) -> PathBuf {
        let project = self.root.join(name);
        fs::create_dir_all(&project).unwrap();
        project
    }

    fn place(&self, project: &Path, name: &str, user: Option<User>) -> Placement {
        place_in(&self.roots, user, &project.join(".nself"), name, project).unwrap()
    }

    /// As root would; as a person with that person's own user, which exercises the same code.
    fn place_as_root(&self, project: &Path, name: &str) -> Placement {
        let user = User::for_server().unwrap().or_else(User::current).unwrap();
        self.place(project, name, Some(user))
    }
}

#[test]
fn a_persons_data_is_in_the_project() {
    let ground = ground();
    let project = ground.project("shop");
    let place = ground.place(&project, "shop", None);
    assert_eq!(place.data_dir, project.join(".nself/data/postgres"));
    assert_eq!(place.socket_dir, project.join(".nself/run"));
    let deep = ground.project(&"very-long-folder-name/".repeat(5));
    let place = ground.place(&deep, "deep", None);
    assert!(place.socket_dir.as_os_str().len() < 85, "{}", place.socket_dir.display());
    assert!(place.socket_dir.is_dir());
    fs::remove_dir(place.socket_dir).unwrap();
}

#[test]
fn roots_data_is_outside_and_linked() {
    let ground = ground();
    let project = ground.project("shop");
    let place = ground.place_as_root(&project, "shop");
    assert_eq!(place.folder, ground.roots.data.join("shop"));
    assert_eq!(project.join(".nself/data").canonicalize().unwrap(), place.folder);
    assert!(place.socket_dir.starts_with(&ground.roots.run));
    assert_eq!(ground.place_as_root(&project, "shop"), place, "and stays there");
    let renamed = ground.place_as_root(&project, "store");
    assert_eq!(renamed.folder, place.folder, "the link decides, not the name");
}

#[test]
fn a_moved_project_keeps_its_data() {
    let ground = ground();
    let project = ground.project("shop");
    let place = ground.place_as_root(&project, "shop");
    let moved = ground.root.join("moved");
    fs::rename(&project, &moved).unwrap();
    assert_eq!(ground.place_as_root(&moved, "shop").folder, place.folder);
}

#[test]
fn projects_of_one_name_do_not_meet() {
    let ground = ground();
    let (one, two) = (ground.project("a/shop"), ground.project("b/shop"));
    let first = ground.place_as_root(&one, "shop").folder;
    let second = ground.place_as_root(&two, "shop").folder;
    assert_ne!(first, second);
    assert!(second.file_name().unwrap().to_str().unwrap().starts_with("shop-"));
    assert_eq!(ground.place_as_root(&two, "shop").folder, second);
}

#[test]
fn a_copied_project_gets_data_of_its_own() {
    let ground = ground();
    let project = ground.project("shop");
    let first = ground.place_as_root(&project, "shop").folder;
    let copy = ground.project("copy");
    fs::create_dir(copy.join(".nself")).unwrap();
    std::os::unix::fs::symlink(&first, copy.join(".nself/data")).unwrap();
    assert_ne!(ground.place_as_root(&copy, "shop").folder, first);
    assert_eq!(ground.place_as_root(&project, "shop").folder, first);
}

#[test]
fn a_cleaned_project_finds_its_data_and_a_new_one_does_not() {
    let ground = ground();
    let project = ground.project("shop");
    let first = ground.place_as_root(&project, "shop").folder;
    fs::remove_dir_all(project.join(".nself")).unwrap();
    assert_eq!(ground.place_as_root(&project, "shop").folder, first, "git clean -fdx");
    fs::rename(&project, ground.root.join("gone")).unwrap();
    fs::remove_dir_all(ground.root.join("gone/.nself")).unwrap();
    let again = ground.project("shop");
    assert_ne!(ground.place_as_root(&again, "shop").folder, first, "another project at the same path");
}
