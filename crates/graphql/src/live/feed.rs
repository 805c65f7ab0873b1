//! What commits in the database, told by PostgreSQL through a temporary logical replication slot.
//!
//! The slot exists only while somebody subscribes and a little longer. It costs the server the decoding of its log and
//! no statement; but PostgreSQL drops no database that has one in use, not even `WITH (FORCE)`. So it is not kept for
//! long, and whoever ends its connection has time to drop the database before it comes back. Where logical decoding is not to be had (`wal_level`, rights, a pooler in between) subscriptions poll.

use std::sync::Arc;
use std::time::Duration;

use postgres::replication::{Connection, Error, Event, Mode, Stream, decoding};

use super::sources::Changes;
use super::{Hearing, Live};

/// How long the slot is kept when nobody subscribes any more: a page that is loaded again finds it.
const LINGER: Duration = Duration::from_secs(10);
/// Pauses between tries.
const SOON: Duration = Duration::from_millis(250);
const SELDOM: Duration = Duration::from_secs(60);
/// After somebody has ended the connection; subscriptions poll meanwhile.
const DISMISSED: Duration = Duration::from_secs(5);

/// Follows the database until nobody has subscribed for a while. Another is started when somebody does again.
pub(super) async fn follow(live: Arc<Live>) {
    let mut pause = SOON;
    let mut told = false;
    while !live.may_rest() {
        match open(&live).await {
            Ok(mut stream) => {
                (pause, told) = (SOON, false);
                live.hear(Hearing::Log);
                let ended = listen(&live, &mut stream).await;
                live.hear(Hearing::Nothing);
                match ended {
                    // Nobody subscribes any more.
                    None => continue,
                    Some(error) => {
                        if error.is_dismissal() {
                            pause = DISMISSED;
                        }
                        tracing::info!(%error, "following the database was interrupted");
                    }
                }
            }
            Err(error) if error.is_permanent() => {
                if !told {
                    tracing::warn!(%error, "live queries poll, because changes cannot be followed");
                }
                (pause, told) = (SELDOM, true);
            }
            Err(error) => {
                tracing::debug!(%error, "changes cannot be followed yet");
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = live.unwanted(LINGER) => {}
        }
    }
}

async fn open(live: &Live) -> Result<Stream, Error> {
    let mut config = live.pool.config().clone();
    config.application_name("nself live queries");
    let mut connection = Connection::open(&config, Mode::Logical).await?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| Error::Protocol(error.to_string()))?;
    let slot = format!("nself_live_{:016x}", u64::from_le_bytes(random));
    let from = connection.create_temporary_slot(&slot, decoding::PLUGIN).await?;
    connection.start_logical(&slot, from, decoding::OPTIONS).await
}

/// Until the connection breaks, or (none) nobody has subscribed for a while.
async fn listen(live: &Arc<Live>, stream: &mut Stream) -> Option<Error> {
    let mut changes = Changes::default();
    let unwanted = live.unwanted(LINGER);
    tokio::pin!(unwanted);
    loop {
        let data = tokio::select! {
            data = stream.next() => data,
            () = &mut unwanted => return None,
        };
        let data = match data {
            Ok(data) => data,
            Err(error) => return Some(error),
        };
        match decoding::parse(&data.body) {
            Some(Event::Begin { .. }) => changes = Changes::default(),
            Some(Event::Change { relation, .. }) => changes.add(&relation.schema, &relation.name),
            Some(Event::Truncate { relations }) => {
                relations.iter().for_each(|relation| changes.add(&relation.schema, &relation.name));
            }
            Some(Event::Commit { xid }) => {
                if !changes.is_empty() {
                    live.changed(&std::mem::take(&mut changes), xid);
                }
                stream.confirm(data.end);
            }
            None => {}
        }
    }
}
