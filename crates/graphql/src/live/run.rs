//! Runs a cohort's statement over some of its groups.

use bytes::Bytes;
use postgres::PooledClient;
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use super::cohort::{Due, GroupId};
use super::shape::{Progress, Shape};
use super::snapshot::Snapshot;
use super::{Live, Trouble};
use crate::execute;
use crate::failure::{Code, Failure};

/// What came for a group.
#[derive(Debug)]
pub(super) struct Row {
    pub group: GroupId,
    pub body: Bytes,
    pub progress: Progress,
    snapshot: Option<Snapshot>,
}

impl Row {
    pub(super) fn sees(&self, commit: u32) -> bool {
        self.snapshot.as_ref().is_none_or(|snapshot| snapshot.sees(commit))
    }
}

pub(super) async fn run(live: &Live, shape: &Shape, part: &[Due]) -> Result<Vec<Row>, Trouble> {
    let _turn = live.turns.acquire().await.map_err(|_| Trouble::Connection)?;
    let client = live.pool.get().await.map_err(|error| {
        tracing::debug!(%error, "no database connection for live queries");
        Trouble::Connection
    })?;
    let answer = query(&client, shape, part);
    let answer = match live.statement_timeout {
        Some(limit) => tokio::time::timeout(limit, answer).await,
        None => Ok(answer.await),
    };
    match answer {
        Ok(Ok(rows)) => Ok(rows.iter().filter_map(|row| read(shape, part, row)).collect()),
        Ok(Err(error)) => Err(trouble(&error)),
        Err(_) => {
            let token = client.cancel_token();
            // The cancellation must not hit whoever has the connection next.
            drop(PooledClient::take(client));
            if let Err(error) = token.cancel_query(NoTls).await {
                tracing::debug!(%error, "a live query could not be cancelled");
            }
            Err(Trouble::Timeout(Failure::new(Code::Timeout, "$", "the query took too long and was cancelled")))
        }
    }
}

async fn query(
    client: &PooledClient,
    shape: &Shape,
    part: &[Due],
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(&shape.batch.text).await?;
    let numbers: Vec<i32> = (0..).take(part.len()).collect();
    let column = |index: usize| -> Vec<Option<&str>> {
        part.iter().map(|due| due.parameters.get(index).and_then(Option::as_deref)).collect()
    };
    let columns: Vec<Vec<Option<&str>>> = (0..shape.batch.parameters).map(column).collect();
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&numbers];
    parameters.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    client.query(&statement, &parameters).await
}

fn trouble(error: &tokio_postgres::Error) -> Trouble {
    let Some(found) = error.as_db_error() else { return Trouble::Connection };
    // Class 57P: the server stops or starts; 53: it has no room.
    let code = found.code().code();
    if code.starts_with("57P") || code.starts_with("53") {
        return Trouble::Connection;
    }
    let (code, message) = execute::classify(found);
    Trouble::Statement(Failure::new(code, "$", message))
}

fn read(shape: &Shape, part: &[Due], row: &tokio_postgres::Row) -> Option<Row> {
    let number: i32 = row.get(0);
    let due = part.get(usize::try_from(number).ok()?)?;
    let json = |column: usize| row.get::<_, Option<&str>>(column + 1);
    let snapshot: Option<&str> = row.get(shape.batch.columns + 1);
    Some(Row {
        group: due.group,
        body: shape.body(json),
        progress: shape.progress(json),
        snapshot: snapshot.and_then(Snapshot::parse),
    })
}
