//! Settings of who may ask the GraphQL engine what, and of what it offers them.

use graphql::access::{Hook, Jwt, hook::Mode};
use graphql::{Apis, Error, Options};
use project::{Secret, Settings};

/// Fills in secrets, tokens, the hook, the endpoints, the allow list, and what the schema is made of.
///
/// # Errors
/// A setting holds what cannot be used. The engine does not start then: to leave the setting out could let in whom it
/// should keep out.
pub(crate) fn apply(settings: &Settings, options: &mut Options) -> Result<(), Error> {
    options.admin_secret = settings.secret("HASURA_GRAPHQL_ADMIN_SECRET");
    options.more_admin_secrets = more_secrets(settings)?;
    options.tokens = tokens(settings)?;
    previous_keys(settings, &mut options.tokens)?;
    options.auth_hook = hook(settings);
    options.unauthorized_role = unauthorized_role(settings);
    schema(settings, options);
    let apis = settings.list("HASURA_GRAPHQL_ENABLED_APIS");
    options.apis = Apis::of_names(apis.iter().map(String::as_str))
        .map_err(|why| Error::Setting { name: "HASURA_GRAPHQL_ENABLED_APIS", why })?;
    options.allowlist = settings.flag("HASURA_GRAPHQL_ENABLE_ALLOWLIST");
    options.metrics_secret = settings.secret("HASURA_GRAPHQL_METRICS_SECRET");
    check_secret(settings, options)
}

/// Without an admin secret everybody is admin, and with an empty one so is whoever sends an empty header. As Hasura, the
/// engine does not start where tokens, a hook or a role show that not everybody should be.
fn check_secret(settings: &Settings, options: &Options) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Setting { name: "HASURA_GRAPHQL_ADMIN_SECRET", why: why.to_owned() });
    match &options.admin_secret {
        Some(secret) if secret.expose().trim().is_empty() => refused("it is empty"),
        None if options.more_admin_secrets.is_empty() => {
            // The default role says nothing about what the project wants.
            let role = settings.is_set("HASURA_GRAPHQL_UNAUTHORIZED_ROLE");
            let guarded = role || !options.tokens.is_empty() || options.auth_hook.is_some();
            if guarded { refused("tokens, an authentication hook or an unauthorized role need one") } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// What the schema is made of.
fn schema(settings: &Settings, options: &mut Options) {
    options.auto_track = settings.flag("NSELF_GRAPHQL_AUTO_TRACK");
    options.infer_function_permissions = settings.flag("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS");
    options.remote_schema_permissions = settings.flag("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS");
    options.stringify_numeric = settings.flag("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES");
    // Hasura takes a convention only where the feature is switched on; a project that names one means it.
    if settings.text("HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION") == Some("graphql-default") {
        options.naming_convention = graphql::model::Convention::GraphqlDefault;
    }
}

/// A setting that is written and empty counts as not set everywhere else; here the project says that it wants none,
/// and the default must not let in whom it keeps out.
fn unauthorized_role(settings: &Settings) -> Option<String> {
    const NAME: &str = "HASURA_GRAPHQL_UNAUTHORIZED_ROLE";
    let emptied = settings.set_values().any(|(name, value, _)| name == NAME && value.is_empty());
    settings.text(NAME).filter(|_| !emptied).map(str::to_owned)
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
    match crate::auth_options::own_key(settings) {
        Some((key, kind)) => Ok(vec![Jwt::of_key(&kind, &key).map_err(named("HASURA_JWT_KEY"))?]),
        None => Ok(Vec::new()),
    }
}

/// Keys that signed before, of the tokens that auth makes: the first configuration's.
fn previous_keys(settings: &Settings, tokens: &mut [Jwt]) -> Result<(), Error> {
    const NAME: &str = "AUTH_JWT_PREVIOUS_KEYS";
    let list = settings.text(NAME).filter(|text| !text.trim().is_empty());
    match (list, tokens.first_mut()) {
        (Some(list), Some(tokens)) => tokens.add_previous(list).map_err(|why| Error::Setting { name: NAME, why }),
        _ => Ok(()),
    }
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
    #![allow(clippy::unwrap_used)]

    use project::EnvName;

    use super::*;

    const KEY: &str = "a key of tokens that is long enough";

    const SECRET: (&str, &str) = ("HASURA_GRAPHQL_ADMIN_SECRET", "hush");

    fn applied(pairs: &[(&str, &str)]) -> Result<Options, Error> {
        applied_to(&[&[SECRET], pairs].concat())
    }

    fn applied_to(pairs: &[(&str, &str)]) -> Result<Options, Error> {
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
            ("HASURA_GRAPHQL_ENABLED_APIS", "metadata,graphq"),
        ] {
            let error = applied(&[(name, value)]).unwrap_err();
            assert!(matches!(&error, Error::Setting { name: found, why } if *found == name && !why.contains("hidden")));
        }
    }

    #[test]
    fn where_somebody_is_told_apart_there_is_a_secret() {
        assert!(applied_to(&[]).is_ok());
        let refused = |pairs: &[(&str, &str)]| {
            let error = applied_to(pairs).unwrap_err();
            assert!(matches!(error, Error::Setting { name, .. } if name == SECRET.0));
        };
        refused(&[("HASURA_JWT_KEY", KEY)]);
        refused(&[("HASURA_GRAPHQL_AUTH_HOOK", "http://127.0.0.1:1/")]);
        refused(&[("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", "anonymous")]);
        // An empty one counts as none, which is refused wherever none is.
        refused(&[("HASURA_GRAPHQL_ADMIN_SECRET", ""), ("HASURA_JWT_KEY", KEY)]);
        let further = ("HASURA_GRAPHQL_ADMIN_SECRETS", r#"["hush"]"#);
        assert!(applied_to(&[("HASURA_JWT_KEY", KEY), further]).is_ok());
    }

    #[test]
    fn an_empty_role_lets_nobody_in() {
        let role = |pairs: &[(&str, &str)]| applied(pairs).unwrap().unauthorized_role;
        assert_eq!(role(&[]).as_deref(), Some("public"));
        assert_eq!(role(&[("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", "")]), None);
        assert_eq!(role(&[("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", "guest")]).as_deref(), Some("guest"));
    }

    #[test]
    fn what_the_schema_is_made_of() {
        let options = applied(&[]).unwrap();
        assert!(options.auto_track && options.infer_function_permissions);
        assert!(!options.remote_schema_permissions && !options.stringify_numeric);
        assert_eq!(options.naming_convention, graphql::model::Convention::HasuraDefault);
        let options = applied(&[
            ("NSELF_GRAPHQL_AUTO_TRACK", "false"),
            ("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS", "false"),
            ("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS", "true"),
            ("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES", "true"),
            ("HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION", "graphql-default"),
        ]);
        let options = options.unwrap();
        assert!(!options.auto_track && !options.infer_function_permissions);
        assert!(options.remote_schema_permissions && options.stringify_numeric);
        assert_eq!(options.naming_convention, graphql::model::Convention::GraphqlDefault);
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
