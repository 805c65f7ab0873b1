//! Whole pages, signing in and signing out.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::{self, HeaderMap};
use project::Diagnostic;
use serde::Deserialize;

use crate::access::SESSION_LIFE;
use crate::routes::{COOKIE, session_cookie};
use crate::view::{StackView, UrlGroup};
use crate::{Error, Shared, assets};

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage {
    version: &'static str,
    stack: StackView,
    urls: Vec<UrlGroup>,
    /// Where the inbox of the mail catcher is, when there is one.
    mail: Option<String>,
    /// Value and words of the choices of lowest level.
    levels: [(&'static str, &'static str); 4],
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    version: &'static str,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    version: &'static str,
    error: &'a Error,
}

pub(crate) async fn console(State(shared): State<Arc<Shared>>) -> Response {
    let urls = shared.stack.urls();
    page(
        StatusCode::OK,
        &ConsolePage {
            version: &assets::VERSION,
            stack: StackView::new(shared.stack.status()),
            mail: urls.iter().find(|(label, _)| label == "Mail").map(|(_, url)| url.clone()),
            urls: UrlGroup::all(urls),
            levels: [
                ("debug", "All levels"),
                ("info", "Info and above"),
                ("warn", "Warnings and errors"),
                ("error", "Errors"),
            ],
        },
    )
}

pub(crate) async fn front() -> Redirect {
    Redirect::to("/console")
}

pub(crate) async fn login() -> Response {
    page(StatusCode::OK, &LoginPage { version: &assets::VERSION })
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    token: String,
}

/// Trades a one-time token for a session cookie.
pub(crate) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let Some(cookie) = shared.access.enter(&form.token) else {
        tracing::warn!("a console sign-in with a used, expired or unknown link was refused");
        return refuse(&Error::Link);
    };
    tracing::info!("a browser signed in to the console");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&headers, &cookie, SESSION_LIFE.as_secs()))])
        .into_response()
}

pub(crate) async fn sign_out(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(cookie) = session_cookie(&headers) {
        shared.access.leave(cookie);
    }
    ([(header::SET_COOKIE, set_cookie(&headers, "", 0))], Redirect::to("/console/login")).into_response()
}

/// `Secure` follows the page that asks: the origin check has made sure that `Origin` is present and ours.
fn set_cookie(headers: &HeaderMap, value: &str, seconds: u64) -> String {
    let https = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if https { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The page that says no, and what to do about it.
pub(crate) fn refuse(error: &Error) -> Response {
    let status = match error {
        Error::SignIn | Error::Link => StatusCode::UNAUTHORIZED,
        Error::Origin => StatusCode::FORBIDDEN,
        Error::Redirect { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    page(status, &RefusedPage { version: &assets::VERSION, error })
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a console page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
