//! The web console: one page with live services, URLs and logs, behind a one-time sign-in link.
//!
//! It is not: a server (the gateway mounts its [router](Handle::router)), a source of facts (everything shown comes
//! through [`Stack`]), or an administration tool; nothing can be changed from it but one's own session.
//!
//! Pages are rendered here with askama and kept live by one server-sent event stream per tab, which carries rendered
//! fragments. Scripts, styles and icons are compiled in from `assets/web`, so nothing is fetched from elsewhere.
//!
//! Key types: [`Options`] → [`Service::start`] → [`Handle`]; [`Stack`] is what the console asks of the running stack;
//! [`ROUTES`] says who may call what.
//!
//! ```
//! use std::sync::Arc;
//!
//! # fn build(stack: Arc<dyn console::Stack>) -> axum::Router {
//! let handle = console::Service::start(console::Options { stack, base_url: "http://localhost:8080".to_owned() });
//! let link = handle.sign_in_link();
//! assert!(link.starts_with("http://localhost:8080/console/login#"));
//! handle.router()
//! # }
//! ```

mod access;
mod assets;
mod error;
mod graphiql;
mod line;
mod live;
mod pages;
mod redirect;
mod routes;
mod view;

use std::sync::Arc;

use stack::log::Line;
use stack::status::StackStatus;
use tokio::sync::{broadcast, watch};

pub use error::{CODES, Error};
pub use redirect::write_redirect;
pub use routes::{Policy, ROUTES, Route};

/// What the console needs to know about the running stack.
pub trait Stack: Send + Sync {
    fn status(&self) -> StackStatus;
    /// Changes its value whenever [`Stack::status`] would answer differently.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Label and address of everything a person can open.
    fn urls(&self) -> Vec<(String, String)>;
    /// The newest `lines` log lines, oldest first, of one service or of all.
    fn tail(&self, service: Option<&str>, lines: usize) -> Vec<Line>;
    /// Every log line from now on.
    fn follow(&self) -> broadcast::Receiver<Line>;
    /// The GraphQL API, while it runs.
    fn graphql(&self) -> Option<GraphqlApi>;
}

/// A way to ask the GraphQL API anything.
pub struct GraphqlApi {
    /// Answers `/v1/graphql`, WebSockets too.
    pub router: axum::Router,
    /// None where everybody is the administrator.
    pub admin_secret: Option<project::Secret>,
    /// The roles that have a permission somewhere, for a person to choose from.
    pub roles: Vec<String>,
}

pub struct Options {
    pub stack: Arc<dyn Stack>,
    /// Where a browser on this machine reaches the front door, for example `http://localhost:8080`.
    pub base_url: String,
}

pub struct Service;

/// A running console. Clones share sessions.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    stack: Arc<dyn Stack>,
    base_url: String,
    access: access::Access,
}

impl Service {
    pub fn start(options: Options) -> Handle {
        Handle(Arc::new(Shared {
            stack: options.stack,
            base_url: options.base_url.trim_end_matches('/').to_owned(),
            access: access::Access::default(),
        }))
    }
}

impl Handle {
    /// All of the console's routes; their paths start with `/console`.
    pub fn router(&self) -> axum::Router {
        routes::router(Arc::clone(&self.0))
    }

    /// A link that signs one browser in, once, within the next five minutes. The token is in the fragment, which
    /// browsers do not send, so it reaches no access log; only its SHA-256 is kept here.
    pub fn sign_in_link(&self) -> String {
        format!("{}/console/login#{}", self.0.base_url, self.0.access.issue())
    }

    /// Ends every session and event stream, so that a server that drains its connections does not wait for them.
    pub fn close(&self) {
        self.0.access.close();
    }
}
