//! Puts the pages of assets/errors into the crate, sorted by code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    // Asked for when it runs: a build script that another clone compiled into a shared target folder is used again.
    let folder =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it")).join("../../assets/errors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("assets/errors is part of the source")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    let mut code = String::from("&[\n");
    for page in &pages {
        println!("cargo::rerun-if-changed={}", page.display());
        let name = page.file_stem().expect("a file name").to_string_lossy();
        writeln!(code, "    ({name:?}, include_str!({:?})),", page.display().to_string()).expect("memory");
    }
    code.push_str("]\n");
    let output = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&output).join("pages.rs"), code).expect("OUT_DIR is writable");
}
