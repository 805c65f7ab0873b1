use project::{Diagnostic, Exit};
use serde::Serialize;

/// What a person is told when a command fails: the one error type at the edge of the program.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub why: Option<String>,
    pub fix: Option<String>,
    #[serde(skip)]
    pub exit: Exit,
}

impl<E: Diagnostic> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut why = error.why();
        if why.is_none() {
            why = error.source().map(|source| {
                std::iter::successors(Some(source), |error| error.source())
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(": ")
            });
        }
        Self { code: error.code().to_owned(), message: error.to_string(), why, fix: error.fix(), exit: error.exit() }
    }
}
