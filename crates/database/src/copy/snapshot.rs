use tokio_postgres::Client;

use crate::{Error, place::Place};

/// Opens a read-only transaction that sees one moment, whatever others commit.
const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// One moment of a database: a leader whose transaction exported it, and workers whose transactions see the same. It
/// ends, and with it every transaction, when the value is dropped.
#[derive(Debug)]
pub struct Snapshot {
    id: String,
    leader: Client,
    workers: Vec<Client>,
}

impl Snapshot {
    /// `workers` connections beside the leader. Their sessions write values as [`super::settle`] says, so that another
    /// server reads them as they were meant.
    ///
    /// # Errors
    /// The server cannot be reached, or has no connections left.
    pub async fn open(place: &Place, workers: usize) -> Result<Self, Error> {
        let leader = place.connect().await?;
        super::settle(&leader).await?;
        leader.batch_execute(BEGIN).await?;
        let id: String = leader.query_one("SELECT pg_export_snapshot()", &[]).await?.get(0);
        let mut snapshot = Self { id, leader, workers: Vec::new() };
        for _ in 0..workers {
            let worker = snapshot.join(place).await?;
            snapshot.workers.push(worker);
        }
        Ok(snapshot)
    }

    /// One more connection that sees this moment.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub async fn join(&self, place: &Place) -> Result<Client, Error> {
        let client = place.connect().await?;
        super::settle(&client).await?;
        // The server made the id: hexadecimal digits and hyphens.
        let id = postgres_protocol::escape::escape_literal(&self.id);
        client.batch_execute(&format!("{BEGIN}; SET TRANSACTION SNAPSHOT {id}")).await?;
        Ok(client)
    }

    /// Its name, as `pg_dump --snapshot` takes it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The connection for planning and small questions.
    pub fn leader(&self) -> &Client {
        &self.leader
    }

    pub fn workers(&self) -> &[Client] {
        &self.workers
    }

    /// Takes the workers out, to be moved into tasks of their own. The leader must live as long as somebody joins.
    pub fn take_workers(&mut self) -> Vec<Client> {
        std::mem::take(&mut self.workers)
    }
}
