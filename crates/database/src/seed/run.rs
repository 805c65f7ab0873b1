use std::time::Instant;

use serde::Serialize;
use tokio_postgres::Client;

use super::{Seed, Seeds, entry, record};
use crate::{
    Error, Options,
    migrate::{finish, milliseconds, statements},
    session,
};

/// Which seeds to run.
#[derive(Debug, Clone, Default)]
pub enum Selection {
    #[default]
    All,
    /// By name, file name or path; every seed of that name.
    Named(String),
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub ran: Vec<Ran>,
    /// How many were left alone because they have run and have not changed.
    pub unchanged: usize,
}

/// One seed that ran.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    pub path: String,
    pub statements: usize,
    pub duration_ms: u64,
}

/// Runs the environment's seeds that are new or have changed, all of the selected ones with `force`; each with its record
/// in one transaction. Calls `progress` after each.
///
/// # Errors
/// The failing seed leaves nothing behind; those before it stay.
pub async fn run(
    client: &mut Client,
    seeds: &Seeds,
    selection: &Selection,
    force: bool,
    options: &Options,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    let files = seeds.load()?;
    let chosen = select(&files, selection)?;
    for seed in &chosen {
        seed.part.check(true)?;
    }
    session::lock(client, options).await?;
    let result = locked(client, seeds, &files, &chosen, force, options, progress).await;
    finish(client, result).await
}

fn select<'a>(files: &'a [Seed], selection: &Selection) -> Result<Vec<&'a Seed>, Error> {
    let Selection::Named(wanted) = selection else { return Ok(files.iter().collect()) };
    let chosen: Vec<&Seed> = files.iter().filter(|seed| seed.is_called(wanted)).collect();
    if chosen.is_empty() {
        let known = files.iter().map(|seed| seed.name.clone()).collect();
        return Err(Error::UnknownSeed { wanted: wanted.clone(), known });
    }
    Ok(chosen)
}

async fn locked(
    client: &mut Client,
    seeds: &Seeds,
    files: &[Seed],
    chosen: &[&Seed],
    force: bool,
    options: &Options,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    record::prepare(client, files, seeds.environment()).await?;
    let records = record::read(client, files).await?;
    let mut report = Report::default();
    for seed in chosen {
        let state = entry(seed, &records).state;
        if seed.part.statements.is_empty() || !(force || state.is_due()) {
            report.unchanged += 1;
            continue;
        }
        let begun = Instant::now();
        session::set_lock_timeout(client, options.lock_timeout).await?;
        let transaction = client.transaction().await?;
        statements(transaction.client(), &seed.part, "nothing of this seed was kept").await?;
        session::reset(transaction.client()).await?;
        record::write(transaction.client(), seed, seeds.environment(), begun.elapsed()).await?;
        project::fault::hit("seed.before-commit");
        transaction.commit().await?;
        let ran = Ran {
            path: seed.path.clone(),
            statements: seed.part.statements.len(),
            duration_ms: milliseconds(begun.elapsed()),
        };
        progress(&ran);
        report.ran.push(ran);
    }
    Ok(report)
}
