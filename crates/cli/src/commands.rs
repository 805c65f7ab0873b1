//! The tree of commands: one variant a command, one line each in [`run`].

mod accepted;
mod completion;
mod console;
mod db;
mod exec;
mod health;
mod logs;
mod man;
mod postgres;
mod reference;
mod resources;
mod restart;
mod seed;
mod serve;
mod start;
mod status;
mod stop;
mod trust;
pub mod version;

use clap::Subcommand;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

// In the order in which help shows them: the main path first.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(alias = "up")]
    Start(start::Args),
    #[command(alias = "down")]
    Stop(stop::Args),
    Restart(restart::Args),
    Status(status::Args),
    Logs(logs::Args),
    Exec(exec::Args),
    Health(health::Args),
    Db(db::Args),
    Seed(seed::Args),
    Console(console::Args),
    Trust(trust::Args),
    Postgres(postgres::Args),
    Resources(resources::Args),
    Completion(completion::Args),
    Man(man::Args),
    Version(version::Args),
    Serve(serve::Args),
    #[command(hide = true)]
    Reference(reference::Args),
}

pub fn run(cx: &Context, command: Command) -> Outcome {
    match command {
        Command::Start(args) => start::run(cx, args),
        Command::Stop(args) => stop::run(cx, args),
        Command::Restart(args) => restart::run(cx, args),
        Command::Status(args) => status::run(cx, args),
        Command::Logs(args) => logs::run(cx, args),
        Command::Exec(args) => exec::run(cx, args),
        Command::Health(args) => health::run(cx, args),
        Command::Db(args) => db::run(cx, args),
        Command::Seed(args) => seed::run(cx, args),
        Command::Console(args) => console::run(cx, args),
        Command::Trust(args) => trust::run(cx, args),
        Command::Postgres(args) => postgres::run(cx, args),
        Command::Resources(args) => resources::run(cx, args),
        Command::Completion(args) => completion::run(cx, args),
        Command::Man(args) => man::run(cx, args),
        Command::Version(args) => version::run(cx, args),
        Command::Serve(args) => serve::run(cx, args),
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
