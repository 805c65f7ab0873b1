//! What a run would do: `--dry-run` of migrate, rollback, redo and fresh.

use std::path::PathBuf;

use database::migrate::{self, Explained, Migration, Part};
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use crate::context::Database;

/// What would run.
#[derive(Debug, Default, Serialize)]
pub struct PlanReport {
    /// Statements that come first, of no file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
    pub migrations: Vec<Planned>,
    /// Squashed migrations whose records take the place of older ones; no SQL runs for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<String>,
}

/// One migration, one half of it.
#[derive(Debug, Serialize)]
pub struct Planned {
    pub id: String,
    pub file: PathBuf,
    /// False when it runs statement by statement.
    pub transactional: bool,
    pub sql: String,
    pub statements: Vec<Explained>,
}

impl Planned {
    /// Asks the database what the statements lock and lose.
    pub fn explain(database: &Database, migration: &Migration, part: &Part) -> Result<Self, Failure> {
        Ok(Self {
            id: migration.id(),
            file: part.file.clone(),
            transactional: part.transactional(),
            sql: part.sql().to_owned(),
            statements: database.runtime.block_on(migrate::explain(&database.client, part))?,
        })
    }
}

impl View for PlanReport {
    fn text(&self, page: &mut Page) {
        if self.migrations.is_empty() && self.first.is_empty() && self.adopted.is_empty() {
            page.line("-- Nothing to run.");
        }
        for id in &self.adopted {
            page.styled(Style::Dim, format!("-- {id} takes the place of the migrations it was squashed from"));
        }
        for statement in &self.first {
            page.line(format!("{statement};"));
        }
        for (number, planned) in self.migrations.iter().enumerate() {
            if number > 0 || !self.first.is_empty() {
                page.blank();
            }
            let how = if planned.transactional { "one transaction" } else { "statement by statement" };
            page.styled(Style::Dim, format!("-- {} ({how})", planned.file.display()));
            planned.statements.iter().for_each(|statement| explained(page, statement));
        }
    }
}

fn explained(page: &mut Page, statement: &Explained) {
    for (relation, mode) in &statement.locks {
        let blocks = mode.blocks().map(|what| format!(" (blocks {what})")).unwrap_or_default();
        page.styled(Style::Dim, format!("-- locks {relation}: {mode}{blocks}"));
    }
    for loss in &statement.losses {
        page.styled(Style::Warning, format!("-- {loss}"));
    }
    if !statement.read {
        let words = "-- nself cannot read this statement: its locks are unknown, and PostgreSQL decides how it runs";
        page.styled(Style::Warning, words);
    }
    page.line(format!("{};", statement.sql));
    if let Some(bytes) = statement.data {
        page.styled(Style::Dim, format!("-- {bytes} bytes of data"));
    }
}
