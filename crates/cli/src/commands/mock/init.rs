use std::path::PathBuf;

use database::mock::{self, MockError, Start, config::DEFAULT_SEED};
use serde::Serialize;
use terminal::{Page, View};

use super::folder;
use crate::{
    Context, Outcome,
    commands::db::{interruptible, shown},
};

/// Write a configuration with a guess for every column
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself mock init\n  nself mock init --seed 7 --locale de\n  nself mock init --force\n\nWrites nself/mock/mock.config.yaml and nself/mock/mock.seed; commit both."
)]
pub struct Args {
    /// The number that all rows are made from
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// The language of names, addresses and texts
    #[arg(long, default_value = "en")]
    locale: String,
    /// Write over a configuration that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Serialize)]
struct InitReport {
    files: Vec<PathBuf>,
    seed: u64,
}

impl View for InitReport {
    fn text(&self, page: &mut Page) {
        for file in &self.files {
            page.line(format!("Created {}", file.display()));
        }
        page.next(&[
            ("read it, and correct the guesses", "nself mock config"),
            ("see some rows", "nself mock preview <table>"),
            ("write them", "nself mock generate"),
        ]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let folder = folder(cx)?;
    let file = folder.config_file();
    if file.exists() && !args.force {
        let file = shown(cx, file);
        return Err(database::Error::from(MockError::Exists { file }).into());
    }
    let settings = cx.settings()?;
    let kept = folder.seed_file().exists().then(|| folder.seed(None)).transpose()?;
    let start = Start {
        seed: args.seed.or(kept).unwrap_or(DEFAULT_SEED),
        locale: args.locale,
        today: jiff::Zoned::now().date().to_string(),
    };
    let mut database = cx.client(&settings)?;
    let cancel = database.cancel();
    let options = database::Options::default();
    let text = interruptible(&database.runtime, cancel, mock::init(&mut database.client, &start, &options))?;
    folder.write_config(&text)?;
    folder.keep_seed(start.seed)?;
    let files = [file, folder.seed_file()].map(|file| shown(cx, file)).to_vec();
    Ok(Box::new(InitReport { files, seed: start.seed }))
}
