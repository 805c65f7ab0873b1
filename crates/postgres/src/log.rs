//! The lines that the server writes to its standard error, as `nself.conf` shapes them.

/// The `log_line_prefix` that [`parse`] understands: time in UTC with milliseconds, process, user and database.
pub const LINE_PREFIX: &str = "%m [%p] %q%u@%d ";

/// The first line of one message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    pub timestamp: jiff::Timestamp,
    /// The process that wrote it.
    pub pid: u32,
    /// `user@database` of a client's process.
    pub session: Option<&'a str>,
    pub level: Level,
    pub message: &'a str,
}

/// The server's severity, in the words of nself's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "DEBUG" | "DEBUG1" | "DEBUG2" | "DEBUG3" | "DEBUG4" | "DEBUG5" => Self::Debug,
            // The parts that follow a message (DETAIL, HINT, ...) belong to it and carry no severity of their own.
            "LOG" | "INFO" | "NOTICE" | "DETAIL" | "HINT" | "CONTEXT" | "STATEMENT" | "QUERY" | "LOCATION" => {
                Self::Info
            }
            "WARNING" => Self::Warning,
            "ERROR" => Self::Error,
            "FATAL" | "PANIC" => Self::Fatal,
            _ => return None,
        })
    }
}

/// Reads one line. `None` for a continuation (an indented line of a longer message) or a line that is not the server's.
///
/// ```
/// let line = postgres::log::parse("2026-11-21 04:03:31.400 UTC [12133] LOG:  database system is ready").unwrap();
/// assert_eq!((line.pid, line.level.as_str(), line.message), (12133, "info", "database system is ready"));
/// ```
pub fn parse(line: &str) -> Option<Line<'_>> {
    let (stamp, rest) = line.split_once(" UTC [")?;
    let (date, time) = stamp.split_once(' ')?;
    let timestamp = format!("{date}T{time}Z").parse().ok()?;
    let (pid, rest) = rest.split_once("] ")?;
    let (head, message) = rest.split_once(":  ")?;
    let (session, word) = match head.rsplit_once(' ') {
        Some((session, word)) => (Some(session), word),
        None => (None, head),
    };
    Some(Line { timestamp, pid: pid.parse().ok()?, session, level: Level::parse(word)?, message: message.trim_end() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_session_and_its_severity_are_read() {
        let line = parse("2026-11-21 04:03:31.393 UTC [77] web@shop ERROR:  relation \"x\" does not exist").unwrap();
        assert_eq!((line.session, line.level), (Some("web@shop"), Level::Error));
        assert_eq!(line.message, "relation \"x\" does not exist");
        assert_eq!(line.timestamp.as_millisecond() % 1000, 393);
    }

    #[test]
    fn what_is_not_a_first_line_is_left_alone() {
        assert_eq!(parse("\tSELECT 1"), None);
        assert_eq!(parse("postgres: could not access directory"), None);
        assert_eq!(parse("2026-11-21 04:03:31.393 UTC [77] CHATTER:  hm"), None);
    }
}
