//! A route with everything that is decided before its handler runs.

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use http::Method;

use super::bearer;
use super::caller::Caller;
use crate::Handle;
use crate::limits::{self, Zone};
use crate::redirect::Failed;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody; what is presented (password, ticket, refresh token) is judged by the handler.
    Public,
    /// Anybody; a bearer is read when a good one is there.
    Optional,
    /// A valid access token.
    Bearer,
    /// The same, with the elevated claim where the settings want it.
    Elevated,
}

impl Policy {
    /// As documents say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "anybody",
            Self::Optional => "anybody; a token counts",
            Self::Bearer => "access token",
            Self::Elevated => "access token, elevated",
        }
    }
}

/// A route as tests and documents list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub method: Method,
    /// Without `/v1`; parameters in braces.
    pub path: &'static str,
    pub policy: Policy,
    /// Whose tries are counted by address.
    pub zone: Option<Zone>,
}

/// A route with its handler.
pub(crate) struct Route {
    declared: Declared,
    handler: MethodRouter<Handle>,
}

impl Route {
    pub fn get<H: Handler<T, Handle>, T: 'static>(path: &'static str, policy: Policy, handler: H) -> Self {
        Self::new(Method::GET, path, policy, get(handler))
    }

    pub fn post<H: Handler<T, Handle>, T: 'static>(path: &'static str, policy: Policy, handler: H) -> Self {
        Self::new(Method::POST, path, policy, post(handler))
    }

    pub fn delete<H: Handler<T, Handle>, T: 'static>(path: &'static str, policy: Policy, handler: H) -> Self {
        Self::new(Method::DELETE, path, policy, delete(handler))
    }

    fn new(method: Method, path: &'static str, policy: Policy, handler: MethodRouter<Handle>) -> Self {
        Self { declared: Declared { method, path, policy, zone: None }, handler }
    }

    /// Tries are counted for each address. In [`Zone::BruteForce`] only those that fail.
    pub fn limited(self, zone: Zone) -> Self {
        Self { declared: Declared { zone: Some(zone), ..self.declared }, ..self }
    }

    pub fn declared(&self) -> Declared {
        self.declared.clone()
    }

    pub fn add_to(self, router: Router<Handle>, handle: &Handle) -> Router<Handle> {
        let guard = Guard { handle: handle.clone(), policy: self.declared.policy, zone: self.declared.zone };
        router.route(self.declared.path, self.handler.route_layer(middleware::from_fn_with_state(guard, admit)))
    }
}

#[derive(Clone)]
struct Guard {
    handle: Handle,
    policy: Policy,
    zone: Option<Zone>,
}

async fn admit(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let handle = &guard.handle;
    let address = guard.zone.map(|zone| (zone, Caller::of(request.headers()).address));
    if let Some((zone, address)) = &address
        && let Err(failure) = limits::take(handle, *zone, limits::Subject::Address(address)).await
    {
        return failure.into_response();
    }
    match bearer::admit(handle, guard.policy, request.headers()).await {
        Ok(Some(bearer)) => {
            request.extensions_mut().insert(bearer);
        }
        Ok(None) => {}
        Err(failure) => return failure.into_response(),
    }
    let response = next.run(request).await;
    if let Some((Zone::BruteForce, address)) = &address
        && is_success(&response)
    {
        limits::give_back(handle, Zone::BruteForce, limits::Subject::Address(address)).await;
    }
    response
}

fn is_success(response: &Response) -> bool {
    let status = response.status();
    (status.is_success() || status.is_redirection()) && response.extensions().get::<Failed>().is_none()
}
