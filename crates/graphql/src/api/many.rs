//! `track_tables` and `untrack_tables`: what can be done is done, and the rest is told as warnings.

use metadata::QualifiedName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::parse;
use super::commands;
use super::draft::{SOURCE, refuse, success};
use super::refusal::Refusal;
use super::work::Work;
use crate::failure::{Code, Failure};

/// One of the two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many {
    Track,
    Untrack,
}

impl Many {
    fn single(self) -> &'static str {
        match self {
            Self::Track => "track_table",
            Self::Untrack => "untrack_table",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Track => ("track-table-failed", "all tables failed to track"),
            Self::Untrack => ("untrack-table-failed", "all tables failed to untrack"),
        }
    }
}

#[derive(Deserialize)]
struct Arguments {
    tables: Vec<Value>,
    #[serde(default = "yes")]
    allow_warnings: bool,
}

fn yes() -> bool {
    true
}

/// Tries all at once, which builds one model; only when that does not do, one by one.
///
/// # Errors
/// None of the tables could be done, or one could not and warnings are not allowed.
pub async fn run(work: &mut Work<'_>, many: Many, arguments: &Value, path: &str) -> Result<Value, Refusal> {
    let given: Arguments = parse(arguments)?;
    work.check().await?;
    let names: Vec<Option<QualifiedName>> = given.tables.iter().map(name).collect();
    let is_new = |name: &QualifiedName| work.draft.catalog.table(&name.schema, &name.name).is_none();
    if names.iter().flatten().any(is_new) {
        // Somebody else may just have made it.
        work.draft.catalog = work.read_catalog().await?;
    }
    let saved = work.save().await?;
    let mut failed = apply_all(work, many, &given.tables, path);
    if work.check().await.is_err() {
        work.restore(saved).await?;
        failed = one_by_one(work, many, &given.tables, path).await?;
    }
    let (code, all_failed) = many.words();
    let warnings: Vec<Value> = failed
        .iter()
        .map(|(index, message)| {
            let name = names[*index].as_ref().map(QualifiedName::to_string).unwrap_or_default();
            json!({ "code": code, "message": message, "name": format!("table {name} in source {SOURCE}"), "type": "table" })
        })
        .collect();
    let mut refusal = match () {
        () if warnings.is_empty() => return Ok(success()),
        () if warnings.len() == given.tables.len() => refuse(Code::InvalidConfiguration, all_failed),
        () if !given.allow_warnings => {
            let failure = refuse(Code::InvalidConfiguration, "failed due to metadata warnings");
            Failure { other_code: Some("metadata-warnings".into()), ..failure }
        }
        () => return Ok(json!({ "message": "success", "warnings": warnings })),
    };
    refusal.internal = Some(Box::new(warnings.into()));
    Err(Refusal::bad_request(super::pathed(refusal, path)))
}

fn name(table: &Value) -> Option<QualifiedName> {
    serde_json::from_value(table.get("table").unwrap_or(table).clone()).ok()
}

/// The tables that are refused at once, and why.
fn apply_all(work: &mut Work<'_>, many: Many, tables: &[Value], path: &str) -> Vec<(usize, String)> {
    let apply = commands::find(many.single()).expect("both commands are there for one table");
    let mut failed = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        if let Err(failure) = work.apply(many.single(), apply, table.clone(), path) {
            failed.push((index, failure.message));
        }
    }
    failed
}

async fn one_by_one(
    work: &mut Work<'_>,
    many: Many,
    tables: &[Value],
    path: &str,
) -> Result<Vec<(usize, String)>, Refusal> {
    let mut failed = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let saved = work.save().await?;
        let mut problems = apply_all(work, many, std::slice::from_ref(table), path);
        if let Err(refusal) = work.check().await {
            problems.push((0, refusal.failure.message));
        }
        if let Some((_, message)) = problems.pop() {
            work.restore(saved).await?;
            failed.push((index, message));
        }
    }
    Ok(failed)
}
