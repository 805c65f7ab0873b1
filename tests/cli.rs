//! The command line as a whole: help that teaches, codes, streams, generated pages.

use crate::sandbox::Sandbox;

fn leaves(command: &cli::Clap, path: &str, found: &mut Vec<(String, String)>) {
    let inner: Vec<_> = command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if inner.is_empty() {
        found.push((path.to_owned(), help));
    }
    for inner in inner {
        leaves(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let mut found = Vec::new();
    leaves(&cli::command(), "nself", &mut found);
    assert!(found.len() > 40, "only {} commands were found", found.len());
    let silent: Vec<_> = found
        .iter()
        .filter(|(path, help)| {
            // A group that is mounted in two places shows its shorter spelling.
            let verb = path.rsplit(' ').next().unwrap();
            !help.starts_with("Example") || !help.contains("  nself ") || !help.contains(verb)
        })
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "without an example in their help: {silent:?}");
}

#[test]
fn version_says_itself_in_three_ways() {
    let sandbox = Sandbox::new();
    let short = sandbox.ok(&["version", "--short"]);
    assert_eq!(short.trim(), env!("CARGO_PKG_VERSION"));
    assert!(sandbox.ok(&["version"]).contains(short.trim()));
    assert_eq!(sandbox.json(&["version"])["version"], short.trim());
    assert_eq!(sandbox.ok(&["-v"]), short);
    assert_eq!(sandbox.ok(&["--version"]), sandbox.ok(&["version"]));
}

#[test]
fn no_arguments_show_help_and_a_typo_a_suggestion() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&[]);
    assert!(help.stdout.contains("nself init --demo"), "{help:?}");
    let typo = sandbox.run(&["statsu"]);
    assert_eq!(typo.code, 2);
    assert!(typo.stderr.contains("status"), "{}", typo.stderr);
}

#[test]
fn outside_a_project_commands_say_what_to_do() {
    let sandbox = Sandbox::new();
    let said = sandbox.run(&["status"]);
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("error[NS-SET-") && said.stderr.contains("nself init"), "{}", said.stderr);
    let json = sandbox.run(&["status", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(error["error"]["code"].as_str().unwrap().starts_with("NS-SET-"));
}

#[test]
fn completions_and_manual_pages_come_from_the_same_declaration() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(sandbox.ok(&["completion", shell]).contains("postgres"), "{shell}");
    }
    sandbox.ok(&["man", "--output", "man"]);
    assert!(sandbox.folder().join("man/nself-start.1").is_file());
}

#[test]
fn the_reference_pages_are_up_to_date() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["reference", "--output", "reference"]);
    let committed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    for page in ["commands.md", "variables.md", "hasura-settings.md", "errors.md"] {
        let now = std::fs::read_to_string(sandbox.folder().join("reference").join(page)).unwrap();
        let then = std::fs::read_to_string(committed.join(page)).unwrap_or_default();
        assert!(now == then, "docs/reference/{page} is old; run: nself reference --output docs/reference");
    }
}

#[test]
fn a_wrong_command_line_is_json_for_those_who_read_json() {
    let sandbox = Sandbox::new();
    for arguments in [&["--json", "statsu"][..], &["status", "--json", "--nope"], &["config", "--json", "get"]] {
        let said = sandbox.run(arguments);
        assert_eq!(said.code, 2, "{said:?}");
        let error: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(error["error"]["code"], "NS-CLI-001", "{said:?}");
    }
}

#[test]
fn spellings_of_the_bash_tool_work_and_say_nothing_about_it() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "--quiet"]);
    for arguments in [
        &["validate"][..],
        &["config", "validate", "--security"],
        &["secrets", "list"],
        &["config", "env", "list"],
        &["config", "secrets", "get", "POSTGRES_PASSWORD", "--reveal"],
        &["status", "--fast", "--all-envs", "--no-health", "--format", "json"],
        &["logs", "--quiet", "--compact", "--all"],
        &["logs", "-e"],
        &["urls", "--env", "staging"],
        &["ssl", "status"],
        &["build", "--no-cache", "--allow-insecure"],
        &["update", "--cli", "--check"],
    ] {
        let said = sandbox.run(arguments);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{arguments:?}: {said:?}");
    }
}

#[test]
fn a_service_that_is_not_there_is_said_so() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "--quiet"]);
    sandbox.ok(&["logs", "postgres", "server"]);
    for arguments in [["logs", "nope"], ["status", "nope"], ["exec", "nope"]] {
        let said = sandbox.run(&arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("NS-RUN-006"), "{said:?}");
    }
}

#[test]
fn validation_finds_what_build_would_refuse() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "--quiet"]);
    std::fs::write(sandbox.folder().join(".env.local"), "CS_1=..:custom\n").unwrap();
    assert_eq!(sandbox.run(&["build"]).code, 2);
    let said = sandbox.run(&["config", "validate"]);
    assert_eq!(said.code, 2);
    assert!(said.stdout.contains("CS_1"), "{said:?}");
}
