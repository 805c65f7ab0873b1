//! The system's store of trusted certificates: putting the local authority's root in, taking it out, looking.
//! Nothing here runs unless a person asks for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Authority, Error};

const NAME: &str = "nself-local-authority";

/// How this system keeps trusted certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A folder of certificates and a program that gathers them: Debian, Ubuntu, Alpine, Fedora, Arch.
    Folder {
        /// The file that holds our root.
        file: PathBuf,
        update: Vec<String>,
    },
    /// The system's key chain.
    MacOs,
}

/// What the store says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There is no authority yet, and nothing of ours in the store.
    Absent,
    /// The authority exists and the store does not know it.
    NotTrusted,
    Trusted,
    /// The store holds the root of another authority of ours, from before it was made anew.
    Outdated,
}

impl Store {
    /// The store of the system whose root folder is `root` (`/`).
    pub fn detect(root: &Path) -> Option<Self> {
        let folders = [
            ("usr/local/share/ca-certificates", "crt", "update-ca-certificates"),
            ("etc/pki/ca-trust/source/anchors", "pem", "update-ca-trust"),
            ("etc/ca-certificates/trust-source/anchors", "pem", "update-ca-trust"),
        ];
        for (folder, extension, program) in folders {
            let update = ["usr/sbin", "usr/bin", "sbin", "bin"].map(|bin| root.join(bin).join(program));
            if let Some(update) = update.iter().find(|path| path.exists())
                && (root.join(folder).is_dir() || program == "update-ca-certificates")
            {
                let update = vec![update.to_string_lossy().into_owned()];
                return Some(Self::Folder { file: root.join(folder).join(format!("{NAME}.{extension}")), update });
            }
        }
        root.join("usr/bin/security").exists().then_some(Self::MacOs)
    }

    /// Whether programs that use this store trust the authority.
    pub fn state(&self, authority: Option<&Authority>) -> State {
        match self {
            Self::Folder { file, .. } => match (std::fs::read_to_string(file), authority) {
                (Ok(stored), Some(authority)) if stored.trim() == authority.root_pem().trim() => State::Trusted,
                (Ok(_), _) => State::Outdated,
                (Err(_), Some(_)) => State::NotTrusted,
                (Err(_), None) => State::Absent,
            },
            Self::MacOs => match authority {
                Some(authority) => {
                    let mut verify = Command::new("security");
                    verify.args(["verify-cert", "-L", "-c"]).arg(authority.root_path());
                    let trusted = verify.output().is_ok_and(|output| output.status.success());
                    if trusted { State::Trusted } else { State::NotTrusted }
                }
                None => State::Absent,
            },
        }
    }

    /// Makes the whole system trust the authority.
    pub fn install(&self, authority: &Authority) -> Result<(), Error> {
        match self {
            Self::Folder { file, update } => {
                let rights = |_| Error::Rights { path: file.clone(), command: as_root("install", Some(authority)) };
                if let Some(folder) = file.parent() {
                    std::fs::create_dir_all(folder).map_err(rights)?;
                }
                write(file, authority.root_pem()).map_err(rights)?;
                run(update)
            }
            Self::MacOs => {
                let root = authority.root_path().to_string_lossy().into_owned();
                run(&mac(&["add-trusted-cert", "-d", "-r", "trustRoot", "-k", KEY_CHAIN, &root]))
            }
        }
    }

    /// Takes the root out again. True when there was one.
    pub fn uninstall(&self, authority: Option<&Authority>) -> Result<bool, Error> {
        match self {
            Self::Folder { file, update } => {
                match std::fs::remove_file(file) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                    Err(_) => {
                        let command = as_root("uninstall", authority);
                        return Err(Error::Rights { path: file.clone(), command });
                    }
                }
                // Debian's tool removes dangling links only when it is told to start afresh.
                let mut update = update.clone();
                if update.first().is_some_and(|program| program.ends_with("update-ca-certificates")) {
                    update.push("--fresh".to_owned());
                }
                run(&update).map(|()| true)
            }
            Self::MacOs => match authority {
                Some(authority) => {
                    let root = authority.root_path().to_string_lossy().into_owned();
                    run(&mac(&["remove-trusted-cert", "-d", &root])).map(|()| true)
                }
                None => Ok(false),
            },
        }
    }
}

/// The same command for root, who must be told whose authority is meant and may not have nself in the path.
fn as_root(verb: &str, authority: Option<&Authority>) -> String {
    let home = authority.and_then(|authority| authority.root_path().parent()?.parent().map(Path::to_owned));
    let home = home.map(|home| format!("env NSELF_HOME='{}' ", home.display())).unwrap_or_default();
    format!("sudo {home}\"$(command -v nself)\" trust {verb}")
}

/// Browsers on Linux keep stores of their own (NSS). The commands that put the root into those found below `home`, for
/// a person to run; empty without `certutil` or without a browser's store.
pub fn browser_commands(home: &Path, root_certificate: &Path) -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("certutil").exists()) {
        return Vec::new();
    }
    let mut stores = vec![home.join(".pki/nssdb")];
    for firefox in [".mozilla/firefox", "snap/firefox/common/.mozilla/firefox"] {
        let profiles = std::fs::read_dir(home.join(firefox)).into_iter().flatten().flatten();
        stores.extend(profiles.map(|profile| profile.path()));
    }
    stores.retain(|store| store.join("cert9.db").exists());
    stores.sort();
    let command = |store: &PathBuf| {
        format!("certutil -A -n {NAME} -t C,, -i '{}' -d 'sql:{}'", root_certificate.display(), store.display())
    };
    stores.iter().map(command).collect()
}

const KEY_CHAIN: &str = "/Library/Keychains/System.keychain";

fn mac(arguments: &[&str]) -> Vec<String> {
    ["security"].iter().chain(arguments).map(|text| (*text).to_owned()).collect()
}

/// Public, and whole or not at all: a store that is read meanwhile sees the old file or the new one.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let temporary = file.with_extension("new");
    std::fs::write(&temporary, text)?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o644))?;
    std::fs::rename(&temporary, file)
}

fn run(argv: &[String]) -> Result<(), Error> {
    let failed = |detail: String| Error::StoreCommand { command: argv.join(" "), detail };
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let output = Command::new(program).args(arguments).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(if detail.is_empty() { output.status.to_string() } else { detail }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A system whose update program notes that it was called.
    fn debian() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("usr/sbin")).unwrap();
        let program = root.path().join("usr/sbin/update-ca-certificates");
        let note = root.path().join("calls");
        fs::write(&program, format!("#!/bin/sh\necho \"called $*\" >> {}\n", note.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let store = Store::detect(root.path()).unwrap();
        (root, store)
    }

    #[test]
    fn the_root_goes_in_and_comes_out() {
        let (root, store) = debian();
        let home = tempfile::tempdir().unwrap();
        assert_eq!(store.state(None), State::Absent);
        let authority = Authority::load_or_create(home.path()).unwrap();
        assert_eq!(store.state(Some(&authority)), State::NotTrusted);
        store.install(&authority).unwrap();
        assert_eq!(store.state(Some(&authority)), State::Trusted);
        let other = tempfile::tempdir().unwrap();
        let other = Authority::load_or_create(other.path()).unwrap();
        assert_eq!(store.state(Some(&other)), State::Outdated);
        assert!(store.uninstall(Some(&authority)).unwrap());
        assert!(!store.uninstall(Some(&authority)).unwrap());
        assert_eq!(store.state(Some(&authority)), State::NotTrusted);
        let calls = fs::read_to_string(root.path().join("calls")).unwrap();
        assert_eq!(calls, "called \ncalled --fresh\n");
    }

    #[test]
    fn a_failing_update_says_which_command_failed() {
        let (root, store) = debian();
        fs::write(root.path().join("usr/sbin/update-ca-certificates"), "#!/bin/sh\necho no space >&2\nexit 3\n")
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let error = store.install(&Authority::load_or_create(home.path()).unwrap()).unwrap_err();
        assert!(matches!(&error, Error::StoreCommand { detail, .. } if detail == "no space"), "{error:?}");
    }

    #[test]
    fn an_unknown_system_has_no_store() {
        assert_eq!(Store::detect(tempfile::tempdir().unwrap().path()), None);
    }
}
