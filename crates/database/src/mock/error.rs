use std::path::PathBuf;

use project::{Diagnostic, Exit};

/// What can go wrong with mock data.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    #[error("{} cannot be used: {problem}", file.display())]
    Config { file: PathBuf, problem: String, hint: Option<String> },
    #[error("there is no table {wanted} that mock data could fill")]
    Table { wanted: String, near: Option<String> },
    #[error("no mock rows can be made for {table}: {problem}")]
    Plan { table: String, problem: String, fix: String },
    #[error("PostgreSQL refused the mock rows of {table}: {message}")]
    Rejected { table: String, message: String, detail: Option<String>, constraint: Option<String> },
    #[error("rows that are not mock data refer to mock rows that would go")]
    Referenced { keys: Vec<String> },
    #[error("the role {role} may not write mock data")]
    Privilege { role: String },
    #[error("{} exists already", file.display())]
    Exists { file: PathBuf },
    #[error("{} holds no mock configuration: {problem}", file.display())]
    Bundle { file: PathBuf, problem: String },
}

/// The codes of this error.
pub const CODES: &[&str] =
    &["NS-DB-050", "NS-DB-051", "NS-DB-052", "NS-DB-053", "NS-DB-054", "NS-DB-055", "NS-DB-056", "NS-DB-057"];

impl Diagnostic for MockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } => "NS-DB-050",
            Self::Table { .. } => "NS-DB-051",
            Self::Plan { .. } => "NS-DB-052",
            Self::Rejected { .. } => "NS-DB-053",
            Self::Referenced { .. } => "NS-DB-054",
            Self::Privilege { .. } => "NS-DB-055",
            Self::Exists { .. } => "NS-DB-056",
            Self::Bundle { .. } => "NS-DB-057",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Rejected { detail, constraint, .. } => {
                let constraint = constraint.as_ref().map(|name| format!("the constraint is {name}"));
                let parts: Vec<String> = [detail.clone(), constraint].into_iter().flatten().collect();
                format!("{}\nnothing was changed", parts.join("\n")).trim_start().to_owned()
            }
            Self::Referenced { keys } => format!("{}\nnothing was changed", keys.join("\n")),
            Self::Privilege { .. } => {
                "mock rows are loaded with session_replication_role = replica and checked afterwards; the role may not set it"
                    .to_owned()
            }
            _ => return None,
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Config { hint, .. } => {
                hint.clone().unwrap_or_else(|| "nself mock config shows what counts, and every kind of value".to_owned())
            }
            Self::Table { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::Table { near: None, .. } => "nself mock generate --dry-run lists the tables".to_owned(),
            Self::Plan { fix, .. } => fix.clone(),
            Self::Rejected { .. } => {
                "say in nself/mock/mock.config.yaml what the column holds (nself mock config lists the kinds), or leave the \
                 table out with `count: 0`"
                    .to_owned()
            }
            Self::Referenced { .. } => {
                "delete those rows or let them refer to others; or generate all tables again with the seed they were made \
                 with"
                    .to_owned()
            }
            Self::Privilege { role } => format!(
                "connect as a superuser, or as one: GRANT SET ON PARAMETER session_replication_role TO {}",
                postgres::Ident::new(role.clone())
            ),
            Self::Exists { .. } => "edit it, or write it anew: nself mock init --force".to_owned(),
            Self::Bundle { .. } => "nself mock export -o mock.tar.gz writes one".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Config { .. } | Self::Table { .. } | Self::Exists { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn codes_list_and_pages_hold_together() {
        let text = || "x".to_owned();
        let samples = [
            MockError::Config { file: "x".into(), problem: text(), hint: None },
            MockError::Table { wanted: text(), near: None },
            MockError::Plan { table: text(), problem: text(), fix: text() },
            MockError::Rejected { table: text(), message: text(), detail: None, constraint: Some(text()) },
            MockError::Referenced { keys: vec![text()] },
            MockError::Privilege { role: text() },
            MockError::Exists { file: "x".into() },
            MockError::Bundle { file: "x".into(), problem: text() },
        ];
        let codes: Vec<&str> = samples.iter().map(|error| error.code()).collect();
        assert_eq!(codes, CODES);
        for error in &samples {
            let page = format!("{}/../../assets/errors/{}.md", env!("CARGO_MANIFEST_DIR"), error.code());
            let page = std::fs::read_to_string(page).unwrap();
            assert!(page.starts_with(&format!("# {}: ", error.code())));
            assert!(error.fix().is_some());
        }
    }
}
