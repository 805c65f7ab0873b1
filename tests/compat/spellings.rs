//! Old spellings, old flags, and scripts without a terminal.

use crate::sandbox::Sandbox;

#[test]
fn version_and_help_have_all_their_forms() {
    let sandbox = Sandbox::new();
    for help in [&["help"][..], &["--help"], &["-h"], &[]] {
        assert!(sandbox.ok(help).contains("init"), "{help:?}");
    }
    assert_eq!(sandbox.ok(&["help", "status"]), sandbox.ok(&["status", "--help"]));
    let short = sandbox.ok(&["version", "--short"]);
    assert_eq!(short, sandbox.ok(&["-v"]));
    assert!(sandbox.ok(&["--version"]).contains(short.trim()));
    let unknown = sandbox.run(&["frobnicate"]);
    assert_ne!(unknown.code, 0);
    assert!(unknown.stderr.contains("frobnicate") && unknown.stdout.is_empty(), "{unknown:?}");
}

/// Every spelling answers like the one beside it.
#[test]
fn old_spellings_answer_like_the_new_ones() {
    let sandbox = Sandbox::plain();
    let pairs: &[(&[&str], &[&str])] = &[
        (&["config", "env", "list"], &["env", "list"]),
        (&["config", "env", "status"], &["env", "status"]),
        (&["env", "validate"], &["config", "validate"]),
        (&["down"], &["stop"]),
        (&["db", "seed", "--help"], &["seed", "--help"]),
        (&["up", "--help"], &["start", "--help"]),
        (&["db", "migrate", "status", "--help"], &["db", "migrate:status", "--help"]),
        (&["db", "migrate", "down", "--help"], &["db", "migrate:rollback", "--help"]),
        (&["db", "migrate", "create", "--help"], &["db", "migrate:create", "--help"]),
    ];
    for (old, new) in pairs {
        // A usage line shows the spelling that was typed.
        let said = |arguments| {
            let text = sandbox.ok(arguments);
            text.lines()
                .filter(|line| !line.starts_with("Usage:") && !line.starts_with("       nself "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(said(old), said(new), "{old:?} and {new:?}");
    }
    // The commands of the Bash tool that this version has, all with --help.
    let all = [
        "init",
        "build",
        "start",
        "up",
        "stop",
        "down",
        "restart",
        "reset",
        "clean",
        "restore",
        "destroy",
        "update",
        "version",
        "status",
        "logs",
        "exec",
        "urls",
        "doctor",
        "health",
        "trust",
        "env",
        "config",
        "db",
        "completion",
    ];
    for command in all {
        sandbox.ok(&[command, "--help"]);
        sandbox.ok(&["help", command]);
    }
}

#[test]
fn without_a_terminal_nothing_waits_for_an_answer() {
    let sandbox = Sandbox::plain();
    sandbox.ok(&["build"]);
    for command in [&["reset"][..], &["destroy"], &["init", "--wizard"]] {
        let said = sandbox.run(command);
        assert_ne!(said.code, 0, "{command:?} went on without an answer: {}", said.stdout);
        assert!(said.stderr.contains("error[NS-"), "{command:?}: {}", said.stderr);
        assert!(sandbox.folder().join(".env").is_file());
    }
}

/// Everyday commands with flags of the Bash tool; they run.
const RUN: &[&[&str]] = &[
    &["build", "--force", "--verbose"],
    &["build", "--no-cache"],
    &["build", "--debug"],
    &["build", "--security-report"],
    &["build", "--allow-insecure"],
    &["status", "--detailed"],
    &["status", "--all-envs", "--no-health"],
    &["status", "--show-ports"],
    &["urls", "--all"],
    &["urls", "--check-conflicts"],
    &["urls", "--env", "staging"],
    &["stop", "--remove-orphans"],
    &["stop", "--graceful", "5"],
    &["logs", "--errors"],
    &["logs", "--level", "error", "--search", "x", "-n", "5"],
    &["destroy", "--dry-run"],
    &["version", "--json"],
    &["restore", "--list"],
];

/// Further flags of its commands; they must be understood. Not among them: `logs --status|--summary|--top`, reports of
/// their own that this version does not have, and `exec -u`, because a service has no other user here.
const UNDERSTOOD: &[&str] = &[
    "start --verbose -v --debug -d --skip-health-checks --timeout=5 --fresh --force-recreate --clean-start --quick",
    "stop --rmi --remove-orphans --verbose --volumes -v --graceful",
    "restart --all -a --smart -s --verbose -v",
    "clean --images -i --containers -c --volumes -v --networks -n --builders -b --all -a",
    "destroy --force -f -y --dry-run --keep-volumes --containers-only --volumes-only --networks-only --generated-only --verbose",
    "reset --force -f --no-backup --keep-env",
    "restore --list -l --force -f -v",
    "update --check --cli --admin --force --restart",
    "status --watch -w --interval=5 -i5 --fast --format=table",
    "logs --follow -f --errors -e --quiet -q --tail=5 --search=x --level=error --compact -c --more --all",
    "doctor --verbose -v --fix",
    "health --timeout=3 --interval=1 --retries=1 --quiet",
];

#[test]
fn old_flags_are_accepted() {
    let sandbox = Sandbox::plain();
    let mut refused = Vec::new();
    for command in RUN {
        let said = sandbox.run(command);
        if said.code != 0 {
            refused.push(format!("nself {}: {}", command.join(" "), said.stderr.lines().next().unwrap_or_default()));
        }
    }
    for flags in UNDERSTOOD {
        let (command, flags) = flags.split_once(' ').unwrap();
        for flag in flags.split(' ') {
            // --help ends it before anything happens, and after the flag was read.
            if sandbox.run(&[command, flag, "--help"]).code != 0 {
                refused.push(format!("nself {command} {flag}"));
            }
        }
    }
    for flags in [&["-it"][..], &["-T"]] {
        let command = [&["exec"], flags, &["postgres"]].concat();
        // There is no stack to run it in; that is said once the flags are read.
        if sandbox.run(&command).stderr.contains("unexpected argument") {
            refused.push(format!("nself {}", command.join(" ")));
        }
    }
    assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));
}
