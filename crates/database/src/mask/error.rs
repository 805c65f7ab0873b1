use std::fmt;
use std::path::PathBuf;

use project::{Diagnostic, Exit};
use serde::Serialize;

use super::Kind;

/// A column by its full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ColumnName {
    pub schema: String,
    pub table: String,
    pub column: String,
}

impl ColumnName {
    pub fn new(schema: &str, table: &str, column: &str) -> Self {
        Self { schema: schema.to_owned(), table: table.to_owned(), column: column.to_owned() }
    }
}

/// As the rules file has it: the schema `public` is left out.
impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", super::rules::table_name(&self.schema, &self.table), self.column)
    }
}

/// Originals that were found where they must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leak {
    pub column: ColumnName,
    /// How many values.
    pub values: u64,
}

/// What can go wrong with anonymising. No error ever holds a value.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    #[error("the rules in {} cannot be used", file.display())]
    Rules { file: PathBuf, problem: String },
    #[error("{} may hold personal data, and no rule says what to do with {}", columns(found.len()), them(found.len()))]
    Unclassified { found: Vec<super::Finding>, file: PathBuf },
    #[error("the rules name {what}, which the database does not have")]
    Unknown { what: String, file: PathBuf },
    #[error("the rule of {column} does not suit it")]
    Unsuitable { column: ColumnName, problem: String },
    #[error("{} originals were found in the anonymised data", found.iter().map(|leak| leak.values).sum::<u64>())]
    Leaked { found: Vec<Leak> },
    #[error("there is no key to anonymise with")]
    Key { problem: String },
    #[error("a value of {column} looks like personal data ({})", kind.as_str())]
    Personal { column: ColumnName, kind: Kind },
    #[error("a value of {column} cannot be rewritten")]
    Value { column: ColumnName, problem: &'static str },
    #[error("`{text}` does not say which rows to take")]
    Subset { text: String, problem: String },
    #[error("there is no rule for the table {table}")]
    UnknownTable { table: String },
}

/// Every code of this module; each has a page in `assets/errors/`.
pub const CODES: &[&str] = &[
    "NS-DB-070",
    "NS-DB-071",
    "NS-DB-072",
    "NS-DB-073",
    "NS-DB-074",
    "NS-DB-075",
    "NS-DB-076",
    "NS-DB-077",
    "NS-DB-078",
    "NS-DB-079",
];

/// As many lines of a list as a message shows.
const SHOWN: usize = 20;

impl Diagnostic for MaskError {
    fn code(&self) -> &str {
        match self {
            Self::Rules { .. } => "NS-DB-070",
            Self::Unclassified { .. } => "NS-DB-071",
            Self::Unknown { .. } => "NS-DB-072",
            Self::Unsuitable { .. } => "NS-DB-073",
            Self::Leaked { .. } => "NS-DB-074",
            Self::Key { .. } => "NS-DB-075",
            Self::Personal { .. } => "NS-DB-076",
            Self::Value { .. } => "NS-DB-077",
            Self::Subset { .. } => "NS-DB-078",
            Self::UnknownTable { .. } => "NS-DB-079",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Rules { problem, .. } | Self::Unsuitable { problem, .. } | Self::Key { problem } => problem.clone(),
            Self::Unclassified { found, .. } => list(found.iter().map(|finding| finding.to_string())),
            Self::Unknown { file, .. } => {
                format!(
                    "a rule that fits nothing in {} is a slip of the pen or an old name; data would pass unchanged",
                    file.display()
                )
            }
            Self::Leaked { found } => list(found.iter().map(|leak| format!("{}: {}", leak.column, leak.values))),
            Self::Personal { .. } => "no rule says what to do with the column, so nothing was kept".to_owned(),
            Self::Value { problem, .. } => format!("{problem}; nothing was kept"),
            Self::Subset { problem, .. } => problem.clone(),
            Self::UnknownTable { .. } => "it came into being after the plan was made; nothing was kept".to_owned(),
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Rules { file, .. } | Self::Unknown { file, .. } => format!("edit {}", file.display()),
            Self::Unclassified { file, .. } => format!(
                "nself data anonymize --suggest writes them into {} with a rule for each; `keep` says that a column is harmless",
                file.display()
            ),
            Self::Unsuitable { column, .. } => format!("give {column} another rule: {}", super::RULES),
            Self::Leaked { .. } => {
                "give these columns a rule; where they may hold such values, list them under `accept:` in the rules"
                    .to_owned()
            }
            Self::Key { .. } => "set NSELF_ANONYMIZE_KEY to 32 characters or more, in .env.secrets".to_owned(),
            Self::Personal { column, .. } => {
                format!("give {column} a rule in nself/anonymize.yaml; `keep` says that it is harmless")
            }
            Self::Value { column, .. } => format!("give {column} the rule null or redact"),
            Self::Subset { .. } => {
                "nself data sync --from prod --to staging --anonymize --subset \"orders where id < 1000\"".to_owned()
            }
            Self::UnknownTable { .. } => "run the command again".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Rules { .. }
            | Self::Unknown { .. }
            | Self::Unsuitable { .. }
            | Self::Key { .. }
            | Self::Subset { .. } => Exit::Usage,
            Self::Unclassified { .. } => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

fn columns(number: usize) -> String {
    format!("{number} column{}", if number == 1 { "" } else { "s" })
}

fn them(number: usize) -> &'static str {
    if number == 1 { "it" } else { "them" }
}

fn list(lines: impl ExactSizeIterator<Item = String>) -> String {
    let more = lines.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = lines.take(SHOWN).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn codes_list_and_pages_hold_together() {
        let (file, text) = (|| PathBuf::from("anonymize.yaml"), || "x".to_owned());
        let column = || ColumnName::new("public", "users", "email");
        let samples = [
            MaskError::Rules { file: file(), problem: text() },
            MaskError::Unclassified { found: vec![], file: file() },
            MaskError::Unknown { what: text(), file: file() },
            MaskError::Unsuitable { column: column(), problem: text() },
            MaskError::Leaked { found: vec![Leak { column: column(), values: 2 }] },
            MaskError::Key { problem: text() },
            MaskError::Personal { column: column(), kind: Kind::Email },
            MaskError::Value { column: column(), problem: "no" },
            MaskError::Subset { text: text(), problem: text() },
            MaskError::UnknownTable { table: text() },
        ];
        let codes: Vec<&str> = samples.iter().map(Diagnostic::code).collect();
        assert_eq!(codes, CODES);
        for error in &samples {
            let page = format!("{}/../../assets/errors/{}.md", env!("CARGO_MANIFEST_DIR"), error.code());
            assert!(std::fs::read_to_string(page).unwrap().starts_with(&format!("# {}: ", error.code())));
            assert!(error.why().is_some() && error.fix().is_some() && !error.to_string().ends_with('.'));
        }
        assert_eq!(column().to_string(), "users.email");
    }
}
