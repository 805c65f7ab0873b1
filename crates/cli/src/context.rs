use terminal::{Failure, Report, Terminal};

/// What a command's `run` returns: a report to show or a failure to explain.
pub type Outcome = Result<Box<dyn Report>, Failure>;

/// What every command can reach: the terminal and, found when first asked for, the project.
#[derive(Debug)]
pub struct Context {
    pub terminal: Terminal,
    /// `--env NAME`, as typed.
    pub env: Option<String>,
}

impl Context {
    pub fn new(terminal: Terminal, env: Option<String>) -> Self {
        Self { terminal, env }
    }
}
