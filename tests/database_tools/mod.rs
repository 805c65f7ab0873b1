//! The database tools: every line of their command reference (`reference.txt`), run with the built program against real
//! servers that are the environments local, staging and prod of one project, and looked at in the databases.

mod copies;
mod corpus;
mod cuts;
mod data;
mod guards;
mod migrations;
mod mock;
mod queries;
mod seeds;
mod world;

use world::World;

/// A line that a test runs is a literal in one of these: `world.line("…")`.
const SOURCES: &[&str] = &[
    include_str!("copies.rs"),
    include_str!("data.rs"),
    include_str!("guards.rs"),
    include_str!("migrations.rs"),
    include_str!("mock.rs"),
    include_str!("queries.rs"),
    include_str!("seeds.rs"),
];

#[test]
fn every_line_of_the_reference_is_run() {
    let run = |line: &&str| {
        let literals = [format!("line({line:?})"), format!("line(r#\"{line}\"#)")];
        SOURCES.iter().any(|source| literals.iter().any(|literal| source.contains(literal)))
    };
    let reference = include_str!("reference.txt");
    assert!(reference.lines().count() > 40);
    let missing: Vec<&str> = reference.lines().filter(|line| !run(line)).collect();
    assert!(missing.is_empty(), "no test runs:\n{}", missing.join("\n"));
}
