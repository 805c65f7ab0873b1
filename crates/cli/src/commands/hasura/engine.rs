//! The engine's API over HTTP. The admin secret goes in a header and stands nowhere else: not in arguments, which other
//! users of the machine can see, and not in errors.

use std::time::Duration;

use graphql::outbound::{Call, Client};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use project::{Secret, Tier};
use serde_json::{Value, json};
use terminal::Failure;

use crate::{Context, Error};

/// Metadata of a large project takes a while to be checked.
const LIMIT: Duration = Duration::from_secs(300);

/// Whose metadata.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// Another Hasura engine; its secret is read from the variable HASURA_GRAPHQL_ADMIN_SECRET
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
}

impl Which {
    /// Where it is, without a path, and its admin secret.
    ///
    /// # Errors
    /// None was named, and the project does not run.
    pub fn address(&self, cx: &Context) -> Result<(String, Option<Secret>), Failure> {
        if let Some(url) = &self.endpoint {
            let secret = std::env::var("HASURA_GRAPHQL_ADMIN_SECRET").ok().filter(|secret| !secret.is_empty());
            return Ok((url.trim_end_matches('/').to_owned(), secret.map(Secret::new)));
        }
        let settings = cx.settings()?;
        if !runtimes::embedded::is_running(&cx.project()?) {
            return Err(runtimes::Error::NotRunning.into());
        }
        let plan = stack::Plan::new(&settings)?;
        let secure = plan.gateway.https_url(&plan.base_domain, "").filter(|_| plan.tier != Tier::Dev);
        let plain = format!("http://127.0.0.1:{}", plan.gateway.http_port);
        Ok((secure.unwrap_or(plain), settings.secret("HASURA_GRAPHQL_ADMIN_SECRET")))
    }
}

/// A way to ask one engine.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    client: Client,
    url: String,
    secret: Option<Secret>,
}

impl Engine {
    /// The project's own engine, which must run, or the one that was named.
    pub fn new(cx: &Context, which: &Which) -> Result<Self, Failure> {
        let (url, secret) = which.address(cx)?;
        let client = Client::new().map_err(|error| unreachable(&url, error.to_string()))?;
        Ok(Self { runtime: cx.runtime()?, client, url, secret })
    }

    /// Where it is, for people.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One command of the metadata API.
    pub fn metadata(&self, command: &str, args: &Value) -> Result<Value, Failure> {
        self.ask("/v1/metadata", &json!({"type": command, "args": args}))
    }

    /// As [`Engine::metadata`], for the commands whose version 2 differs.
    pub fn metadata_2(&self, command: &str, args: &Value) -> Result<Value, Failure> {
        self.ask("/v1/metadata", &json!({"type": command, "version": 2, "args": args}))
    }

    fn ask(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.url);
        let mut headers = HeaderMap::new();
        if let Some(secret) = &self.secret {
            let mut value = HeaderValue::from_str(secret.expose())
                .map_err(|_| unreachable(&url, "the admin secret holds characters that no header can".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-hasura-admin-secret"), value);
        }
        let call = Call::post(&url, body.to_string(), LIMIT).with_headers(&headers);
        let reply =
            self.runtime.block_on(self.client.send(&call)).map_err(|error| unreachable(&url, error.to_string()))?;
        let answer: Option<Value> = serde_json::from_slice(&reply.body).ok();
        match answer {
            Some(answer) if reply.status.is_success() => Ok(answer),
            Some(answer) => Err(refused(&answer)),
            None => Err(unreachable(&url, format!("it answers {} with something that is not JSON", reply.status))),
        }
    }
}

fn unreachable(url: &str, why: String) -> Failure {
    Error::Engine { url: url.to_owned(), why }.into()
}

/// The engine's own words.
fn refused(answer: &Value) -> Failure {
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let objects = answer["internal"].as_array().into_iter().flatten().filter_map(|object| object["reason"].as_str());
    let reasons: Vec<String> = objects.map(str::to_owned).collect();
    Error::Refused { message: text("error"), code: text("code"), path: text("path"), reasons }.into()
}
