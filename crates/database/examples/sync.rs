//! Copies one database over another, plain or anonymised, and tells the rates. Run by benches/database/sync.
//!
//! `sync <from url> <to url> plain|anonymize [rules file]`
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a measuring program, run by hand")]

use std::sync::Arc;
use std::time::Instant;

use database::clone::{self, Options};
use database::mask::{Course, Key, Plan, Recipe, Rules};
use database::place::{Place, parse};
use postgres::catalog::Catalog;
use project::{EnvName, Secret, Tier};

type Failure = Box<dyn std::error::Error>;

fn place(url: &str) -> Result<Place, Failure> {
    let (config, tls) = parse(url)?;
    Ok(Place::new(EnvName::parse("bench").ok_or("a name")?, Tier::Dev, config, tls))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, how, rest @ ..] = arguments.as_slice() else { return Err("from, to, plain or anonymize".into()) };
    let (from, to) = (place(from)?, place(to)?);
    let began = Instant::now();
    let plan = match (how.as_str(), rest.first()) {
        ("anonymize", Some(file)) => {
            let client = from.connect().await?;
            database::copy::settle(&client).await?;
            let catalog = Catalog::read(&client, &[]).await?;
            let key = Key::new(&Secret::new("a key for benches, a key for benches".to_owned()))?;
            let recipe = Recipe { rules: Rules::read(file.as_ref())?, key, password: None };
            Some(Arc::new(Plan::prepare(&client, &catalog, &recipe).await?))
        }
        _ => None,
    };
    let planned = began.elapsed();
    let mut options = Options { rewrite: plan.clone().map(|plan| plan as _), ..Options::default() };
    options.jobs = std::env::var("JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(options.jobs);
    let start = Instant::now();
    let course = Course::new(plan, None, move |part| eprintln!("  {:6.2} s  {part}", start.elapsed().as_secs_f64()));
    let report = clone::run(&from, &to, &options, &course).await?;
    let seconds = report.duration_ms as f64 / 1000.0;
    println!(
        "{how:10} {} rows, {:.1} MB in {seconds:.2} s ({:.2} s of planning before): {:.0} rows/s, {:.1} MB/s",
        report.rows,
        report.bytes as f64 / 1e6,
        planned.as_secs_f64(),
        report.rows as f64 / seconds,
        report.bytes as f64 / 1e6 / seconds
    );
    Ok(())
}
