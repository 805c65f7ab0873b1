//! `nself trust`: the https of development, trusted by this machine's programs.

mod install;
mod status;
mod uninstall;

use std::path::Path;

use clap::Subcommand;
use gateway::trust::Store;
use gateway::{Authority, Error};

use crate::{Context, Outcome};

/// Trust nself's local certificates on this machine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself trust install\n  nself trust status\n  nself trust uninstall",
    arg_required_else_help = true
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Install(install::Args),
    Uninstall(uninstall::Args),
    Status(status::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.verb {
        Verb::Install(args) => install::run(cx, args),
        Verb::Uninstall(args) => uninstall::run(cx, args),
        Verb::Status(args) => status::run(cx, args),
    }
}

/// This person's authority, made now when there is none.
fn authority() -> Result<Authority, Error> {
    Authority::load_or_create(&directory()?)
}

fn existing_authority() -> Result<Option<Authority>, Error> {
    Authority::load(&directory()?)
}

fn directory() -> Result<std::path::PathBuf, Error> {
    Authority::default_directory().ok_or_else(|| Error::Authority {
        directory: "~/.local/share/nself/authority".into(),
        reason: "neither NSELF_HOME, XDG_DATA_HOME nor HOME is set".to_owned(),
    })
}

fn store() -> Option<Store> {
    Store::detect(Path::new("/"))
}

/// What to run for the browsers of this person.
fn browser_commands(root_certificate: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").unwrap_or_default();
    gateway::trust::browser_commands(Path::new(&home), root_certificate)
}
