//! A mutation's statements: all in one transaction, all or nothing.
//!
//! Where no statement needs what another one gave, all of them travel together, so that a mutation costs one round
//! trip; a statement that fails makes the rest of them, and the commit, come to nothing.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use postgres::{Pool, PooledClient};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error as SqlError, GenericClient, Row, Statement as Prepared};

use crate::failure::{Code, Failure};
use crate::sql::mutation::{Argument, Gives, Program, Step};

use super::{Answer, Running, failure, in_time, prepare, query};

/// What triggers, functions and event triggers read of the request.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The session as JSON: `hasura.user`.
    pub user: String,
    /// `hasura.tracecontext`.
    pub trace: String,
}

/// Valid until the transaction ends.
const SET: &str = "SELECT set_config('hasura.user', $1, true), set_config('hasura.tracecontext', $2, true)";

/// Times a transaction is tried when others stand in its way; nothing of a failed one is left.
const ATTEMPTS: usize = 3;

/// The most messages sent before the first answer is read.
const PIPELINE: usize = 24;

/// # Errors
/// No connection, time ran out, or a statement failed; then nothing has changed.
pub async fn transaction(
    pool: &Pool,
    programs: &[Program],
    parameters: &[String],
    settings: &Settings,
    limit: Option<Duration>,
) -> Result<Answer, Failure> {
    let mut attempt = 1;
    loop {
        let running = Running::with_transaction(pool).await?;
        let work = Work { client: running.client(), parameters, settings };
        let result = match in_time(limit, work.all(programs)).await? {
            Ok(rows) => Ok(Answer::Rows(rows)),
            Err(problem) => {
                // Where the commit was sent along, PostgreSQL has made a rollback of it already.
                if problem.open && running.client().batch_execute("ROLLBACK").await.is_err() {
                    tracing::debug!("a failed transaction's connection is gone");
                }
                Err(problem)
            }
        };
        running.finished();
        match result {
            Err(problem) if problem.retry && attempt < ATTEMPTS => attempt += 1,
            result => return result.map_err(|problem| *problem.failure),
        }
    }
}

/// Runs one root field's statements in the transaction that `client` is in.
///
/// # Errors
/// A statement failed; the caller has to undo the transaction.
pub async fn program(client: &impl GenericClient, program: &Program, parameters: &[String]) -> Result<Bytes, Failure> {
    let mut progress = Progress::default();
    let mut answer = Bytes::from_static(b"null");
    for step in &program.steps {
        let affected = progress.affected.to_string();
        let values = values(parameters, step, &progress, &affected);
        let work = async {
            let prepared = client.prepare(&step.text).await?;
            query(client, &prepared, &values).await
        };
        let row = work.await.map_err(|error| failure(&error, &step.path, &step.text, &values))?;
        if let Some(row) = progress.take(step, row)? {
            answer = super::json_of(&row);
        }
    }
    Ok(answer)
}

/// Why a transaction failed.
struct Problem {
    failure: Box<Failure>,
    /// Another transaction stood in the way.
    retry: bool,
    /// It has not ended.
    open: bool,
}

struct Work<'a> {
    client: &'a PooledClient,
    parameters: &'a [String],
    settings: &'a Settings,
}

/// What a step gave to those after it.
#[derive(Default)]
struct Progress {
    /// By step: the text of an array of rows.
    rows: Vec<String>,
    counts: Vec<String>,
    affected: i64,
}

impl Work<'_> {
    async fn all(&self, programs: &[Program]) -> Result<Vec<Row>, Problem> {
        let unprepared = |error: &SqlError, text: &str, path: &str| Problem {
            failure: Box::new(failure(error, path, text, &[])),
            retry: false,
            open: false,
        };
        let set = prepare(self.client, SET).await.map_err(|error| unprepared(&error, SET, "$"))?;
        let mut prepared = Vec::new();
        for step in programs.iter().flat_map(|program| &program.steps) {
            let found = prepare(self.client, &step.text).await;
            prepared.push(found.map_err(|error| unprepared(&error, &step.text, &step.path))?);
        }
        if programs.iter().all(|program| program.steps.len() == 1) && programs.len() + 3 <= PIPELINE {
            return self.together(programs, &prepared, &set).await;
        }
        self.one_by_one(programs, &prepared, &set).await
    }

    /// Every statement is sent before the first answer is waited for.
    async fn together(&self, programs: &[Program], prepared: &[Prepared], set: &Prepared) -> Result<Vec<Row>, Problem> {
        let steps: Vec<&Step> = programs.iter().flat_map(|program| &program.steps).collect();
        let nothing = Progress::default();
        let values: Vec<Vec<&str>> = steps.iter().map(|step| self.values(step, &nothing, "")).collect();
        let settings = [self.settings.user.as_str(), self.settings.trace.as_str()];
        let mut sent: Vec<BoxFuture<'_, Result<Option<Row>, SqlError>>> = Vec::with_capacity(steps.len() + 3);
        sent.push(self.client.batch_execute("BEGIN").map(|done| done.map(|()| None)).boxed());
        sent.push(query(&***self.client, set, &settings).map(|row| row.map(Some)).boxed());
        for (prepared, values) in prepared.iter().zip(&values) {
            sent.push(query(&***self.client, prepared, values).map(|row| row.map(Some)).boxed());
        }
        sent.push(self.client.batch_execute("COMMIT").map(|done| done.map(|()| None)).boxed());
        let answers = join_all(sent).await;
        if let Some((at, error)) = first_error(&answers) {
            // Before the steps stand the beginning and the settings.
            let step = at.checked_sub(2).and_then(|at| steps.get(at).zip(values.get(at)));
            let (path, text, values) =
                step.map_or(("$", "COMMIT", &[][..]), |(step, values)| (&step.path, &step.text, values));
            return Err(problem(error, path, text, values, false));
        }
        Ok(answers.into_iter().flatten().flatten().skip(1).collect())
    }

    async fn one_by_one(
        &self,
        programs: &[Program],
        prepared: &[Prepared],
        set: &Prepared,
    ) -> Result<Vec<Row>, Problem> {
        let settings = [self.settings.user.as_str(), self.settings.trace.as_str()];
        let (begun, set) = futures::join!(self.client.batch_execute("BEGIN"), query(&***self.client, set, &settings));
        begun.and(set).map_err(|error| problem(&error, "$", "BEGIN", &[], true))?;
        let mut prepared = prepared.iter();
        let mut answers = Vec::with_capacity(programs.len());
        for program in programs {
            let mut progress = Progress::default();
            for (step, prepared) in program.steps.iter().zip(prepared.by_ref()) {
                answers.extend(self.step(step, prepared, &mut progress).await?);
            }
        }
        let committed = self.client.batch_execute("COMMIT").await;
        committed.map_err(|error| problem(&error, "$", "COMMIT", &[], false))?;
        Ok(answers)
    }

    /// The answer, where the step gives one.
    async fn step(&self, step: &Step, prepared: &Prepared, progress: &mut Progress) -> Result<Option<Row>, Problem> {
        let affected = progress.affected.to_string();
        let values = self.values(step, progress, &affected);
        let row = query(&***self.client, prepared, &values).await;
        let row = row.map_err(|error| problem(&error, &step.path, &step.text, &values, true))?;
        let failed = |failure| Problem { failure: Box::new(failure), retry: false, open: true };
        progress.take(step, row).map_err(failed)
    }

    /// The parameters of a step.
    fn values<'v>(&'v self, step: &Step, progress: &'v Progress, affected: &'v str) -> Vec<&'v str> {
        values(self.parameters, step, progress, affected)
    }
}

fn values<'v>(parameters: &'v [String], step: &Step, progress: &'v Progress, affected: &'v str) -> Vec<&'v str> {
    let value = |argument: &Argument| match *argument {
        Argument::Parameter(id) => parameters[id].as_str(),
        Argument::Rows(step) => progress.rows[step].as_str(),
        Argument::Count(step) => progress.counts[step].as_str(),
        Argument::Affected => affected,
    };
    step.arguments.iter().map(value).collect()
}

impl Progress {
    /// Keeps the rows that a step wrote; gives the answer back where it gives one.
    fn take(&mut self, step: &Step, row: Row) -> Result<Option<Row>, Failure> {
        let Gives::Rows { expected } = &step.gives else { return Ok(Some(row)) };
        let count: i64 = row.get(0);
        if let Some(expected) = expected
            && usize::try_from(count) != Ok(expected.rows)
        {
            return Err(Failure::new(Code::NotSupported, &expected.path, expected.message.clone()));
        }
        self.affected += count;
        self.counts.push(count.to_string());
        self.rows.push(row.get::<_, Option<String>>(1).unwrap_or_else(|| "{}".to_owned()));
        Ok(None)
    }
}

/// The error that made the others.
fn first_error<T>(answers: &[Result<T, SqlError>]) -> Option<(usize, &SqlError)> {
    answers.iter().enumerate().find_map(|(at, answer)| Some((at, answer.as_ref().err()?)))
}

fn problem(error: &SqlError, path: &str, text: &str, values: &[&str], open: bool) -> Problem {
    let retry = error.code().is_some_and(|state| {
        *state == SqlState::T_R_SERIALIZATION_FAILURE || *state == SqlState::T_R_DEADLOCK_DETECTED
    });
    Problem { failure: Box::new(failure(error, path, text, values)), retry, open }
}
