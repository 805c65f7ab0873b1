//! The tree of commands: one variant a command, one line each in [`run`].

mod accepted;
mod auth;
mod build;
mod clean;
mod completion;
mod config;
mod console;
mod data;
mod db;
mod destroy;
mod doctor;
mod email;
mod env;
mod exec;
mod explain;
mod hasura;
mod health;
mod init;
mod logs;
mod man;
mod mock;
mod postgres;
mod reference;
mod reset;
mod resources;
mod restart;
mod restore;
mod seed;
mod serve;
mod start;
mod status;
mod stop;
mod storage;
mod trust;
mod update;
mod urls;
pub mod version;

use clap::Subcommand;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

// In the order in which help shows them: the main path first.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Args),
    Build(build::Args),
    #[command(alias = "up")]
    Start(start::Args),
    #[command(alias = "down")]
    Stop(stop::Args),
    Restart(restart::Args),
    Status(status::Args),
    Urls(urls::Args),
    Logs(logs::Args),
    Exec(exec::Args),
    Health(health::Args),
    Doctor(doctor::Args),
    Db(db::Args),
    Seed(seed::Args),
    Data(data::Args),
    Mock(mock::Args),
    Hasura(hasura::Args),
    Auth(auth::Args),
    Email(email::Args),
    Storage(storage::Args),
    Config(config::Args),
    Env(env::Args),
    Console(console::Args),
    #[command(alias = "ssl")]
    Trust(trust::Args),
    Postgres(postgres::Args),
    Resources(resources::Args),
    Reset(reset::Args),
    Restore(restore::Args),
    Clean(clean::Args),
    Destroy(destroy::Args),
    Update(update::Args),
    Explain(explain::Args),
    Completion(completion::Args),
    Man(man::Args),
    Version(version::Args),
    Serve(serve::Args),
    // As the Bash tool spelled them.
    #[command(hide = true)]
    Secrets(config::secrets::Args),
    #[command(hide = true)]
    Validate(config::validate::Args),
    #[command(hide = true)]
    Reference(reference::Args),
}

pub fn run(cx: &Context, command: Command) -> Outcome {
    match command {
        Command::Init(args) => init::run(cx, args),
        Command::Build(args) => build::run(cx, args),
        Command::Start(args) => start::run(cx, args),
        Command::Stop(args) => stop::run(cx, args),
        Command::Restart(args) => restart::run(cx, args),
        Command::Status(args) => status::run(cx, args),
        Command::Urls(args) => urls::run(cx, args),
        Command::Logs(args) => logs::run(cx, args),
        Command::Exec(args) => exec::run(cx, args),
        Command::Health(args) => health::run(cx, args),
        Command::Doctor(args) => doctor::run(cx, args),
        Command::Db(args) => db::run(cx, args),
        Command::Seed(args) => seed::run(cx, args),
        Command::Data(args) => data::run(cx, args),
        Command::Mock(args) => mock::run(cx, args),
        Command::Hasura(args) => hasura::run(cx, args),
        Command::Auth(args) => auth::run(cx, args),
        Command::Email(args) => email::run(cx, args),
        Command::Storage(args) => storage::run(cx, args),
        Command::Config(args) => config::run(cx, args),
        Command::Env(args) => env::run(cx, args),
        Command::Console(args) => console::run(cx, args),
        Command::Trust(args) => trust::run(cx, args),
        Command::Postgres(args) => postgres::run(cx, args),
        Command::Resources(args) => resources::run(cx, args),
        Command::Reset(args) => reset::run(cx, args),
        Command::Restore(args) => restore::run(cx, args),
        Command::Clean(args) => clean::run(cx, args),
        Command::Destroy(args) => destroy::run(cx, args),
        Command::Update(args) => update::run(cx, args),
        Command::Explain(args) => explain::run(cx, args),
        Command::Completion(args) => completion::run(cx, args),
        Command::Man(args) => man::run(cx, args),
        Command::Version(args) => version::run(cx, args),
        Command::Serve(args) => serve::run(cx, args),
        Command::Secrets(args) => config::secrets::run(cx, args),
        Command::Validate(args) => config::validate::run(cx, args),
        Command::Reference(args) => reference::run(cx, args),
    }
}

/// The report of a command that has said everything already: nothing, not even `null`.
#[derive(Debug)]
pub struct Silent;

impl terminal::Report for Silent {
    fn text(&self, _page: &mut Page) {}

    fn json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn exit(&self) -> project::Exit {
        project::Exit::Ok
    }
}

/// A report whose face for people is its JSON: `--format json`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct AsJson<V>(pub V);

impl<V: View> View for AsJson<V> {
    fn text(&self, page: &mut Page) {
        page.line(format!("{:#}", serde_json::json!(&self.0)));
    }

    fn exit(&self) -> project::Exit {
        self.0.exit()
    }
}
