use std::process::{Command, Stdio};

use project::leaks::{Leak, check};

use crate::Folder;

fn git(folder: &Folder, arguments: &[&str]) {
    let done = Command::new("git").arg("-C").arg(folder.path()).args(arguments).stdout(Stdio::null()).status().unwrap();
    assert!(done.success());
}

#[test]
fn tracked_secrets_are_found() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[
        (".env", "POSTGRES_PASSWORD=a-very-own-password-1\nPOSTGRES_PORT=5432\n"),
        (".env.secrets", "HASURA_JWT_KEY=another-own-key-of-mine\n"),
        (".env.dev", "POSTGRES_PORT=5432\n"),
        (".gitignore", ".env.secrets\n"),
        ("src/config.js", "// x\nconst password = 'a-very-own-password-1'\n"),
        ("untracked.txt", "another-own-key-of-mine"),
        (".environments/prod/.env.secrets", "SMTP_PASS=mail-password-of-prod\n"),
    ]);
    for private in [".env", ".env.secrets"] {
        std::fs::set_permissions(folder.path().join(private), PermissionsExt::from_mode(0o600)).unwrap();
    }
    std::fs::set_permissions(folder.path().join(".environments/prod/.env.secrets"), PermissionsExt::from_mode(0o644))
        .unwrap();
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", ".env", "src", ".gitignore", ".env.dev"]);
    let leaks = check(folder.path()).unwrap();
    assert_eq!(
        leaks,
        [
            Leak::Readable { file: ".environments/prod/.env.secrets".into(), mode: 0o644 },
            Leak::TrackedFile { file: ".env".into() },
            Leak::Value { name: "POSTGRES_PASSWORD".into(), file: "src/config.js".into(), line: 2 },
        ],
        "the lines of .gitignore without a slash count in every folder"
    );
    assert!(leaks.iter().all(|leak| !leak.problem().to_string().contains("a-very-own")));
}

#[test]
fn a_file_nothing_ignores_is_named() {
    let folder = Folder::new(&[(".env.local", "POSTGRES_PASSWORD=a-very-own-password-1\n")]);
    std::fs::set_permissions(folder.path().join(".env.local"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    assert_eq!(check(folder.path()).unwrap(), []);
    git(&folder, &["init", "-q"]);
    assert_eq!(check(folder.path()).unwrap(), [Leak::NotIgnored { file: ".env.local".into() }]);
}
