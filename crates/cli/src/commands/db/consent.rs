//! Asking before data may be destroyed.

use project::{
    Settings,
    guard::{self, Allowed, Destructive},
};
use terminal::{Answer, Failure};

use crate::Context;

/// The flags by which a script says yes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Consent {
    /// The project's name: the answer to the question that staging and production ask
    #[arg(long, value_name = "PROJECT")]
    confirm: Option<String>,
    /// Needed in production
    #[arg(long)]
    i_know_this_is_production: bool,
}

impl Consent {
    /// Looks at the environment, asks when asking helps, and gives or refuses permission.
    pub fn destructive(self, cx: &Context, settings: &Settings) -> Result<Allowed<Destructive>, Failure> {
        let project = settings.text("PROJECT_NAME").unwrap_or_default();
        let mut consent = guard::Consent { typed: self.confirm, production: self.i_know_this_is_production };
        if let Some(question) = guard::question(settings.tier(), project, &consent)
            && let Answer::Text(text) = cx.terminal.ask(&question)
        {
            consent.typed = Some(text);
        }
        Ok(guard::destructive(settings.tier(), project, &consent)?)
    }
}
