//! Schemas that nobody here designed: each is made, filled with mock data, copied, exported, emptied and imported again.

use std::path::{Path, PathBuf};

use super::World;

/// Schemas of crates/database/tests/schemas; those with rows of their own have a second file.
const SCHEMAS: &[&str] = &["films", "music", "types", "cycles", "partitions", "policies", "names", "constraints"];

/// What a copy brings up to date and mock data does not: materialised views; and what triggers write at every import.
const REFRESH: &str = "DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relkind = 'm' LOOP EXECUTE format('REFRESH MATERIALIZED VIEW %s', one); END LOOP;
    IF to_regclass('log') IS NOT NULL THEN DELETE FROM log; END IF;
END $$";
/// Mock data skips triggers, an import runs them: the column that one writes has to be its work before.
const TRIGGERED: &str =
    "DO $$ BEGIN IF to_regclass('film') IS NOT NULL THEN UPDATE film SET title = title; END IF; END $$";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../database/tests/schemas").join(format!("{name}.sql"))
}

/// A database of its own for each schema, as an environment of the tier dev.
fn database(world: &World, schema: &str) -> String {
    let name = format!("corpus_{schema}");
    let local = world.url("local");
    world.at(&local, &format!("CREATE DATABASE {name}"));
    let (server, _) = local.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    world.database("corpus", &url);
    url
}

#[test]
fn every_schema_is_filled_copied_exported_and_imported() {
    let world = World::local();
    let sandbox = &world.sandbox;
    sandbox.ok(&["env", "create", "corpus", "local"]);
    sandbox.ok(&["env", "create", "other", "local"]);
    let local = world.url("local");
    world.at(&local, "CREATE DATABASE corpus_other");
    let (server, _) = local.rsplit_once('/').unwrap();
    let other = format!("{server}/corpus_other");
    world.database("other", &other);
    std::fs::remove_dir_all(sandbox.folder().join("nself/mock")).unwrap();
    let mut wrong = Vec::new();
    for schema in SCHEMAS {
        let url = database(&world, schema);
        world.file(&url, &file(schema));
        if let Err(fault) = round(&world, schema, &url, &other) {
            wrong.push(format!("{schema}: {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn round(world: &World, schema: &str, url: &str, other: &str) -> Result<(), String> {
    let run = |arguments: &[&str]| {
        let said = world.sandbox.run(arguments);
        if said.code == 0 {
            Ok(said.stdout)
        } else {
            Err(format!("nself {arguments:?}: {}{}", said.stdout, said.stderr))
        }
    };
    let same = |what: &str, have: String, wanted: &str| {
        if have == wanted { Ok(()) } else { Err(format!("{what}:\n{have}\ninstead of\n{wanted}")) }
    };
    // Mock data in every table, and the same again.
    run(&["mock", "init", "--env", "corpus", "--force"])?;
    run(&["mock", "generate", "--env", "corpus", "--preset", "minimal"])?;
    let mocked = world.fingerprint(url);
    run(&["mock", "generate", "--env", "corpus", "--preset", "minimal"])?;
    same("mock data again", world.fingerprint(url), &mocked)?;
    // Rows that break readers and writers, where the schema has some.
    let rows = file(&format!("{schema}.rows"));
    if rows.is_file() {
        run(&["mock", "clear", "--env", "corpus"])?;
        world.file(url, &rows);
    }
    world.at(url, TRIGGERED);
    world.at(url, REFRESH);
    let before = world.fingerprint(url);
    run(&["db", "clone", "--from", "corpus", "--to", "other"])?;
    same("a clone", world.fingerprint(other), &before)?;
    run(&["db", "dump", "--env", "corpus", "-o", "corpus.dump"])?;
    run(&["db", "load", "corpus.dump", "--env", "other"])?;
    same("a dump", world.fingerprint(other), &before)?;
    for format in ["json", "csv", "parquet"] {
        let folder = format!("export-{schema}-{format}");
        run(&["data", "export", "--env", "corpus", "--format", format, "-o", &folder])?;
        run(&["data", "reset", "--env", "other", "--keep-schema"])?;
        run(&["data", "import", &folder, "--env", "other"])?;
        world.at(other, REFRESH);
        same(&format!("an export as {format}"), world.fingerprint(other), &before)?;
    }
    Ok(())
}
