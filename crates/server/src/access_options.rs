//! Settings of who may ask the GraphQL engine what.

use graphql::access::{Hook, Jwt, hook::Mode};
use graphql::{Apis, Error, Options};
use project::{Secret, Settings};

/// Fills in secrets, tokens, the hook, the endpoints and the allow list.
///
/// # Errors
/// A setting holds what cannot be used. The engine does not start then: to leave the setting out could let in whom it
/// should keep out.
pub(crate) fn apply(settings: &Settings, options: &mut Options) -> Result<(), Error> {
    options.admin_secret = settings.secret("HASURA_GRAPHQL_ADMIN_SECRET");
    options.more_admin_secrets = more_secrets(settings)?;
    options.tokens = tokens(settings)?;
    options.auth_hook = hook(settings);
    options.unauthorized_role = settings.text("HASURA_GRAPHQL_UNAUTHORIZED_ROLE").map(str::to_owned);
    let apis = settings.list("HASURA_GRAPHQL_ENABLED_APIS");
    options.apis = Apis::of_names(apis.iter().map(String::as_str));
    options.allowlist = settings.flag("HASURA_GRAPHQL_ENABLE_ALLOWLIST");
    options.metrics_secret = settings.secret("HASURA_GRAPHQL_METRICS_SECRET");
    Ok(())
}

fn more_secrets(settings: &Settings) -> Result<Vec<Secret>, Error> {
    const NAME: &str = "HASURA_GRAPHQL_ADMIN_SECRETS";
    let Some(text) = settings.text(NAME) else { return Ok(Vec::new()) };
    let wrong = |why: &str| Error::Setting { name: NAME, why: why.to_owned() };
    let secrets: Vec<String> =
        serde_json::from_str(text).map_err(|_| wrong("it is no JSON list of texts: [\"one\", \"two\"]"))?;
    if secrets.iter().any(String::is_empty) {
        return Err(wrong("one of its secrets is empty"));
    }
    Ok(secrets.into_iter().map(Secret::new).collect())
}

/// Hasura's own two settings, or the key and type that auth has too.
fn tokens(settings: &Settings) -> Result<Vec<Jwt>, Error> {
    let named = |name| move |why| Error::Setting { name, why };
    let own = |name| settings.text(name).filter(|text| !text.trim().is_empty());
    if let Some(text) = own("HASURA_GRAPHQL_JWT_SECRETS") {
        return Jwt::parse_list(text).map_err(named("HASURA_GRAPHQL_JWT_SECRETS"));
    }
    if let Some(text) = own("HASURA_GRAPHQL_JWT_SECRET") {
        return Ok(vec![Jwt::parse(text).map_err(named("HASURA_GRAPHQL_JWT_SECRET"))?]);
    }
    let Some(key) = own("HASURA_JWT_KEY") else { return Ok(Vec::new()) };
    let kind = settings.text("HASURA_JWT_TYPE").unwrap_or("HS256");
    // A line of a .env file holds a PEM with its line ends written out.
    let key = if kind.starts_with("HS") { key.to_owned() } else { key.replace("\\n", "\n") };
    Ok(vec![Jwt::of_key(kind, &key).map_err(named("HASURA_JWT_KEY"))?])
}

fn hook(settings: &Settings) -> Option<Hook> {
    let url = settings.text("HASURA_GRAPHQL_AUTH_HOOK").filter(|url| !url.is_empty())?;
    let post = settings.text("HASURA_GRAPHQL_AUTH_HOOK_MODE").is_some_and(|mode| mode.eq_ignore_ascii_case("post"));
    let request = settings.flag("HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY");
    let mode = if post { Mode::Post { request } } else { Mode::Get };
    Some(Hook { mode, ..Hook::new(url) })
}

#[cfg(test)]
mod tests {
    use project::EnvName;

    use super::*;

    const KEY: &str = "a key of tokens that is long enough";

    fn applied(pairs: &[(&str, &str)]) -> Result<Options, Error> {
        let settings = Settings::from_pairs(EnvName::dev(), pairs.iter().copied()).unwrap();
        let mut options = Options::new(postgres::Pool::new(Default::default(), 1));
        apply(&settings, &mut options).map(|()| options)
    }

    #[test]
    fn the_projects_key_verifies_tokens() {
        assert_eq!(applied(&[("HASURA_JWT_KEY", KEY)]).unwrap().tokens.len(), 1);
        let nhost = format!(r#"{{"type":"HS256","key":"{KEY}","issuer":"hasura-auth"}}"#);
        assert_eq!(applied(&[("HASURA_GRAPHQL_JWT_SECRET", &nhost)]).unwrap().tokens.len(), 1);
        let list = format!("[{nhost}, {nhost}]");
        assert_eq!(applied(&[("HASURA_GRAPHQL_JWT_SECRETS", &list)]).unwrap().tokens.len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_said_without_its_value() {
        for (name, value) in [
            ("HASURA_GRAPHQL_JWT_SECRET", r#"{"type":"RS256","key":"hidden"}"#),
            ("HASURA_GRAPHQL_JWT_SECRETS", "hidden"),
            ("HASURA_GRAPHQL_ADMIN_SECRETS", "hidden"),
            ("HASURA_JWT_KEY", "hidden"),
        ] {
            let error = applied(&[(name, value)]).unwrap_err();
            assert!(matches!(&error, Error::Setting { name: found, why } if *found == name && !why.contains("hidden")));
        }
    }

    #[test]
    fn hooks() {
        let hook = |pairs: &[(&str, &str)]| {
            let mut all = vec![("HASURA_GRAPHQL_AUTH_HOOK", "http://127.0.0.1:1/")];
            all.extend(pairs);
            applied(&all).unwrap().auth_hook.unwrap().mode
        };
        assert_eq!(hook(&[]), Mode::Get);
        assert_eq!(hook(&[("HASURA_GRAPHQL_AUTH_HOOK_MODE", "POST")]), Mode::Post { request: true });
        let silent = ("HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY", "false");
        assert_eq!(hook(&[("HASURA_GRAPHQL_AUTH_HOOK_MODE", "POST"), silent]), Mode::Post { request: false });
    }
}
