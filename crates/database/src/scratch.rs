//! Replacing a whole database: a new one is filled beside it, under a name of its own, and takes its place in one
//! transaction. Until then nobody sees it; a process that dies before leaves the old database as it was, one that dies
//! after leaves the new one. What is left over is removed when the next replacement begins.
//!
//! What belongs to the database itself rather than to its contents stays that of the old one: owner, locale, privileges,
//! settings, connection limit, comment.

mod facts;

use std::time::Duration;

use postgres::Ident;
use postgres_protocol::escape::escape_literal;
use tokio_postgres::{Client, error::SqlState};

use crate::{
    Error,
    place::{Place, PlaceError},
};
use facts::Facts;

/// What names of databases that are being filled, and of those that were replaced, begin with.
const NEW: &str = "nself_new_";
const OLD: &str = "nself_old_";
/// How often putting a database in place is tried while others keep connecting to the old one.
const TRIES: u32 = 5;

/// A database that is being filled to replace another.
#[derive(Debug)]
pub struct Scratch {
    target: Place,
    place: Place,
    /// Connected to neither of the two.
    admin: Client,
    maintenance: Place,
    /// Of the old one; none when there is none.
    facts: Option<Facts>,
}

impl Scratch {
    /// Makes an empty database beside `target`, which need not exist. `encoding` is that of the rows to come, where it is
    /// known.
    ///
    /// # Errors
    /// [`PlaceError::Swap`] while another process replaces the same database, [`PlaceError::Lacks`] when the role may not
    /// make databases.
    pub async fn create(target: &Place, encoding: Option<&str>) -> Result<Self, Error> {
        let (maintenance, admin) = administer(target).await?;
        lock(&admin, target).await?;
        sweep(&admin, target).await?;
        let facts = facts::read(&admin, target.database()).await?;
        let name = format!("{NEW}{}", suffix());
        let made = admin.batch_execute(&facts::creation(&name, facts.as_ref(), encoding)).await;
        made.map_err(|error| refused(target, error))?;
        admin.batch_execute(&mark(&name, target)).await?;
        project::fault::hit("scratch.made");
        let place = target.sibling(&name);
        Ok(Self { target: target.clone(), place, admin, maintenance, facts })
    }

    /// Where to fill it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Puts it in the old one's place. Sessions of the old one are ended.
    ///
    /// # Errors
    /// [`PlaceError::Swap`]: somebody could not be made to let go. The old database is as it was, the new one is removed.
    pub async fn swap(self) -> Result<(), Error> {
        project::fault::hit("scratch.before-swap");
        let (new, target) = (self.place.database(), self.target.database());
        let old = format!("{OLD}{}", suffix());
        let mut statements = vec!["BEGIN".to_owned()];
        if let Some(facts) = &self.facts {
            statements.extend(facts.belongings(new));
            statements.push(format!("ALTER DATABASE {} RENAME TO {}", Ident::new(target), Ident::new(old.as_str())));
            statements.push(mark(&old, &self.target));
        }
        statements.push(format!("ALTER DATABASE {} RENAME TO {}", Ident::new(new), Ident::new(target)));
        let comment = self.facts.as_ref().and_then(Facts::comment).map_or("NULL".to_owned(), escape_literal);
        statements.push(format!("COMMENT ON DATABASE {} IS {comment}", Ident::new(target)));
        statements.push("COMMIT".to_owned());
        let result = self.exchange(&statements.join(";\n")).await;
        if let Err(error) = result {
            let why = self.holders(&error).await;
            let label = self.target.label.clone();
            self.discard().await?;
            return Err(PlaceError::Swap { label, why }.into());
        }
        project::fault::hit("scratch.after-swap");
        if self.facts.is_some() {
            drop_database(&self.admin, &old).await?;
        }
        Ok(())
    }

    /// Renames while everybody who is connected is sent away. The server waits a few seconds for that by itself, with the
    /// door closed to new ones.
    async fn exchange(&self, script: &str) -> Result<(), tokio_postgres::Error> {
        let Ok(bouncer) = self.maintenance.connect().await else {
            return self.admin.batch_execute(script).await;
        };
        let mut last = None;
        for _ in 0..TRIES {
            let work = self.admin.batch_execute(script);
            futures::pin_mut!(work);
            let done = loop {
                // A refusal is not the end: the session may leave by itself.
                let _ = send_away(&bouncer, self.target.database()).await;
                let _ = send_away(&bouncer, self.place.database()).await;
                tokio::select! {
                    done = &mut work => break done,
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
            };
            match done {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let again = error.code() == Some(&SqlState::OBJECT_IN_USE);
                    last = Some(error);
                    self.admin.batch_execute("ROLLBACK").await?;
                    if !again {
                        break;
                    }
                }
            }
        }
        match last {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Who is still there, for the message.
    async fn holders(&self, error: &tokio_postgres::Error) -> String {
        let said = crate::failure::describe(error);
        let rows = self
            .admin
            .query(
                "SELECT coalesce(usename::text, backend_type), coalesce(nullif(application_name, ''), backend_type), count(*)
                 FROM pg_stat_activity WHERE datname = $1 GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5",
                &[&self.target.database()],
            )
            .await;
        let who: Vec<String> = rows
            .into_iter()
            .flatten()
            .map(|row| {
                let (user, program, number): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
                format!("{number} of {user} ({program})")
            })
            .collect();
        if who.is_empty() { said } else { format!("{said}\nsessions: {}", who.join(", ")) }
    }

    /// Removes it. The old database is as it was.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn discard(self) -> Result<(), Error> {
        drop_database(&self.admin, self.place.database()).await
    }
}

/// Removes what earlier replacements of this database left over when their processes were killed. How many there were.
///
/// # Errors
/// [`PlaceError::Swap`] while a replacement is going on.
pub async fn clean(target: &Place) -> Result<usize, Error> {
    let (_, admin) = administer(target).await?;
    lock(&admin, target).await?;
    sweep(&admin, target).await
}

/// A connection to a database of the same server that is not the target.
async fn administer(target: &Place) -> Result<(Place, Client), Error> {
    let mut refusal = None;
    for name in ["postgres", "template1"] {
        if name == target.database() {
            continue;
        }
        let place = target.sibling(name);
        match place.connect().await {
            Ok(client) => {
                client
                    .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0; SET client_min_messages = warning")
                    .await?;
                return Ok((place, client));
            }
            Err(error) => refusal = Some(error),
        }
    }
    Err(refusal.unwrap_or(Error::Nothing))
}

/// One replacement of a database at a time. The lock ends with the connection.
async fn lock(admin: &Client, target: &Place) -> Result<(), Error> {
    let sql = "SELECT pg_try_advisory_lock(hashtextextended('nself replaces ' || $1::text, 0))";
    if admin.query_one(sql, &[&target.database()]).await?.get(0) {
        return Ok(());
    }
    let why = "another process of nself is replacing it at this moment".to_owned();
    Err(PlaceError::Swap { label: target.label.clone(), why }.into())
}

/// The comment by which a leftover is known.
fn note(target: &Place) -> String {
    format!("nself: stands aside for {}", target.database())
}

fn mark(name: &str, target: &Place) -> String {
    format!("COMMENT ON DATABASE {} IS {}", Ident::new(name), escape_literal(&note(target)))
}

async fn sweep(admin: &Client, target: &Place) -> Result<usize, Error> {
    let sql = "SELECT datname::text FROM pg_database
               WHERE (starts_with(datname, $1) OR starts_with(datname, $2)) AND shobj_description(oid, 'pg_database') = $3";
    let rows = admin.query(sql, &[&NEW, &OLD, &note(target)]).await?;
    for row in &rows {
        drop_database(admin, row.get(0)).await?;
    }
    Ok(rows.len())
}

async fn drop_database(admin: &Client, name: &str) -> Result<(), Error> {
    // Not even FORCE drops a database whose changes somebody follows.
    let unfollow =
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = $1 AND active";
    admin.query(unfollow, &[&name]).await?;
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", Ident::new(name))).await?;
    Ok(())
}

async fn send_away(admin: &Client, database: &str) -> Result<(), Error> {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')";
    admin.query(sql, &[&database]).await?;
    Ok(())
}

fn refused(target: &Place, error: tokio_postgres::Error) -> Error {
    if error.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return error.into();
    }
    let user = Ident::new(target.config.get_user().unwrap_or_default());
    PlaceError::Lacks {
        label: target.label.clone(),
        why: format!("the new database is filled beside the old one, and the role {user} may not make databases there"),
        fix: format!("as a superuser of that server: ALTER ROLE {user} CREATEDB"),
    }
    .into()
}

/// Eight digits that no other database's name ends with.
fn suffix() -> String {
    let mut bytes = [0_u8; 6];
    if getrandom::fill(&mut bytes).is_err() {
        // Names need to differ, not to be secret.
        bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
