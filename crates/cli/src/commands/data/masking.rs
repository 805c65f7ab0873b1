//! What every command that anonymises needs: the rules, the key, and the plan made from both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use database::mask::{Action, Key, Plan, Recipe, Rules, Summary};
use postgres::catalog::Catalog;
use project::Settings;
use serde::Serialize;
use terminal::{Failure, Page, Style};
use tokio::runtime::Runtime;

use crate::Context;
use crate::context::Opened;

/// Where the rules are unless `--config` names another file.
fn rules_file(cx: &Context, settings: &Settings, config: Option<&Path>) -> Result<PathBuf, Failure> {
    let root = cx.project()?.root().to_owned();
    Ok(match config {
        Some(file) => file.to_owned(),
        None => root.join(settings.text("NSELF_ANONYMIZE_RULES").unwrap_or("nself/anonymize.yaml")),
    })
}

/// The rules, the key and the password that everybody gets. The key is NSELF_ANONYMIZE_KEY, or one of this project's own.
pub fn recipe(cx: &Context, settings: &Settings, config: Option<&Path>) -> Result<Recipe, Failure> {
    let file = rules_file(cx, settings, config)?;
    if config.is_some() && !file.exists() {
        let problem = "there is no such file".to_owned();
        return Err(database::Error::from(database::mask::MaskError::Rules { file, problem }).into());
    }
    let rules = Rules::read(&file).map_err(database::Error::from)?;
    let key = match settings.secret("NSELF_ANONYMIZE_KEY") {
        Some(secret) => Key::new(&secret),
        None => {
            let folder = cx.project()?.root().join(".nself");
            let made = std::fs::create_dir_all(&folder);
            made.map_err(|source| database::Error::Io { file: folder.clone(), source })?;
            Key::of_file(&folder.join("anonymize.key"))
        }
    };
    let key = key.map_err(database::Error::from)?;
    let password = settings.secret("NSELF_ANONYMIZE_PASSWORD").map(|password| key.password_hash(&password)).transpose();
    Ok(Recipe { rules, password: password.map_err(database::Error::from)?, key })
}

/// The plan for a database, which is only looked at.
pub fn prepare(cx: &Context, runtime: &Runtime, from: &Opened, config: Option<&Path>) -> Result<Arc<Plan>, Failure> {
    let recipe = recipe(cx, &from.settings, config)?;
    cx.terminal.progress(&format!("Looking for personal data in {}", from.place.label));
    let plan = runtime.block_on(async {
        let client = from.place.connect().await?;
        database::copy::settle(&client).await?;
        let catalog = Catalog::read(&client, &[]).await?;
        Plan::prepare(&client, &catalog, &recipe).await
    });
    Ok(Arc::new(plan?))
}

/// A plan as reports show it: by table what happens to it, and by column its rule.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    #[serde(flatten)]
    pub summary: Summary,
}

impl PlanReport {
    pub fn text(&self, page: &mut Page) {
        let plain = |text: &str| (text.to_owned(), Style::Plain);
        let mut rows = Vec::new();
        for table in &self.summary.tables {
            for (column, rule) in &table.columns {
                rows.push(vec![plain(&format!("{}.{column}", table.table)), plain(&rule.to_string())]);
            }
        }
        if rows.is_empty() {
            page.line("No column changes.");
        } else {
            page.table(&["COLUMN", "RULE"], &rows);
        }
        for (action, what) in [(Action::Keep, "As they are"), (Action::Empty, "Left behind")] {
            let names: Vec<&str> = self
                .summary
                .tables
                .iter()
                .filter(|table| table.action == action)
                .map(|table| table.table.as_str())
                .collect();
            if !names.is_empty() {
                page.line(format!("{what}: {}.", names.join(", ")));
            }
        }
    }
}
