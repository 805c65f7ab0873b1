//! `nself storage`: files of the running project, as the administrator.

mod delete;
mod download;
mod init;
mod list;
mod presign;
mod service;
mod status;
mod test;
mod upload;

use clap::Subcommand;

use super::hasura::engine::Which;
use crate::{Context, Outcome};

/// Upload, list, download and delete files
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself storage upload photo.jpg\n  nself storage list\n  nself storage download photo.jpg"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Upload(upload::Args),
    #[command(alias = "ls")]
    List(list::Args),
    Download(download::Args),
    #[command(alias = "rm")]
    Delete(delete::Args),
    #[command(alias = "url")]
    Presign(presign::Args),
    #[command(alias = "buckets")]
    Status(status::Args),
    Init(init::Args),
    Test(test::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let service = service::Service::new(cx, &args.which)?;
    match args.command {
        Command::Upload(args) => upload::run(cx, &service, args),
        Command::List(args) => list::run(&service, args),
        Command::Download(args) => download::run(cx, &service, args),
        Command::Delete(args) => delete::run(cx, &service, args),
        Command::Presign(args) => presign::run(&service, args),
        Command::Status(args) => status::run(&service, args),
        Command::Init(args) => init::run(cx, &service, args),
        Command::Test(args) => test::run(&service, args),
    }
}

/// A file: its id, or its name and bucket.
#[derive(Debug, Clone, clap::Args)]
pub struct Named {
    /// The file's id or name
    file: String,
    /// The bucket in which a name is looked for
    #[arg(short, long, default_value = "default")]
    bucket: String,
}
