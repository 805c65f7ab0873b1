use bytes::Bytes;
use postgres::{
    Ident,
    catalog::{Catalog, Identity, Key, Table},
};
use tokio::sync::mpsc;
use tokio_postgres::{Client, error::DbError};

use super::{Options, Progress, Source};
use crate::{
    Error,
    data::{DataError, RowFailure, advance_sequence, rows::Batch, sources},
    failure::copied_line,
    order::{Loose, Order},
    session,
};

/// Puts batches of rows into tables, and finds the rows that do not fit.
pub(super) struct Loader<'a> {
    client: &'a Client,
    catalog: &'a Catalog,
    options: &'a Options,
    /// Rows that were refused.
    pub(super) refused: Vec<RowFailure>,
    /// The columns of the table `nself_import`, into which rows go first when they may replace others.
    stage: Option<(String, Vec<usize>)>,
}

/// Where rows go.
struct Way<'a> {
    table: &'a Table,
    source: &'a Source,
    /// `COPY … FROM STDIN`.
    copy: String,
    /// What moves rows on from where COPY put them.
    then: Option<String>,
}

const STAGE: &str = "pg_temp.nself_import";

impl<'a> Loader<'a> {
    pub(super) fn new(client: &'a Client, catalog: &'a Catalog, options: &'a Options) -> Self {
        Self { client, catalog, options, refused: Vec::new(), stage: None }
    }

    /// Reads a file into a table; how many rows it took. The file is read in a thread of its own while the server works.
    pub(super) async fn load(
        &mut self,
        table: &Table,
        source: &Source,
        progress: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<u64, Error> {
        let mut reader = sources::reader(self.catalog, table, source, &self.options.map)?;
        let (sender, mut batches) = mpsc::channel::<Result<Batch, Error>>(2);
        // It ends with the file, or when nobody receives any more.
        let reading = tokio::task::spawn_blocking(move || {
            while let Some(batch) = reader.batch().transpose() {
                let failed = batch.is_err();
                if sender.blocking_send(batch).is_err() || failed {
                    break;
                }
            }
        });
        let name = format!("{}.{}", table.schema, table.name);
        let mut done = Progress { table: name, rows: 0, bytes: 0 };
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            done.rows += self.batch(table, source, &batch).await?;
            done.bytes += batch.bytes.len() as u64;
            progress(&done);
            project::fault::hit("import.batch");
        }
        // What panicked there panics here; there is nothing else it could fail with.
        if let Err(error) = reading.await {
            std::panic::resume_unwind(error.into_panic());
        }
        self.client.batch_execute(&sequences(table)).await?;
        Ok(done.rows)
    }

    async fn batch(&mut self, table: &Table, source: &Source, batch: &Batch) -> Result<u64, Error> {
        for (line, problem) in &batch.wrong {
            self.refuse(failure(table, source, *line, problem))?;
        }
        let way = self.way(table, source, batch).await?;
        let mut open: Vec<std::ops::Range<usize>> = std::iter::once(0..batch.rows.len()).collect();
        let mut taken = 0;
        while let Some(rows) = open.pop() {
            if rows.is_empty() {
                continue;
            }
            self.client.batch_execute("SAVEPOINT nself_rows").await?;
            let bytes = Bytes::copy_from_slice(batch.slice(rows.clone()));
            let Err(error) = self.put(&way, bytes).await else {
                self.client.batch_execute("RELEASE nself_rows").await?;
                taken += rows.len() as u64;
                continue;
            };
            let Some(refusal) = error.as_db_error().filter(|refusal| is_about_rows(refusal)) else {
                return Err(error.into());
            };
            self.client.batch_execute("ROLLBACK TO nself_rows; RELEASE nself_rows").await?;
            let line = refusal.where_().and_then(copied_line).map(|(line, _)| line);
            match line {
                Some(line) if (1..=rows.len()).contains(&line) => {
                    let bad = rows.start + line - 1;
                    self.refuse_row(&way, refusal, batch.rows[bad].1)?;
                    open.push(bad + 1..rows.end);
                    open.push(rows.start..bad);
                }
                _ if rows.len() == 1 => self.refuse_row(&way, refusal, batch.rows[rows.start].1)?,
                _ => {
                    // Which row it is shows when there is only one left.
                    let middle = rows.start + rows.len() / 2;
                    open.push(middle..rows.end);
                    open.push(rows.start..middle);
                }
            }
        }
        Ok(taken)
    }

    async fn put(&self, way: &Way<'_>, bytes: Bytes) -> Result<(), tokio_postgres::Error> {
        session::copy(self.client, &way.copy, bytes).await?;
        match &way.then {
            Some(then) => self.client.batch_execute(then).await,
            None => Ok(()),
        }
    }

    /// How the rows of a batch get into the table.
    async fn way<'b>(&mut self, table: &'b Table, source: &'b Source, batch: &Batch) -> Result<Way<'b>, Error> {
        let names: Vec<String> =
            batch.columns.iter().map(|at| Ident::new(&table.columns[*at].name).to_string()).collect();
        let names = names.join(", ");
        let target = Ident::new(&table.schema).dot(&table.name);
        if !self.options.upsert {
            // A table may have no columns, a list of them may not be empty.
            let list = if names.is_empty() { String::new() } else { format!(" ({names})") };
            return Ok(Way { table, source, copy: format!("COPY {target}{list} FROM STDIN"), then: None });
        }
        let key = key(table, batch)?;
        let stage = (target.to_string(), batch.columns.clone());
        if self.stage.as_ref() != Some(&stage) {
            let make = format!(
                "DROP TABLE IF EXISTS {STAGE};
                 CREATE TEMPORARY TABLE nself_import ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA;
                 ALTER TABLE {STAGE} ADD COLUMN \"nself row\" bigint GENERATED ALWAYS AS IDENTITY"
            );
            self.client.batch_execute(&make).await?;
            self.stage = Some(stage);
        }
        let then = replace(table, batch, key, &target.to_string(), &names);
        Ok(Way { table, source, copy: format!("COPY {STAGE} ({names}) FROM STDIN"), then: Some(then) })
    }

    fn refuse_row(&mut self, way: &Way<'_>, refusal: &DbError, line: u64) -> Result<(), Error> {
        let mut failure = failure(way.table, way.source, line, refusal.message());
        failure.column = refusal.column().map(str::to_owned).or_else(|| copied_column(refusal.where_()?));
        failure.sqlstate = Some(refusal.code().code().to_owned());
        failure.detail = refusal.detail().map(str::to_owned);
        self.refuse(failure)
    }

    fn refuse(&mut self, failure: RowFailure) -> Result<(), Error> {
        if self.refused.len() >= self.options.limit {
            return Err(DataError::Rows { failures: std::mem::take(&mut self.refused), more: true }.into());
        }
        self.refused.push(failure);
        Ok(())
    }

    /// Checks the keys that were put off until all rows are there.
    pub(super) async fn settle(&mut self, order: &Order<'_>) -> Result<(), Error> {
        while self.options.keep_going && self.remove_orphans(order).await? {}
        for loose in &order.loose {
            let Err(error) = self.client.batch_execute(&loose.check()).await else { continue };
            let Some(refusal) = error.as_db_error().filter(|refusal| is_about_rows(refusal)) else {
                return Err(error.into());
            };
            self.refused.push(orphan(loose, refusal.message(), refusal.detail()));
            return Err(DataError::Rows { failures: std::mem::take(&mut self.refused), more: false }.into());
        }
        if !order.loose.is_empty() {
            self.client.batch_execute(&Loose::restore(&order.loose)).await?;
        }
        Ok(())
    }

    /// Takes out rows that point to nothing; true when there were some, for others may have pointed to them. Rows that were
    /// there before satisfy their keys, so only new ones can be meant.
    async fn remove_orphans(&mut self, order: &Order<'_>) -> Result<bool, Error> {
        let mut found = false;
        for loose in order.loose.iter().filter(|loose| loose.key.validated && !loose.key.match_full) {
            let rows = self.client.query(&orphans(loose), &[]).await?;
            found |= !rows.is_empty();
            for row in rows {
                let key: String = row.get(0);
                let detail = format!("Key ({})=({key}) is not there.", loose.key.columns.join(", "));
                self.refuse(orphan(loose, "a row points to one that is missing", Some(&detail)))?;
            }
        }
        Ok(found)
    }

    /// The rows that were left out, when leaving out is what was asked for.
    pub(super) fn finish(self) -> Result<Vec<RowFailure>, Error> {
        if self.refused.is_empty() || self.options.keep_going {
            return Ok(self.refused);
        }
        Err(DataError::Rows { failures: self.refused, more: false }.into())
    }
}

/// A primary key or unique constraint whose columns the rows have.
fn key<'a>(table: &'a Table, batch: &Batch) -> Result<&'a Key, Error> {
    let has = |name: &String| batch.columns.iter().any(|at| table.columns[*at].name == *name);
    table
        .primary_key
        .iter()
        .chain(&table.unique_keys)
        .find(|key| !key.deferrable && !key.period && key.columns.iter().all(has))
        .ok_or_else(|| DataError::NoKey { table: format!("{}.{}", table.schema, table.name) }.into())
}

/// Moves rows from the stage into the table. Of several rows with one key the last counts.
fn replace(table: &Table, batch: &Batch, key: &Key, target: &str, names: &str) -> String {
    let keys: Vec<String> = key.columns.iter().map(|name| Ident::new(name).to_string()).collect();
    let keys = keys.join(", ");
    let column = |at: &usize| &table.columns[*at];
    let set: Vec<String> = batch
        .columns
        .iter()
        .map(column)
        .filter(|column| !key.columns.contains(&column.name) && column.identity != Some(Identity::Always))
        .map(|column| format!("{0} = excluded.{0}", Ident::new(&column.name)))
        .collect();
    let action = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    format!(
        "INSERT INTO {target} ({names}) OVERRIDING SYSTEM VALUE
         SELECT {names} FROM (SELECT DISTINCT ON ({keys}) * FROM {STAGE} ORDER BY {keys}, \"nself row\" DESC) AS last_of_each
         ON CONFLICT ({keys}) DO {action};
         TRUNCATE {STAGE}"
    )
}

/// Data exceptions, violated constraints, and what triggers raise: another row may fit.
fn is_about_rows(refusal: &DbError) -> bool {
    let code = refusal.code().code();
    code.starts_with("22") || code.starts_with("23") || code.starts_with("44") || code == "P0001" || code == "54000"
}

fn failure(table: &Table, source: &Source, line: u64, message: &str) -> RowFailure {
    RowFailure {
        file: source.shown.clone(),
        table: format!("{}.{}", table.schema, table.name),
        line,
        column: None,
        message: message.to_owned(),
        sqlstate: None,
        detail: None,
    }
}

fn orphan(loose: &Loose<'_>, message: &str, detail: Option<&str>) -> RowFailure {
    RowFailure {
        file: std::path::PathBuf::new(),
        table: format!("{}.{}", loose.table.schema, loose.table.name),
        line: 0,
        column: Some(loose.key.columns.join(", ")),
        message: message.to_owned(),
        sqlstate: Some("23503".to_owned()),
        detail: detail.map(str::to_owned),
    }
}

/// Deletes the rows whose key points to nothing and says what they pointed to.
fn orphans(loose: &Loose<'_>) -> String {
    let key = loose.key;
    let table = Ident::new(&loose.table.schema).dot(&loose.table.name);
    let parent = Ident::new(&key.references.schema).dot(&key.references.name);
    let own: Vec<String> = key.columns.iter().map(|name| format!("c.{}", Ident::new(name))).collect();
    let present: Vec<String> = own.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let same: Vec<String> =
        own.iter().zip(&key.referenced_columns).map(|(own, name)| format!("p.{} = {own}", Ident::new(name))).collect();
    format!(
        "DELETE FROM {table} AS c WHERE {} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {}) RETURNING concat_ws(', ', {})",
        present.join(" AND "),
        same.join(" AND "),
        own.join(", ")
    )
}

/// Behind every number that is taken now.
fn sequences(table: &Table) -> String {
    table
        .columns
        .iter()
        .filter(|column| column.sequence.is_some())
        .map(|column| advance_sequence(table, column))
        .collect()
}

/// The column in `COPY users, line 3, column age: "abc"`.
fn copied_column(context: &str) -> Option<String> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let (_, rest) = line.split_once(", column ")?;
    Some(rest.split_once(':').map_or(rest, |(column, _)| column).to_owned())
}
