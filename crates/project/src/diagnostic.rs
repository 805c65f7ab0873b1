//! What every error that reaches a person can say about itself.

/// Exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    Failed = 1,
    /// Wrong usage or wrong configuration.
    Usage = 2,
    /// A safety guard said no.
    Refused = 3,
    Auth = 4,
    Unhealthy = 5,
    Interrupted = 130,
}

/// An error with a stable code and a page of its own (`assets/errors/<code>.md`, shown by `nself explain`).
///
/// `Display` says *what* happened, in one sentence without a full stop.
pub trait Diagnostic: std::error::Error {
    /// For example `NS-DB-014`. Stable for ever; the page of the same name explains it.
    fn code(&self) -> &str;
    /// Why it happened, where more is known than the sentence says.
    fn why(&self) -> Option<String> {
        None
    }
    /// The next command or step.
    fn fix(&self) -> Option<String> {
        None
    }
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}
