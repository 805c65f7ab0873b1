use project::{Diagnostic, Exit};

/// Failures of the command line itself; everything else comes from the crates below.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "NS-CLI-001",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
