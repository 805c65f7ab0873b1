//! What must hold when things go wrong at the worst moment: no data lost, no orphan, no half-written file, and a
//! message that says what to do.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::sandbox::{Sandbox, eventually, http, kill, said};

const INIT_POINTS: &[&str] = &[
    "project.before-rename",
    "init.after-.gitignore",
    "init.after-.env.example",
    "init.after-nself.toml",
    "init.after-.env",
];
const BUILD_POINTS: &[&str] = &["build.manifest-written", "build.between-files"];
const START_POINTS: &[&str] = &[
    "placement.chosen",
    "start.before-prepare",
    "postgres.copied",
    "postgres.synced",
    "postgres.renamed",
    "start.after-prepare",
];
const RESET_POINTS: &[&str] = &["archive.written", "reset.archived", "reset.data-moved", "reset.moved"];

fn with_a_note() -> Sandbox {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&["db", "query", "create table notes (body text); insert into notes values ('committed')"]);
    sandbox
}

fn note(sandbox: &Sandbox) -> String {
    sandbox.sql("select body from notes")[0]["body"].as_str().unwrap().to_owned()
}

#[test]
fn kill_9_of_the_server_leaves_no_orphan_and_no_loss() {
    let sandbox = with_a_note();
    kill(sandbox.server_pid(), Signal::SIGKILL);
    eventually("PostgreSQL goes with the server", || sandbox.processes().is_empty());
    assert_eq!(sandbox.json(&["status"])["running"], false);
    sandbox.start();
    assert_eq!(note(&sandbox), "committed");
}

#[test]
fn kill_9_of_postgresql_is_repaired_by_the_supervisor() {
    let sandbox = with_a_note();
    let pid = sandbox.service("postgres")["pid"].as_u64().unwrap();
    kill(u32::try_from(pid).unwrap(), Signal::SIGKILL);
    eventually("PostgreSQL is back", || {
        let service = sandbox.service("postgres");
        service["state"] == "ready" && service["pid"].as_u64().is_some_and(|new| new != pid)
    });
    assert_eq!(note(&sandbox), "committed");
    eventually("GraphQL answers again", || {
        sandbox.graphql("{ notes { body } }")["data"]["notes"][0]["body"] == "committed"
    });
}

#[test]
fn kill_9_of_everything_is_survived() {
    let sandbox = with_a_note();
    for process in sandbox.processes() {
        let pid: u32 = process.split(':').next().unwrap().parse().unwrap();
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
    eventually("all are gone", || sandbox.processes().is_empty());
    sandbox.start();
    assert_eq!(note(&sandbox), "committed");
}

/// A power cut at each named point of a command; afterwards the same command succeeds and the stack starts.
fn cut_and_repeat(points: &[&str], command: &[&str], prepare: impl Fn() -> Sandbox) {
    let mut hit = 0;
    for point in points {
        let sandbox = prepare();
        let cut = said(sandbox.command(command).env("NSELF_FAULT", point).output().unwrap());
        if cut.code == 0 {
            continue;
        }
        hit += 1;
        for path in [".env", "nself.toml", ".nself/build/plan.json"] {
            let file = sandbox.folder().join(path);
            let whole = std::fs::read_to_string(&file).map_or(true, |text| text.ends_with('\n'));
            assert!(whole, "{point} left half of {path}");
        }
        let again = sandbox.run(command);
        assert_eq!(again.code, 0, "after {point}: {}\n{}", again.stdout, again.stderr);
    }
    assert_eq!(hit, points.len(), "a fault point of {points:?} was never reached by nself {command:?}");
}

#[test]
fn a_power_cut_in_init_is_mended_by_init() {
    cut_and_repeat(INIT_POINTS, &["init"], Sandbox::new);
}

#[test]
fn a_power_cut_in_build_is_mended_by_build() {
    cut_and_repeat(BUILD_POINTS, &["build"], Sandbox::plain);
}

#[test]
fn a_power_cut_in_start_is_mended_by_start() {
    for point in START_POINTS {
        let sandbox = Sandbox::plain();
        let cut = said(sandbox.command(&["start"]).env("NSELF_FAULT", point).output().unwrap());
        assert_ne!(cut.code, 0, "{point} was never reached");
        eventually("nothing is left running", || sandbox.processes().is_empty());
        sandbox.start();
        assert_eq!(sandbox.sql("select 1 as one")[0]["one"], 1, "after {point}");
    }
}

#[test]
fn a_power_cut_in_reset_loses_nothing() {
    for point in RESET_POINTS {
        let sandbox = with_a_note();
        let cut = said(sandbox.command(&["reset", "--yes"]).env("NSELF_FAULT", point).output().unwrap());
        assert_ne!(cut.code, 0, "{point} was never reached");
        // Either nothing was removed yet, or the archive is complete: one of the two always holds the note.
        if !sandbox.folder().join(".nself/data").exists() || !sandbox.folder().join(".env").exists() {
            sandbox.ok(&["restore", "--yes"]);
        }
        sandbox.start();
        let found = sandbox.run(&["db", "query", "select body from notes"]);
        if !found.stdout.contains("committed") {
            sandbox.ok(&["stop"]);
            sandbox.ok(&["restore", "--yes"]);
            sandbox.start();
        }
        assert_eq!(note(&sandbox), "committed", "after {point}");
    }
}

#[test]
fn two_starts_at_once_make_one_stack() {
    let sandbox = Sandbox::plain();
    let start = || sandbox.command(&["start", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (first, second) = (start(), start());
    let answers = [first, second].map(|child| said(child.wait_with_output().unwrap()));
    let pids: Vec<u64> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.code, 0, "{answer:?}");
            let report: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
            report["status"]["server"]["pid"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(pids[0], pids[1]);
}

#[test]
fn a_stale_pid_that_belongs_to_another_program_harms_nobody() {
    let sandbox = with_a_note();
    kill(sandbox.server_pid(), Signal::SIGKILL);
    eventually("PostgreSQL goes with the server", || sandbox.processes().is_empty());
    // The number that PostgreSQL wrote down is now somebody else's.
    let mut bystander = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
    let file = sandbox.data().join("postmaster.pid");
    if let Ok(text) = std::fs::read_to_string(&file) {
        let rest = text.split_once('\n').unwrap().1;
        std::fs::write(&file, format!("{}\n{rest}", bystander.id())).unwrap();
    }
    for lock in std::fs::read_dir(sandbox.folder().join(".nself/run")).unwrap().flatten() {
        if lock.path().extension().is_some_and(|end| end == "lock") {
            std::fs::write(lock.path(), bystander.id().to_string()).unwrap();
        }
    }
    sandbox.start();
    assert_eq!(note(&sandbox), "committed");
    sandbox.ok(&["stop"]);
    assert!(bystander.try_wait().unwrap().is_none(), "a program that is not ours was ended");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn a_taken_port_names_its_owner_and_the_setting() {
    let sandbox = Sandbox::plain();
    for (port, setting) in [(sandbox.http, "GATEWAY_PORT"), (sandbox.postgres, "POSTGRES_PORT")] {
        let holder = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        let refused = sandbox.run(&["start"]);
        assert_ne!(refused.code, 0);
        let words = [port.to_string(), setting.to_owned(), format!("process {}", std::process::id())];
        for word in words.iter().map(String::as_str).chain(["--auto-ports"]) {
            assert!(refused.stderr.contains(word), "no {word} in: {}", refused.stderr);
        }
        assert_eq!(sandbox.processes(), Vec::<String>::new());
        drop(holder);
    }
    let _holder = std::net::TcpListener::bind(("127.0.0.1", sandbox.http)).unwrap();
    let report = sandbox.json(&["start", "--auto-ports"]);
    let moved = &report["ports_changed"][0];
    assert_eq!(moved["setting"], "GATEWAY_PORT");
    let port = u16::try_from(moved["to"].as_u64().unwrap()).unwrap();
    assert_eq!(http(port, "GET", "/health", &[], "").0, 200);
}

/// Runs nself with its project on a small file system of its own, in a mount namespace.
fn on_small_disk(sandbox: &Sandbox, options: &str, script: &str) -> crate::sandbox::Said {
    let binary = env!("CARGO_BIN_EXE_nself");
    let script = format!(
        "set -eu; cp -a shop /tmp/nself-shop.$$; mount -t tmpfs -o {options} none shop; cp -a /tmp/nself-shop.$$/. shop; rm -rf /tmp/nself-shop.$$; cd shop; {script}"
    );
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", &script])
        .current_dir(sandbox.home())
        .env("NSELF", binary)
        .env("NSELF_HOME", sandbox.home().join("nself-home"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    said(output)
}

#[test]
fn a_read_only_disk_is_said_and_nothing_runs() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: mounting a disk takes root");
        return;
    }
    let sandbox = Sandbox::plain();
    let said = on_small_disk(&sandbox, "size=64m", "mount -o remount,ro . ; \"$NSELF\" start");
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("error[NS-") && said.stderr.to_lowercase().contains("read-only"), "{}", said.stderr);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_said_and_leaves_whole_files() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: mounting a disk takes root");
        return;
    }
    let sandbox = Sandbox::plain();
    let fill = "before=$(cat .env); head -c 60M /dev/zero > filler 2>/dev/null || true; dd if=/dev/zero of=filler2 bs=512 2>/dev/null || true; ";
    let script = format!(
        "{fill} code=0; \"$NSELF\" config set ADMIN_EMAIL someone@example.org || code=$?; [ \"$before\" = \"$(cat .env)\" ]; \"$NSELF\" start && exit 9; exit $code"
    );
    let said = on_small_disk(&sandbox, "size=2m", &script);
    assert!(said.code == 1, "{said:?}");
    assert!(said.stderr.contains("error[NS-") && said.stderr.to_lowercase().contains("space"), "{}", said.stderr);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
}

/// The clock of the server jumps a day ahead and back while it runs: nothing restarts, and stopping still works.
#[test]
fn a_clock_jump_changes_nothing() {
    let library =
        std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let Some(library) = library.into_iter().find(|path| path.exists()) else {
        eprintln!("left out: libfaketime is not installed");
        return;
    };
    let sandbox = Sandbox::plain();
    let clock = sandbox.home().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let started = said(
        sandbox
            .command(&["start"])
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .output()
            .unwrap(),
    );
    assert_eq!(started.code, 0, "{started:?}");
    let before = sandbox.service("postgres")["pid"].clone();
    for jump in ["+1d", "-1d", "+0"] {
        std::fs::write(&clock, jump).unwrap();
        assert_eq!(sandbox.sql("select 1 as one")[0]["one"], 1);
        assert_eq!(sandbox.graphql("{ __typename }")["data"]["__typename"], "query_root");
    }
    assert_eq!(sandbox.service("postgres")["pid"], before);
    assert_eq!(sandbox.service("postgres")["restarts"], 0);
    sandbox.ok(&["stop"]);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
}
