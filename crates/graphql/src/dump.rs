//! Dumps of the database by PostgreSQL's own `pg_dump`, as Hasura's `/v1alpha1/pg_dump` gives them.
//!
//! The program connects where the engine does. Its password goes into its environment, which only its own user can
//! read, never into arguments, which everybody on the machine can. Arguments that would lead it to another server, or
//! to files, are refused.

use std::io;
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use futures::stream::{self, Stream};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::failure::{Code, Failure};

/// What is asked for.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// Arguments of `pg_dump`.
    opts: Vec<String>,
    /// Leave out comments, empty lines and settings of the session.
    #[serde(default)]
    clean_output: bool,
}

/// Where it connects, and files: not for the client to say.
const REFUSED: [&str; 8] = ["file", "filter", "dbname", "host", "port", "username", "password", "help"];
const REFUSED_SHORT: &str = "fdhpUW?";
/// Short ones that take a value, which may stand behind them in the same argument.
const VALUED: &str = "eEFjnNSrtTZ";

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes of what the program complains about.
const COMPLAINT: u64 = 8 * 1024;

impl Wanted {
    /// # Errors
    /// An argument would lead the program elsewhere.
    fn check(&self) -> Result<(), Failure> {
        match self.opts.iter().find(|option| is_refused(option)) {
            None => Ok(()),
            Some(option) => {
                let message = format!("the option {option:?} is not supported: the dump is of this database, to you");
                Err(Failure::new(Code::NotSupported, "$.opts", message))
            }
        }
    }
}

fn is_refused(option: &str) -> bool {
    if let Some(long) = option.strip_prefix("--") {
        // The program takes abbreviations.
        let name = long.split_once('=').map_or(long, |(name, _)| name);
        return name.is_empty() || REFUSED.iter().any(|refused| refused.starts_with(name));
    }
    let Some(letters) = option.strip_prefix('-') else { return false };
    for letter in letters.chars() {
        if REFUSED_SHORT.contains(letter) {
            return true;
        }
        if VALUED.contains(letter) {
            return false;
        }
    }
    false
}

/// Runs the program; what it writes, as it writes it. Dropped, it ends.
///
/// # Errors
/// It cannot be run, or ends without having written anything.
pub async fn dump(
    program: &Path,
    config: &Config,
    wanted: &Wanted,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, Failure> {
    wanted.check()?;
    let mut child = command(program, config, wanted).spawn().map_err(|error| {
        tracing::error!(%error, program = %program.display(), "pg_dump cannot be run");
        Failure::new(Code::Unexpected, "$", "internal exception while executing pg_dump")
    })?;
    let Some(output) = child.stdout.take() else {
        return Err(Failure::new(Code::Unexpected, "$", "internal exception while executing pg_dump"));
    };
    // Read beside the output, because the program waits for whoever reads neither.
    let complaint = child.stderr.take().map(|errors| tokio::spawn(complaint(errors)));
    let clean = wanted.clean_output.then(Cleaner::default);
    let mut dump = Dump { child, output: BufReader::with_capacity(CHUNK, output), clean, complaint };
    // Once something has been sent, a failure can only break the answer off.
    let first = match dump.next().await {
        Ok(first) => first,
        Err(error) => {
            let message = format!("error while executing pg_dump: {error}");
            return Err(Failure::new(Code::Unexpected, "$", message));
        }
    };
    let rest = stream::try_unfold(dump, |mut dump| async move { Ok(dump.next().await?.map(|chunk| (chunk, dump))) });
    Ok(stream::StreamExt::chain(stream::iter(first.map(Ok)), rest))
}

fn command(program: &Path, config: &Config, wanted: &Wanted) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LD_LIBRARY_PATH"));
    if let Some(host) = config.get_hosts().first() {
        match host {
            Host::Tcp(name) => command.env("PGHOST", name),
            Host::Unix(folder) => command.env("PGHOST", folder),
        };
    }
    if let Some(port) = config.get_ports().first() {
        command.env("PGPORT", port.to_string());
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
    }
    command.env("PGCONNECT_TIMEOUT", "10").env("PGAPPNAME", "nself pg_dump");
    // With a database named, nothing else among the arguments can be taken for one.
    command.arg("--dbname").arg(config.get_dbname().unwrap_or("postgres"));
    command.args(["--no-password", "--encoding=utf8"]).args(&wanted.opts);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The beginning of what the program complains about.
async fn complaint(mut errors: ChildStderr) -> String {
    let mut text = Vec::new();
    let _ = (&mut errors).take(COMPLAINT).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).trim().to_owned()
}

struct Dump {
    child: Child,
    output: BufReader<ChildStdout>,
    clean: Option<Cleaner>,
    complaint: Option<JoinHandle<String>>,
}

impl Dump {
    /// The next part; none after the last one.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let part = match &mut self.clean {
            None => {
                let mut part = vec![0; CHUNK];
                let read = self.output.read(&mut part).await?;
                part.truncate(read);
                part
            }
            Some(cleaner) => {
                let mut part = Vec::new();
                let mut line = Vec::new();
                while part.len() < CHUNK && self.output.read_until(b'\n', &mut line).await? > 0 {
                    if cleaner.keeps(&line) {
                        part.extend_from_slice(&line);
                    }
                    line.clear();
                }
                part
            }
        };
        if !part.is_empty() {
            return Ok(Some(part.into()));
        }
        if self.child.wait().await?.success() {
            return Ok(None);
        }
        let complaint = match self.complaint.take() {
            Some(complaint) => complaint.await.unwrap_or_default(),
            None => String::new(),
        };
        Err(io::Error::other(complaint))
    }
}

/// Drops the lines that Hasura drops, but none of a table's rows.
#[derive(Debug, Default)]
struct Cleaner {
    in_rows: bool,
}

const SETTINGS: [&str; 14] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
    "client_encoding",
    "standard_conforming_strings",
    "check_function_bodies",
    "xmloption",
    "client_min_messages",
    "row_security",
    "default_tablespace",
    "default_with_oids",
    "default_table_access_method",
    "extra_float_digits",
];

const PREAMBLE: [&str; 3] = [
    "SELECT pg_catalog.set_config('search_path', '', false);",
    "CREATE SCHEMA public;",
    "COMMENT ON SCHEMA public IS 'standard public schema';",
];

impl Cleaner {
    fn keeps(&mut self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        if self.in_rows {
            self.in_rows = line != "\\.";
            return true;
        }
        self.in_rows = line.starts_with("COPY ") && line.ends_with(" FROM stdin;");
        let setting = line.strip_prefix("SET ").and_then(|rest| rest.split_once(" = "));
        let is_setting = setting.is_some_and(|(name, _)| SETTINGS.contains(&name));
        let restricts = line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
        !(line.trim().is_empty()
            || line.starts_with("--")
            || is_setting
            || restricts
            || PREAMBLE.contains(&line)
            || is_event_trigger(line))
    }
}

/// The engine makes these itself.
fn is_event_trigger(line: &str) -> bool {
    let name = line.strip_prefix("CREATE TRIGGER ").map(|rest| rest.trim_start_matches('"'));
    name.is_some_and(|name| name.starts_with("notify_hasura_"))
        && line.ends_with("();")
        && ["hdb_views", "hdb_catalog"].iter().any(|schema| {
            line.contains(&format!("EXECUTE FUNCTION {schema}."))
                || line.contains(&format!("EXECUTE PROCEDURE {schema}."))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_lead_elsewhere_are_refused() {
        for option in ["-O", "-x", "--schema-only", "-s", "--schema", "public", "-tfoo", "-t", "-n=dhp", "--format=p"] {
            assert!(!is_refused(option), "{option}");
        }
        for option in [
            "-f",
            "-f/tmp/x",
            "--file=/tmp/x",
            "--fil",
            "-dother",
            "-Odother",
            "--dbname",
            "-h",
            "--host=x",
            "-W",
            "--",
        ] {
            assert!(is_refused(option), "{option}");
        }
    }

    #[test]
    fn rows_are_left_as_they_are() {
        let text = "-- a comment\nSET lock_timeout = 0;\n\nSET search_path = x;\nCREATE TABLE t (a text);\n\
                    COPY public.t (a) FROM stdin;\n-- a row\n\n\\.\n\nCREATE SCHEMA public;\n\
                    CREATE TRIGGER \"notify_hasura_t_INSERT\" AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION hdb_catalog.\"notify_hasura_t_INSERT\"();\n\
                    CREATE TRIGGER own AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.own();\n";
        let mut cleaner = Cleaner::default();
        let kept: Vec<&str> = text.lines().filter(|line| cleaner.keeps(line.as_bytes())).collect();
        assert_eq!(
            kept,
            [
                "SET search_path = x;",
                "CREATE TABLE t (a text);",
                "COPY public.t (a) FROM stdin;",
                "-- a row",
                "",
                "\\.",
                "CREATE TRIGGER own AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.own();",
            ]
        );
    }
}
