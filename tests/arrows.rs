//! Which room may know which: `nself → cli → {operations, runtimes, server} → services → {database, backup} →
//! {postgres, stack, metadata} → project`, and `terminal` for `cli` alone.

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The height of each room; an arrow goes from a higher room to a lower one.
const HEIGHT: &[(&str, u8)] = &[
    ("nself", 7),
    ("nself-cli", 6),
    ("nself-operations", 5),
    ("nself-runtimes", 5),
    ("nself-server", 5),
    ("nself-auth", 4),
    ("nself-console", 4),
    ("nself-gateway", 4),
    ("nself-graphql", 4),
    ("nself-mail", 4),
    ("nself-storage", 4),
    ("nself-database", 3),
    ("nself-metadata", 2),
    ("nself-postgres", 2),
    ("nself-stack", 2),
    ("nself-terminal", 2),
    ("nself-project", 1),
];

fn height(name: &str) -> u8 {
    let found = HEIGHT.iter().find(|(room, _)| *room == name);
    found.unwrap_or_else(|| panic!("{name} is a new room: give it a height here and a line in ARCHITECTURE.md")).1
}

#[test]
fn arrows_point_down() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        if package.name.as_str() == "nself-testkit" {
            continue;
        }
        let from = height(&package.name);
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in normal.filter(|dependency| dependency.path.is_some()) {
            let forbidden = dependency.name == "nself-testkit"
                || height(&dependency.name) >= from
                || (dependency.name == "nself-terminal" && package.name.as_str() != "nself-cli");
            if forbidden {
                wrong.push(format!("{} → {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows do not point down: {wrong:?}");
}
