//! What `doctor --fix` does, one action at a time.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Action;
use crate::Error;

/// Where Debian's packages ask whether they may start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Answers no to everything.
const REFUSAL: &str = "#!/bin/sh\n# Put here by nself doctor --fix for the time of one installation.\nexit 101\n";

/// Does one action. Programs talk on stderr, because stdout is for data.
///
/// # Errors
/// [`Error::Mend`] when a program fails, [`Error::Io`] for files.
pub fn mend(root: &Path, action: &Action) -> Result<(), Error> {
    match action {
        Action::Install(command) => install(command),
        Action::Nself(arguments) => {
            let program = std::env::current_exe().map_err(Error::io("find", "the program nself"))?;
            let argv: Vec<String> =
                std::iter::once(program.display().to_string()).chain(arguments.iter().cloned()).collect();
            run(&argv, Some(root))
        }
        Action::Private(files) => files.iter().try_for_each(|file| {
            let path = root.join(file);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .map_err(Error::io("change the mode of", path))
        }),
    }
}

fn install(command: &postgres::InstallCommand) -> Result<(), Error> {
    if !command.starts_services {
        return run(&command.argv, None);
    }
    let sudo: &[String] =
        if command.argv.first().is_some_and(|word| word == "sudo") { &command.argv[..1] } else { &[] };
    let _quiet = Quiet::begin(sudo)?;
    // A fresh machine or container has no package lists yet.
    run(&[sudo, &["apt-get".to_owned(), "update".to_owned()]].concat(), None)?;
    run(&command.argv, None)
}

/// Keeps Debian's packages from starting servers of their own while it lives.
struct Quiet {
    sudo: Vec<String>,
    /// False when the machine has a policy already, which then stays.
    ours: bool,
}

impl Quiet {
    fn begin(sudo: &[String]) -> Result<Self, Error> {
        let present = std::fs::read_to_string(POLICY);
        // Ours from a run that was cut short counts as ours again.
        let foreign = present.is_ok_and(|text| text != REFUSAL);
        let quiet = Self { sudo: sudo.to_vec(), ours: !foreign };
        if quiet.ours {
            let mut file = tempfile::NamedTempFile::new().map_err(Error::io("make", "a temporary file"))?;
            std::io::Write::write_all(&mut file, REFUSAL.as_bytes()).map_err(Error::io("write", file.path()))?;
            let source = file.path().display().to_string();
            run(&quiet.argv(&["install", "-m", "755", &source, POLICY]), None)?;
        }
        Ok(quiet)
    }

    fn argv(&self, words: &[&str]) -> Vec<String> {
        self.sudo.iter().cloned().chain(words.iter().map(|&word| word.to_owned())).collect()
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if self.ours {
            let _ = run(&self.argv(&["rm", "-f", POLICY]), None);
        }
    }
}

fn run(argv: &[String], directory: Option<&Path>) -> Result<(), Error> {
    let failed = |reason: String| Error::Mend { command: argv.join(" "), reason };
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(stderr());
    command.current_dir(directory.map_or_else(|| PathBuf::from("/"), Path::to_owned));
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
}

/// Our own stderr for a child's stdout.
fn stderr() -> Stdio {
    use std::os::fd::AsFd;
    std::io::stderr().as_fd().try_clone_to_owned().map_or_else(|_| Stdio::null(), Stdio::from)
}
