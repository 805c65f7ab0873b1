//! `nself mock`: rows that look real, the same for everybody.

mod clear;
mod config;
mod generate;
mod init;
mod preview;
mod share;

use clap::Subcommand;
use database::mock::config::{Config, Folder};
use project::{Settings, guard};
use terminal::Failure;

use crate::{Context, Outcome, commands::db::consent::Consent};

/// Fill tables with rows that look real and are the same for everybody
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself mock init\n  nself mock generate --seed 42\n  nself mock generate --preset stress\n  nself mock clear"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Init(init::Args),
    Generate(generate::Args),
    Preview(preview::Args),
    Config(config::Args),
    Clear(clear::Args),
    Export(share::Export),
    Import(share::Import),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        Action::Init(args) => init::run(cx, args),
        Action::Generate(args) => generate::run(cx, args),
        Action::Preview(args) => preview::run(cx, args),
        Action::Config(args) => config::run(cx, args),
        Action::Clear(args) => clear::run(cx, args),
        Action::Export(args) => share::export(cx, args),
        Action::Import(args) => share::import(cx, args),
    }
}

/// Where the project's configuration and seed are.
fn folder(cx: &Context) -> Result<Folder, Failure> {
    Ok(Folder::new(cx.project()?.root().join("nself/mock")))
}

/// The configuration, an empty one when there is none, and the seed that counts.
fn read(folder: &Folder) -> Result<(Config, u64), Failure> {
    let config = folder.config()?;
    let seed = folder.seed(config.as_ref())?;
    Ok((config.unwrap_or_default(), seed))
}

/// Never in production, in staging with the project's name typed.
fn allowed(cx: &Context, settings: &Settings, consent: Consent) -> Result<(), Failure> {
    guard::blocked_in_production(settings.tier(), "mock data")?;
    consent.destructive(cx, settings)?;
    Ok(())
}

/// `1 row`, `1 000 rows`: with a space before every three digits.
fn rows(number: u64) -> String {
    format!("{} row{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 1, 999, 1000, 1_234_567].map(grouped), ["0", "1", "999", "1 000", "1 234 567"]);
        assert_eq!((rows(1), rows(10_000)), ("1 row".to_owned(), "10 000 rows".to_owned()));
    }
}
