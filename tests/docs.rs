//! README and docs/guide are executed: the `sh` blocks of a page run in order, in one shell, in an empty folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sandbox::{Sandbox, said};

/// The blocks fenced as `sh`, joined; `console` and `text` blocks are for reading only.
fn script(page: &str) -> String {
    let mut script = String::from("set -euo pipefail\n");
    let mut inside = false;
    for line in page.lines() {
        match line.trim_end() {
            "```sh" => inside = true,
            "```" if inside => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md")];
    let guide = std::fs::read_dir(root.join("docs/guide")).unwrap();
    pages.extend(
        guide.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md")),
    );
    pages.sort();
    pages
}

/// The pages use nself's default ports, so each runs in a network of its own; that takes root.
#[test]
fn code_blocks_run() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: a private network for the pages takes root");
        return;
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_nself"));
    let mut ran = 0;
    for page in pages() {
        let script = script(&std::fs::read_to_string(&page).unwrap());
        if script.lines().count() == 1 {
            continue;
        }
        ran += 1;
        let sandbox = Sandbox::new();
        let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let output = Command::new("unshare")
            .args(["--net", "--", "bash", "-c", &format!("ip link set lo up\n{script}")])
            .current_dir(sandbox.home())
            .env("PATH", path)
            .env("NSELF_HOME", sandbox.home().join("nself-home"))
            .env("HOME", sandbox.home())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = said(output);
        // A page works in the folder it is started in, or makes one in it.
        let made = std::fs::read_dir(sandbox.home()).unwrap().flatten().map(|entry| entry.path());
        for folder in made.chain([sandbox.home().to_owned()]) {
            if folder.join(".nself").is_dir() {
                let _ = Command::new(binary).args(["destroy", "--yes"]).current_dir(folder).output();
            }
        }
        assert_eq!(said.code, 0, "{}\n{}\n{}", page.display(), said.stdout, said.stderr);
    }
    assert!(ran >= 3, "only {ran} pages have code that runs");
}
