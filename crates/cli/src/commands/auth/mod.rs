//! `nself auth`: the project's users and the applications they sign in to, past the API.

mod create;
mod list;
mod oauth_clients;
mod setup;
mod users;

use clap::Subcommand;
use project::Settings;
use terminal::Failure;

use crate::context::{connection, host};
use crate::{Context, Outcome};

/// Manage the users of this project
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself auth setup\n  nself auth users list\n  nself auth users create ann@example.com"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(setup::Args),
    #[command(alias = "user")]
    Users(users::Args),
    #[command(alias = "oauth-client")]
    OauthClients(oauth_clients::Args),
    // As the Bash tool spelled them.
    #[command(hide = true)]
    CreateUser(create::Args),
    #[command(hide = true)]
    ListUsers(list::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Setup(args) => setup::run(cx, args),
        Command::Users(args) => users::run(cx, args),
        Command::OauthClients(args) => oauth_clients::run(cx, args),
        Command::CreateUser(args) => create::run(cx, args),
        Command::ListUsers(args) => list::run(cx, args),
    }
}

/// The project's database, its settings, and a runtime to ask it with.
struct Users {
    settings: Settings,
    pool: postgres::Pool,
    runtime: tokio::runtime::Runtime,
}

impl Users {
    /// # Errors
    /// The project's own PostgreSQL does not run.
    fn open(cx: &Context) -> Result<Self, Failure> {
        let settings = cx.settings()?;
        // Without this, another PostgreSQL on the same port would be asked.
        let own = host(&settings) == "127.0.0.1" && settings.flag("POSTGRES_ENABLED");
        if own && !runtimes::embedded::is_running(&cx.project()?) {
            return Err(runtimes::Error::NotRunning.into());
        }
        let pool = postgres::Pool::new(connection(&settings), 2);
        Ok(Self { runtime: cx.runtime()?, pool, settings })
    }

    /// Drives a piece of work to its end.
    fn wait<T>(&self, work: impl Future<Output = Result<T, auth::admin::AdminError>>) -> Result<T, Failure> {
        Ok(self.runtime.block_on(work).map_err(crate::Error::Users)?)
    }
}
