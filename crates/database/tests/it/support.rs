use std::path::Path;

use database::{
    Error, Options,
    migrate::{Applied, Sources, Status, Target, migrate},
};
use project::guard::{Allowed, Consent, Destructive, destructive};
use tempfile::TempDir;
use tokio_postgres::Client;

/// A project folder with migrations in `nself/migrations`.
pub struct Folder {
    root: TempDir,
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self { root: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let file = self.root().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    pub fn sources(&self) -> Sources {
        Sources::new(self.root(), "nself/migrations")
    }
}

/// Applies everything; the ids of what was applied.
pub async fn up(client: &mut Client, sources: &Sources) -> Result<Vec<String>, Error> {
    let applied = migrate(client, sources, &Target::Everything, &Options::default(), &mut |_| {}).await?;
    Ok(applied.iter().map(id).collect())
}

pub async fn down(client: &mut Client, sources: &Sources, steps: usize) -> Result<Vec<String>, Error> {
    let options = Options::default();
    let undone = database::migrate::rollback(client, sources, steps, &options, &allowed(), &mut |_| {}).await?;
    Ok(undone.iter().map(id).collect())
}

pub async fn status(client: &Client, sources: &Sources) -> Status {
    database::migrate::status(client, sources).await.unwrap()
}

/// `version name: state` of each migration.
pub async fn states(client: &Client, sources: &Sources) -> Vec<String> {
    let status = status(client, sources).await;
    status.migrations.iter().map(|entry| format!("{}: {}", entry.id(), entry.state.as_str())).collect()
}

pub fn allowed() -> Allowed<Destructive> {
    destructive(project::Tier::Dev, "test", &Consent::default()).unwrap()
}

fn id(applied: &Applied) -> String {
    format!("{}_{}", applied.version, applied.name)
}

pub async fn text(client: &Client, sql: &str) -> String {
    client.query_one(&format!("SELECT ({sql})::text"), &[]).await.unwrap().get(0)
}

/// True when the relation is there.
pub async fn has(client: &Client, relation: &str) -> bool {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&relation]).await.unwrap().get(0)
}
