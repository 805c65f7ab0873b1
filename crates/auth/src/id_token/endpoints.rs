//! `/signin/idtoken`, `/signup/idtoken` and `/link/idtoken`: an app has signed a user in with Apple or Google by itself,
//! and brings the token.

use axum::Json;
use axum::extract::State;
use project::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Handle;
use crate::accounts::{self, SignUpOptions, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::oauth::account::{self, Outcome};
use crate::oauth::profile::Profile;
use crate::oauth::state::Intent;
use crate::session;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signin/idtoken", Policy::Public, sign_in).limited(Zone::BruteForce),
        Route::post("/signup/idtoken", Policy::Public, sign_up).limited(Zone::SignUp),
        Route::post("/link/idtoken", Policy::Elevated, link).limited(Zone::BruteForce),
    ]
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Signer {
    Apple,
    Google,
}

impl Signer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apple => "apple",
            Self::Google => "google",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignInRequest {
    provider: Signer,
    id_token: String,
    nonce: Option<String>,
    #[serde(default)]
    options: SignUpOptions,
}

async fn sign_in(state: State<Handle>, caller: Caller, body: Body<SignInRequest>) -> Result<Json<Value>, Failure> {
    with(state, caller, body, Intent::SignIn).await
}

async fn sign_up(state: State<Handle>, caller: Caller, body: Body<SignInRequest>) -> Result<Json<Value>, Failure> {
    with(state, caller, body, Intent::SignUp).await
}

async fn with(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignInRequest>,
    intent: Intent,
) -> Result<Json<Value>, Failure> {
    let token = Secret::new(request.id_token);
    let profile = profile(&handle, request.provider, &token, request.nonce.as_deref()).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let provider = request.provider.as_str();
    let outcome = account::settle(&handle, &transaction, provider, &profile, intent, request.options, &caller).await?;
    let payload = match outcome {
        // The signer is one factor.
        Outcome::Ready(user) => match session::second_factor(&transaction, &user).await? {
            Some(ticket) => Ok(json!({ "session": null, "mfa": { "ticket": ticket } })),
            None => {
                let session = session::create(&handle, &transaction, &user, &caller, provider).await?;
                Ok(json!({ "session": session }))
            }
        },
        Outcome::MustVerify => Ok(json!({ "session": null })),
        Outcome::Disabled => Err(Code::DisabledUser.into()),
    };
    transaction.commit().await?;
    payload.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LinkRequest {
    provider: Signer,
    id_token: String,
    nonce: Option<String>,
}

async fn link(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<LinkRequest>,
) -> Result<Json<&'static str>, Failure> {
    let token = Secret::new(request.id_token);
    let profile = profile(&handle, request.provider, &token, request.nonce.as_deref()).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::MayBeUnverified).await?;
    account::connect(&transaction, &user, request.provider.as_str(), &profile, &caller).await?;
    transaction.commit().await?;
    Ok(ok())
}

/// Whom a token is about.
async fn profile(handle: &Handle, signer: Signer, token: &Secret, nonce: Option<&str>) -> Result<Profile, Failure> {
    let provider = handle.oauth().provider(signer.as_str()).ok_or(Code::DisabledEndpoint)?;
    let issuer = provider.issuer.as_ref().ok_or(Code::DisabledEndpoint)?;
    let mut audience = provider.settings.audience.clone();
    if provider.takes_browsers() {
        audience.push(provider.settings.client_id.clone());
    }
    let oauth = handle.oauth();
    let claims = oauth.keys.verify(&oauth.http, issuer, &audience, token.expose(), nonce).await;
    let claims = claims.map_err(|why| {
        tracing::info!(provider = signer.as_str(), %why, "an id token is refused");
        Code::InvalidRequest
    })?;
    Profile::read(&provider.definition.shape, &Value::Object(claims), provider.trust())
        .ok_or_else(|| Code::InvalidRequest.into())
}
