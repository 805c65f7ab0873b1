//! The safety guard. What can destroy data takes an [`Allowed<Destructive>`], and only this module makes one, after it
//! has looked at the environment.

use std::marker::PhantomData;

use crate::{Error, Tier};

/// Marks what is allowed: destroying data that no backup of ours replaces.
#[derive(Debug, Clone, Copy)]
pub struct Destructive;

/// Permission for one kind of act.
#[derive(Debug)]
pub struct Allowed<A>(PhantomData<A>);

/// What the person said to it.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    /// The project's name, typed at the question or given by `--confirm NAME`.
    pub typed: Option<String>,
    /// `--i-know-this-is-production`
    pub production: bool,
}

/// Allowed in dev; in staging with the project's name typed; in prod with `--i-know-this-is-production` as well.
///
/// ```
/// use project::guard::{Consent, destructive};
/// assert!(destructive(project::Tier::Dev, "shop", &Consent::default()).is_ok());
/// assert!(destructive(project::Tier::Prod, "shop", &Consent { typed: Some("shop".into()), production: false }).is_err());
/// ```
///
/// # Errors
/// [`Error::Refused`], exit code 3.
pub fn destructive(tier: Tier, project: &str, consent: &Consent) -> Result<Allowed<Destructive>, Error> {
    let refused = |reason| Err(Error::Refused { project: project.to_owned(), tier, reason });
    let typed = consent.typed.as_deref().map(str::trim) == Some(project);
    match tier {
        Tier::Dev => Ok(Allowed(PhantomData)),
        Tier::Prod if !consent.production => refused("production is protected"),
        Tier::Staging | Tier::Prod if !typed => refused("the project's name was not typed"),
        Tier::Staging | Tier::Prod => Ok(Allowed(PhantomData)),
    }
}

/// For what no flag opens in production: mock data, emptying the data, building the database anew. `what` names the act:
/// `mock data`.
///
/// ```
/// use project::{Tier, guard::blocked_in_production};
/// assert!(blocked_in_production(Tier::Staging, "mock data").is_ok());
/// assert!(blocked_in_production(Tier::Prod, "mock data").is_err());
/// ```
///
/// # Errors
/// [`Error::Blocked`], exit code 3.
pub fn blocked_in_production(tier: Tier, what: &'static str) -> Result<(), Error> {
    if tier == Tier::Prod { Err(Error::Blocked { what }) } else { Ok(()) }
}

/// Rows of production leave it anonymised only.
///
/// # Errors
/// [`Error::Raw`], exit code 3.
pub fn leaves_production(from: Tier, anonymized: bool) -> Result<(), Error> {
    if from == Tier::Prod && !anonymized { Err(Error::Raw) } else { Ok(()) }
}

/// The question to ask when [`destructive`] needs the project's name and nobody gave it; `None` when no answer would
/// change its mind.
pub fn question(tier: Tier, project: &str, consent: &Consent) -> Option<String> {
    let askable = match tier {
        Tier::Dev => false,
        Tier::Staging => true,
        Tier::Prod => consent.production,
    };
    (askable && consent.typed.is_none())
        .then(|| format!("This destroys data. Type the project's name ({project}) to go on:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(tier: Tier, typed: Option<&str>, production: bool) -> bool {
        destructive(tier, "shop", &Consent { typed: typed.map(str::to_owned), production }).is_ok()
    }

    #[test]
    fn the_higher_the_tier_the_more_is_asked() {
        assert!(allowed(Tier::Dev, None, false));
        assert!(!allowed(Tier::Staging, None, false));
        assert!(!allowed(Tier::Staging, Some("store"), true));
        assert!(allowed(Tier::Staging, Some("shop"), false));
        assert!(!allowed(Tier::Prod, Some("shop"), false));
        assert!(!allowed(Tier::Prod, None, true));
        assert!(!allowed(Tier::Prod, Some(""), true));
        assert!(allowed(Tier::Prod, Some(" shop\n"), true));
    }

    #[test]
    fn production_has_no_mock_data_and_gives_none_raw() {
        for tier in [Tier::Dev, Tier::Staging] {
            assert!(blocked_in_production(tier, "x").is_ok() && leaves_production(tier, false).is_ok());
        }
        assert!(blocked_in_production(Tier::Prod, "x").is_err() && leaves_production(Tier::Prod, false).is_err());
        assert!(leaves_production(Tier::Prod, true).is_ok());
    }

    #[test]
    fn a_question_is_asked_only_when_an_answer_helps() {
        let consent = |production| Consent { typed: None, production };
        assert!(question(Tier::Dev, "shop", &consent(false)).is_none());
        assert!(question(Tier::Staging, "shop", &consent(false)).is_some());
        assert!(question(Tier::Prod, "shop", &consent(false)).is_none());
        assert!(question(Tier::Prod, "shop", &consent(true)).is_some());
    }
}
