use std::path::PathBuf;

use serde::Serialize;

use crate::Origin;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// Something wrong or doubtful in what the user wrote, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// The variable or key it is about, where there is one.
    pub name: Option<String>,
    /// Relative to the project's root.
    pub file: Option<PathBuf>,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Never holds a secret.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Problem {
    pub(crate) fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, name: None, file: None, line: None, message: message.into(), suggestion: None }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    pub(crate) fn about(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(crate) fn at(mut self, file: impl Into<PathBuf>, line: Option<u32>) -> Self {
        self.file = Some(file.into());
        self.line = line;
        self
    }

    pub(crate) fn from(self, origin: &Origin) -> Self {
        match origin {
            Origin::File { path, line } => self.at(path.clone(), Some(*line)),
            Origin::Toml => self.at("nself.toml", None),
            Origin::Default | Origin::Process => self,
        }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// The same as a warning.
    pub(crate) fn doubtful(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `.env:12: POSTGRES_PORT must be a port from 1 to 65535, not `abc``.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, _) => {}
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}
