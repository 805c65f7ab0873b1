//! Secrets: made here, strong enough for where they are used, and never the same as the ones in somebody's tutorial.
//!
//! Dev secrets live in `.env` (mode 0600, git-ignored): the file that the dev cascade really reads last. Those of other
//! environments go where [`config`](crate::config) says.

use serde::Serialize;

use crate::cascade;
use crate::catalogue::{self, Kind, Required, Setting, Strength};
use crate::config::{self, Change};
use crate::{EnvName, Error, Origin, Problem, Project, Secret, Settings, Tier, dotenv};

/// Characters of a generated secret: 62^48 is more than 2^285.
pub const LENGTH: usize = 48;

/// A new secret: letters and digits only, so it needs no quoting in a URL, a shell, SQL or YAML.
///
/// # Errors
/// [`Error::Random`] when the system has no random numbers to give.
pub fn generate() -> Result<Secret, Error> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // Bytes from 248 up are thrown away, so that every character is equally likely.
    const FAIR: u8 = 248;
    let mut text = String::with_capacity(LENGTH);
    let mut bytes = [0_u8; 64];
    while text.len() < LENGTH {
        getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        text.extend(
            fair.take(LENGTH - text.len()).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])),
        );
    }
    zeroize::Zeroize::zeroize(&mut bytes);
    Ok(Secret::new(text))
}

/// What is wrong with a secret's value; `None` when it is strong enough. The text continues "NAME …".
pub fn weakness(strength: Strength, tier: Tier, value: &str) -> Option<String> {
    if is_well_known(value) {
        return Some("has a value that everybody knows".to_owned());
    }
    let shortest = match (strength, tier) {
        (Strength::External, _) => return None,
        (Strength::Password, _) => 16,
        (Strength::Key, Tier::Dev) => 32,
        (Strength::Key, Tier::Staging) => 40,
        (Strength::Key, Tier::Prod) => 48,
    };
    let length = value.chars().count();
    if length < shortest {
        return Some(format!("has {length} characters and needs {shortest}"));
    }
    let different = value.chars().collect::<std::collections::HashSet<char>>().len();
    (different < 8).then(|| format!("has only {different} different characters"))
}

/// Words of passwords in tutorials, of the Bash tool and of the services it ran.
const SAMPLES: &str = "postgres password passw0rd changeme change-me change_me minioadmin secret admin nhost hasura nself \
     example placeholder your- your_ xxxx 12345678";
/// Words that such samples are padded with.
const FILLERS: &str = "dev development local test demo staging prod production default key jwt auth user root db database \
     my your me this please replace in at least min minimum long characters chars for the must be";

/// Whether a value is a default or a sample.
fn is_well_known(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let Some(word) = SAMPLES.split_whitespace().find(|word| lower.contains(word)) else { return false };
    // A random text may hold a word by chance; a sample is made of little else.
    let rest = lower.replace(word, "");
    let rest = rest.split(|c: char| !c.is_ascii_alphanumeric());
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let words = || SAMPLES.split_whitespace().chain(FILLERS.split_whitespace());
    let rest = rest.filter(|part| !number(part) && !words().any(|word| word == *part));
    rest.map(str::len).sum::<usize>() < 12
}

/// How a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Strong,
    Weak,
    /// Required or recommended, and not set.
    Missing,
    /// Given by somebody else, so its strength is not judged.
    Given,
}

/// One line of `nself config secrets list`.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    pub name: String,
    pub state: State,
    pub required: bool,
    /// Required, or recommended with what is on.
    #[serde(skip)]
    pub wanted: bool,
    /// What is wrong with it.
    pub reason: Option<String>,
    pub origin: Origin,
    pub description: &'static str,
    #[serde(skip)]
    generated: bool,
}

/// Every secret that is set or required, in the catalogue's order.
pub fn list(settings: &Settings) -> Vec<Status> {
    let single = catalogue::all().iter().filter(|setting| !setting.is_family());
    single.filter_map(|setting| status(settings, setting)).collect()
}

fn status(settings: &Settings, setting: &'static Setting) -> Option<Status> {
    let Kind::Secret(strength) = setting.kind else { return None };
    let wanted = is_wanted(settings, setting);
    let required = wanted && !matches!(setting.required, Required::Recommended(_));
    let own = settings.secret(setting.name).filter(|_| settings.is_set(setting.name));
    let (state, reason) = match &own {
        None if wanted => (State::Missing, Some("is not set".to_owned())),
        None => return None,
        Some(value) => {
            match weakness(strength, settings.tier(), value.expose()).or_else(|| borrowed(settings, setting)) {
                Some(reason) => (State::Weak, Some(reason)),
                None if strength == Strength::External => (State::Given, None),
                None => (State::Strong, None),
            }
        }
    };
    Some(Status {
        name: setting.name.to_owned(),
        state,
        required,
        wanted,
        reason,
        origin: settings.origin(setting.name),
        description: setting.description,
        generated: strength != Strength::External,
    })
}

fn is_wanted(settings: &Settings, setting: &Setting) -> bool {
    let wanted = match setting.required {
        Required::No => false,
        Required::Always => true,
        Required::With(flags) | Required::Recommended(flags) => flags.iter().any(|flag| settings.flag(flag)),
    };
    wanted && !setting.instead.iter().any(|other| settings.is_set(other))
}

/// In prod a secret of ours must not be the one of dev or staging: a leak there would open prod.
fn borrowed(settings: &Settings, setting: &Setting) -> Option<String> {
    if settings.tier() != Tier::Prod || setting.kind == Kind::Secret(Strength::External) {
        return None;
    }
    let Origin::File { path, .. } = settings.origin(setting.name) else { return None };
    let whose = match path.to_str()? {
        ".env.dev" | ".env.local" => "dev",
        ".env.staging" => "staging",
        ".env" => settings.home().filter(|home| *home != settings.environment())?.as_str(),
        _ => return None,
    };
    Some(format!("is the one of {whose}"))
}

/// Everything that keeps this environment from starting: in prod secrets that are missing, weak or borrowed from another
/// environment; in staging and dev missing ones.
///
/// # Errors
/// [`Error::Secrets`] with all of them.
pub fn check(settings: &Settings) -> Result<(), Error> {
    let problems: Vec<Problem> = problems(settings).into_iter().filter(Problem::is_error).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Secrets { environment: settings.environment().clone(), problems })
    }
}

/// Weak and missing secrets: errors where [`check`] refuses, warnings elsewhere.
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let judge = |status: Status| {
        let reason = status.reason?;
        let message = format!("{} {reason}", status.name);
        let refuses = if status.state == State::Missing { status.required } else { settings.tier() == Tier::Prod };
        let problem = if refuses { Problem::error(message) } else { Problem::warning(message) };
        Some(problem.about(&status.name).from(&status.origin))
    };
    list(settings).into_iter().filter_map(judge).collect()
}

/// What [`ensure`] gives back.
#[derive(Debug, Clone)]
pub struct Ensured {
    /// With the new secrets in it.
    pub settings: Settings,
    pub made: Vec<Change>,
}

/// Makes a project ready to start in the environment named or the active one: in dev the required secrets that are
/// missing are made and kept in `.env`, so that a project of the Bash tool starts as it is; elsewhere they are the
/// user's business, and [`check`] decides.
///
/// # Errors
/// [`Error::Secrets`], [`Error::Settings`], or a file that cannot be written.
pub fn ensure(project: &Project, env: Option<&str>) -> Result<Ensured, Error> {
    let mut settings = project.settings(env)?;
    let made = match settings.tier() {
        Tier::Dev => fill(project, &settings, |status| status.state == State::Missing)?,
        Tier::Staging | Tier::Prod => Vec::new(),
    };
    if !made.is_empty() {
        settings = project.settings(env)?;
    }
    check(&settings)?;
    Ok(Ensured { settings, made })
}

/// Makes new values for the required and recommended secrets of an environment that are missing or weak.
///
/// # Errors
/// When a file cannot be read or written.
pub fn fill_in(project: &Project, env: Option<&str>) -> Result<Vec<Change>, Error> {
    let settings = project.inspect(env)?.settings;
    fill(project, &settings, |status| status.wanted && matches!(status.state, State::Missing | State::Weak))
}

/// Makes new values for one secret, or for all that nself makes. They count from the next start.
///
/// # Errors
/// [`Error::NotGenerated`] for a name that is no such secret, [`Error::UnknownSetting`] for a typing error.
pub fn rotate(project: &Project, env: Option<&str>, name: Option<&str>) -> Result<Vec<Change>, Error> {
    let settings = project.inspect(env)?.settings;
    let Some(name) = name else { return fill(project, &settings, |_| true) };
    let Some(setting) = catalogue::find(name) else {
        let suggestion = catalogue::suggest(name).map(str::to_owned);
        return Err(Error::UnknownSetting { name: name.to_owned(), suggestion });
    };
    if !matches!(setting.kind, Kind::Secret(Strength::Password | Strength::Key)) {
        return Err(Error::NotGenerated(name.to_owned()));
    }
    write(project, settings.environment(), &[name.to_owned()])
}

/// Makes new values for the secrets that `wanted` picks from those that nself can make.
pub(crate) fn fill(
    project: &Project,
    settings: &Settings,
    wanted: impl Fn(&Status) -> bool,
) -> Result<Vec<Change>, Error> {
    let statuses = list(settings).into_iter().filter(|status| status.generated && wanted(status));
    let names: Vec<String> = statuses.map(|status| status.name).collect();
    write(project, settings.environment(), &names)
}

fn write(project: &Project, environment: &EnvName, names: &[String]) -> Result<Vec<Change>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = cascade::choose(project, Some(environment.as_str()), &|_| None)?;
    let mut values = Vec::with_capacity(names.len());
    for name in names {
        values.push((name.as_str(), dotenv::quote(generate()?.expose())));
    }
    config::write(project, &chosen, &values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn generated_secrets_are_strong_and_different() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.expose().len(), LENGTH);
        assert_eq!(dotenv::quote(one.expose()), one.expose());
        for tier in [Tier::Dev, Tier::Staging, Tier::Prod] {
            assert_eq!(weakness(Strength::Key, tier, one.expose()), None);
        }
    }

    #[test]
    fn samples_are_known() {
        for sample in [
            "postgres",
            "minioadmin",
            "changeme",
            "postgres-dev-password",
            "hasura-admin-secret-dev",
            "development-secret-key-minimum-32-characters-long",
            "your-secret-key-at-least-32-characters",
            "CHANGE_ME_IN_PRODUCTION_PLEASE_PLEASE",
        ] {
            assert!(is_well_known(sample), "{sample}");
        }
        assert!(!is_well_known("x7Kq92mPadminLwZr4TnVb8YcHs3GdJf"));
    }

    #[test]
    fn the_higher_the_tier_the_longer_the_key() {
        let key = "x7Kq92mPsLwZr4TnVb8YcHs3GdJfQe5R";
        assert_eq!(weakness(Strength::Key, Tier::Dev, key), None);
        assert_eq!(weakness(Strength::Key, Tier::Prod, key).unwrap(), "has 32 characters and needs 48");
        assert_eq!(weakness(Strength::Password, Tier::Prod, &key[..16]), None);
        assert_eq!(
            weakness(Strength::Password, Tier::Prod, &"ab".repeat(10)).unwrap(),
            "has only 2 different characters"
        );
        assert_eq!(weakness(Strength::External, Tier::Prod, "short"), None);
    }

    #[test]
    fn prod_lists_every_bad_secret() {
        let settings = Settings::from_pairs(
            EnvName::parse("prod").unwrap(),
            [("POSTGRES_PASSWORD", "postgres"), ("REDIS_ENABLED", "true"), ("HASURA_JWT_KEY", "too-short-a-key")],
        );
        let error = check(&settings.unwrap()).unwrap_err();
        let names: Vec<_> = error.problems().iter().filter_map(|problem| problem.name.as_deref()).collect();
        assert_eq!(names, ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY"]);
        assert!(!format!("{error:?}").contains("too-short-a-key"));
    }

    #[test]
    fn a_json_key_stands_for_the_plain_one() {
        let settings =
            Settings::from_pairs(EnvName::dev(), [("HASURA_GRAPHQL_JWT_SECRET", r#"{"type":"HS256","key":"x"}"#)])
                .unwrap();
        assert!(list(&settings).iter().all(|status| status.name != "HASURA_JWT_KEY"));
    }
}
