use project::init::{Action, Options, init};
use project::{Error, Project, catalogue, dotenv, secrets};

use crate::Folder;

fn options() -> Options {
    Options::default()
}

#[test]
fn a_new_project_starts_at_once() {
    let folder = Folder::new(&[]);
    let root = folder.path().join("My Shop");
    let report = init(&root, &options()).unwrap();
    assert_eq!(report.project, "my-shop");
    let settings = Project::at(&root).settings(None).unwrap();
    assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    assert_eq!(settings.text("PROJECT_NAME"), Some("my-shop"));
    assert_eq!(settings.text("BASE_DOMAIN"), Some("localhost"));
    secrets::check(&settings).unwrap();
    assert_eq!(
        report.secrets,
        ["POSTGRES_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY", "MINIO_ROOT_PASSWORD"]
    );
    assert_eq!(folder.mode("My Shop/.env"), 0o600);
    for file in [".env.example", ".gitignore", "nself.toml"] {
        assert_eq!(folder.mode(&format!("My Shop/{file}")), 0o644, "{file}");
    }
    assert_eq!(Project::discover(&root).unwrap().root(), root);
}

#[test]
fn a_second_run_changes_nothing() {
    let folder = Folder::new(&[]);
    for options in [options(), Options { full: true, demo: true, ..options() }] {
        init(folder.path(), &options).unwrap();
        let before = folder.read(".env");
        let report = init(folder.path(), &options).unwrap();
        assert!(report.files.iter().all(|file| file.action == Action::Kept), "{report:?}");
        assert!(report.secrets.is_empty() && report.backup.is_none());
        assert_eq!(folder.read(".env"), before);
    }
}

#[test]
fn what_is_there_stays_and_ignore_lines_are_added() {
    let folder =
        Folder::new(&[(".env", "PROJECT_NAME=old\n"), (".gitignore", "dist/\r\n.env\r\n"), ("nself.toml", "# mine\n")]);
    let report = init(folder.path(), &options()).unwrap();
    assert_eq!(report.project, "old");
    assert_eq!(folder.read(".env"), "PROJECT_NAME=old\n");
    assert_eq!(folder.read("nself.toml"), "# mine\n");
    let ignored = folder.read(".gitignore");
    assert!(ignored.starts_with("dist/\r\n.env\r\n") && ignored.contains("\n.nself/\n"));
    assert_eq!(ignored.lines().filter(|line| *line == ".env").count(), 1);
}

#[test]
fn force_keeps_copies_and_the_database_password() {
    let folder = Folder::new(&[]);
    init(folder.path(), &options()).unwrap();
    let password = Project::at(folder.path()).settings(None).unwrap().secret("POSTGRES_PASSWORD").unwrap();
    let edited = folder.read(".env") + "REDIS_PORT=7000\n";
    folder.write(".env", &edited);
    let report = init(folder.path(), &Options { force: true, ..options() }).unwrap();
    let backup = report.backup.unwrap();
    assert_eq!(folder.read(&format!("{}/.env", backup.display())), edited);
    assert_eq!(folder.mode(&format!("{}/.env", backup.display())), 0o600);
    assert_eq!(folder.mode(".env-backups"), 0o700);
    assert!(!folder.read(".env").contains("7000"));
    assert!(Project::at(folder.path()).settings(None).unwrap().secret("POSTGRES_PASSWORD").unwrap() == password);
}

#[test]
fn full_and_demo_bring_their_files() {
    let folder = Folder::new(&[]);
    let report = init(folder.path(), &Options { full: true, demo: true, ..options() }).unwrap();
    for file in [".env.dev", ".env.staging", ".env.prod", "schema.dbml", "nself/migrations", "nself/seeds"] {
        assert!(folder.exists(file), "{file}");
    }
    assert_eq!(folder.mode(".env.secrets"), 0o600);
    assert!(!folder.exists("settings.env"));
    assert_eq!(report.project, "demo-app");
    for env in ["dev", "staging", "prod"] {
        let settings = folder.project().settings(Some(env)).unwrap();
        assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    }
    assert_eq!(report.files.last().unwrap().path.to_str(), Some(".env"));
}

#[test]
fn a_failure_takes_everything_back() {
    // A folder where a file should be makes one write fail, whoever runs the test.
    let folder = Folder::new(&[("schema.dbml/x", ""), (".gitignore", "dist/\n")]);
    let error =
        init(&folder.path().join("."), &Options { full: true, demo: true, force: true, ..options() }).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    let mut left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".gitignore", "schema.dbml"]);
    assert_eq!(folder.read(".gitignore"), "dist/\n");
}

#[test]
fn answers_are_checked_and_kept() {
    let folder = Folder::new(&[]);
    let answers = |pairs: &[(&str, &str)]| Options {
        settings: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..options()
    };
    assert!(matches!(init(folder.path(), &answers(&[("PROJECT_NAME", "no good!")])), Err(Error::WrongValue { .. })));
    assert!(!folder.exists(".env"));
    let report = init(folder.path(), &answers(&[("PROJECT_NAME", "tea"), ("REDIS_ENABLED", "true")])).unwrap();
    assert_eq!(report.project, "tea");
    assert!(report.secrets.contains(&"REDIS_PASSWORD".to_owned()));
}

#[test]
fn the_example_lists_every_setting_and_sets_none() {
    let example = catalogue::example();
    assert_eq!(dotenv::parse(&example), dotenv::File::default());
    let uncommented: String = example
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let named = dotenv::parse(
        &uncommented
            .replace("<SERVICE>", "AUTH")
            .replace("<NAME>", "GITHUB")
            .replace("_N_", "_1_")
            .replace("CS_N=", "CS_1="),
    );
    assert_eq!(named.faults, []);
    assert_eq!(named.entries.len(), catalogue::all().len());
    assert!(catalogue::reference().lines().count() > catalogue::all().len());
}

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "run by a_run_that_is_killed_anywhere_is_finished_by_the_next_one"]
fn victim() {
    if let Some(root) = std::env::var_os("NSELF_TEST_ROOT") {
        init(root.as_ref(), &Options { full: true, demo: true, ..options() }).unwrap();
    }
}

#[test]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next_one() {
    let options = Options { full: true, demo: true, ..options() };
    let whole = Folder::new(&[]);
    let files: Vec<_> = init(whole.path(), &options).unwrap().files.into_iter().map(|file| file.path).collect();
    let points = files.iter().map(|file| format!("init.after-{}", file.display()));
    for point in points.chain(["project.before-rename".to_owned()]) {
        let folder = Folder::new(&[]);
        let killed = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["init::victim", "--exact", "--ignored"])
            .env("NSELF_TEST_ROOT", folder.path())
            .env("NSELF_FAULT", &point)
            .output()
            .unwrap();
        assert!(!killed.status.success(), "{point} is no fault point");
        let had = folder.exists(".env").then(|| folder.read(".env"));
        init(folder.path(), &options).unwrap();
        for file in &files {
            let file = file.to_str().unwrap();
            assert!(folder.exists(file), "{point}: {file}");
            assert_eq!(folder.mode(file), whole.mode(file), "{point}: {file}");
            if file != ".env" {
                assert_eq!(folder.read(file), whole.read(file), "{point}: {file}");
            }
        }
        assert!(had.is_none_or(|had| had == folder.read(".env")), "{point}: secrets must not change");
        secrets::check(&folder.project().settings(None).unwrap()).unwrap();
        let left =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(left.filter(|name| name.contains("unfinished")).count(), 0, "{point}");
    }
}
