//! The client's side of the control socket. Blocking: a command asks one question and ends.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use project::Project;
use stack::control::{Reply, Request};
use stack::status::StackStatus;

use crate::Error;

/// A connection to a running server.
#[derive(Debug)]
pub struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects. [`Error::NotRunning`] when nobody listens, whatever files an earlier server left behind.
    pub fn connect(project: &Project) -> Result<Self, Error> {
        let folder = std::fs::File::open(project.run_dir()).map_err(|_| Error::NotRunning)?;
        // Through the open folder, because a socket's path may be 107 bytes long and a project's path longer.
        let path = format!("/proc/self/fd/{}/control.sock", folder.as_raw_fd());
        match UnixStream::connect(path) {
            Ok(stream) => Ok(Self { stream: BufReader::new(stream) }),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(Error::Io {
                action: "open",
                path: project.run_dir().join("control.sock").display().to_string(),
                source: error,
            }),
            Err(_) => Err(Error::NotRunning),
        }
    }

    /// Asks and waits for the first answer. A server that hangs up has ended: [`Error::NotRunning`].
    pub fn ask(&mut self, request: &Request) -> Result<Reply, Error> {
        let mut text = serde_json::to_vec(request).expect("a request is plain data");
        text.push(b'\n');
        self.stream.get_mut().write_all(&text).map_err(|_| Error::NotRunning)?;
        self.next_reply()
    }

    /// The next answer of a request that has many.
    pub fn next_reply(&mut self) -> Result<Reply, Error> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => return Err(Error::NotRunning),
            Ok(_) => {}
        }
        match serde_json::from_str(&line) {
            Ok(Reply::Error { code, message, why, fix }) => Err(Error::Remote { code, message, why, fix, exit: 1 }),
            Ok(reply) => Ok(reply),
            Err(error) => Err(Error::Io {
                action: "understand the answer of",
                path: "the control socket".to_owned(),
                source: std::io::Error::other(error),
            }),
        }
    }
}

/// A connection to the server; `None` when there is none. A server that holds its lock but does not answer yet (it has
/// only just begun) or no more (it is stopping) is waited for, because it will do one or the other.
pub fn reach(project: &Project, limit: Duration) -> Result<Option<Control>, Error> {
    let began = Instant::now();
    loop {
        match Control::connect(project) {
            Ok(control) => return Ok(Some(control)),
            Err(Error::NotRunning) => {}
            Err(error) => return Err(error),
        }
        if !project.run_dir().exists() || project.lock("server").is_ok() {
            return Ok(None);
        }
        if began.elapsed() > limit {
            return Err(Error::NotReady { seconds: limit.as_secs(), services: vec!["server".to_owned()] });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// True when a server of this project answers.
pub fn is_running(project: &Project) -> bool {
    Control::connect(project).is_ok()
}

/// What every service is doing.
pub fn status(project: &Project) -> Result<StackStatus, Error> {
    match Control::connect(project)?.ask(&Request::Status)? {
        Reply::Status { status } => Ok(status),
        other => Err(unexpected(&other)),
    }
}

/// Stops the whole stack and waits until its process has ended. False when it was not running.
pub fn stop(project: &Project, limit: Duration) -> Result<bool, Error> {
    let Some(mut control) = reach(project, limit)? else { return Ok(false) };
    let _ = control.stream.get_ref().set_read_timeout(Some(limit));
    let pid = match control.ask(&Request::Status)? {
        Reply::Status { status } => status.server.pid,
        other => return Err(unexpected(&other)),
    };
    let began = Instant::now();
    match control.ask(&Request::Stop { services: Vec::new() }) {
        // Hanging up is the answer, too: the process is gone.
        Ok(_) | Err(Error::NotRunning) => {}
        Err(error) => return Err(error),
    }
    // The lock is the last thing a server lets go of, and then its process ends.
    while project.lock("server").is_err() || project::process::is_alive(pid) {
        if began.elapsed() > limit {
            return Err(Error::DidNotStop { pid, seconds: limit.as_secs() });
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

/// Asks a running server to read the database's schema again; fine when none runs.
pub fn reload_schema(project: &Project) -> Result<(), Error> {
    match Control::connect(project) {
        Ok(mut control) => control.ask(&Request::ReloadSchema).map(drop),
        Err(Error::NotRunning) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A one-time sign-in link for the console.
pub fn console_link(project: &Project) -> Result<String, Error> {
    match Control::connect(project)?.ask(&Request::ConsoleLink)? {
        Reply::ConsoleLink { url } => Ok(url),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::Io {
        action: "understand the answer of",
        path: "the control socket".to_owned(),
        source: std::io::Error::other(format!("unexpected {reply:?}")),
    }
}
