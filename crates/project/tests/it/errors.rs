use std::collections::BTreeSet;
use std::path::PathBuf;

use project::{CODES, Diagnostic, EnvName, Error, Tier};

/// One of each. The match below fails to compile when a variant is added and forgotten here.
fn samples() -> Vec<Error> {
    let io = || std::io::Error::other("x");
    let name = || "X".to_owned();
    let samples = vec![
        Error::NoProject { from: PathBuf::new() },
        Error::Settings(Vec::new()),
        Error::Io { doing: "read", path: PathBuf::new(), source: io() },
        Error::UnknownSetting { name: name(), suggestion: None },
        Error::WrongValue { name: name(), reason: String::new() },
        Error::Busy { name: name(), pid: None, path: PathBuf::new() },
        Error::NoTerminal,
        Error::VariableName { name: name() },
        Error::UnknownEnvironment { name: name(), known: Vec::new() },
        Error::EnvironmentName(name()),
        Error::EnvironmentExists(EnvName::dev()),
        Error::EnvironmentKept { name: EnvName::dev(), reason: "" },
        Error::Refused { project: name(), tier: Tier::Prod, reason: "" },
        Error::Blocked { what: "" },
        Error::Raw,
        Error::ServerFile { path: PathBuf::new(), reason: String::new() },
        Error::Secrets { environment: EnvName::dev(), problems: Vec::new() },
        Error::SecretOnCommandLine(name()),
        Error::NotGenerated(name()),
        Error::Random(String::new()),
    ];
    for sample in &samples {
        match sample {
            Error::NoProject { .. }
            | Error::Settings(_)
            | Error::Io { .. }
            | Error::UnknownSetting { .. }
            | Error::WrongValue { .. }
            | Error::Busy { .. }
            | Error::NoTerminal
            | Error::VariableName { .. }
            | Error::UnknownEnvironment { .. }
            | Error::EnvironmentName(_)
            | Error::EnvironmentExists(_)
            | Error::EnvironmentKept { .. }
            | Error::Refused { .. }
            | Error::Blocked { .. }
            | Error::Raw
            | Error::ServerFile { .. }
            | Error::Secrets { .. }
            | Error::SecretOnCommandLine(_)
            | Error::NotGenerated(_)
            | Error::Random(_) => {}
        }
    }
    samples
}

#[test]
fn every_code_has_one_error_and_one_page() {
    let used: Vec<String> = samples().iter().map(|error| error.code().to_owned()).collect();
    assert_eq!(used.iter().map(String::as_str).collect::<BTreeSet<_>>(), CODES.iter().copied().collect());
    assert_eq!(used.len(), CODES.len());
    let pages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/errors");
    for code in CODES {
        let page = std::fs::read_to_string(pages.join(format!("{code}.md"))).unwrap_or_default();
        assert!(page.starts_with(&format!("# {code}: ")), "assets/errors/{code}.md");
        for part in ["**What it means**", "**Why it happens**", "**What to do**"] {
            assert!(page.contains(part), "{code}: {part}");
        }
    }
}
