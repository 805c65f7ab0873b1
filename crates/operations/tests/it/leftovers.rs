use operations::destroy::{self, Scope};
use operations::doctor::{self, Certificate, Machine, Status, Subject};
use operations::{clean, reset};

use crate::fixture::{ENV, Fixture, allowed, reset as do_reset, run_child};

#[test]
fn clean_takes_leftovers_and_nothing_else() {
    let fixture = Fixture::new();
    assert!(run_child("reset::child", fixture.folder.path(), "reset.moved"));
    fixture.data("second");
    fixture.write(".nself/run/control.sock", "", 0o600);
    fixture.write(".nself/logs/api.log", "{}\n", 0o600);
    fixture.write(".nself/logs/api.log.20260101.gz", "x", 0o600);
    fixture.write("_backup/.shop_x.partial", "x", 0o600);
    let plan = clean::plan(&fixture.project, false, false);
    let whats: Vec<_> = plan.removes.iter().map(|item| item.what).collect();
    assert_eq!(
        whats,
        ["left by a removal", "left by a removal", "unfinished archive", "rotated log", "stale run file"]
    );
    let lock = fixture.project.lock("server").unwrap();
    plan.apply(Some(&lock)).unwrap();
    assert!(clean::plan(&fixture.project, false, false).is_empty());
    assert_eq!(fixture.mark().as_deref(), Some("second"));
    assert_eq!(fixture.archives().len(), 1);
    assert!(fixture.path(".nself/logs/api.log").exists());
    assert_eq!(clean::plan(&fixture.project, true, true).removes, [], "a running stack's log stays");
    clean::plan(&fixture.project, true, false).apply(Some(&lock)).unwrap();
    assert!(!fixture.path(".nself/logs/api.log").exists());
}

#[test]
fn clean_never_takes_what_a_restore_waits_to_swap_in() {
    let fixture = Fixture::new();
    do_reset(&fixture.project, 1, reset::Options::default()).unwrap();
    fixture.data("second");
    assert!(run_child("restore::child", fixture.folder.path(), "restore.moved-old"));
    clean::plan(&fixture.project, true, false).apply(Some(&fixture.project.lock("server").unwrap())).unwrap();
    operations::restore::resume(&fixture.project).unwrap();
    assert_eq!(fixture.mark().as_deref(), Some("first"));
}

#[test]
fn destroy_takes_what_nself_made_and_follows_the_link() {
    let fixture = Fixture::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("shop");
    std::fs::rename(fixture.path(".nself/data"), &target).unwrap();
    std::os::unix::fs::symlink(&target, fixture.path(".nself/data")).unwrap();
    let lock = fixture.project.lock("server").unwrap();

    let plan = destroy::plan(&fixture.project, "shop", Scope::Generated);
    assert!(plan.removes.iter().all(|item| item.what == "generated"));
    plan.apply(&lock, allowed()).unwrap();
    assert!(fixture.mark().is_some() && !fixture.path(".nself/certs").exists());

    destroy::plan(&fixture.project, "shop", Scope::Data).apply(&lock, allowed()).unwrap();
    assert!(fixture.mark().is_none() && target.exists());
    fixture.data("again");

    destroy::plan(&fixture.project, "shop", Scope::Everything).apply(&lock, allowed()).unwrap();
    assert!(!target.exists() && fixture.path(".nself/data").symlink_metadata().is_err());
    assert_eq!(fixture.read(".env").as_deref(), Some(ENV), "what the user wrote stays");
}

#[test]
fn doctor_sees_ports_settings_data_and_leftovers() {
    let fixture = Fixture::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fixture.write(".env", &format!("ENV=dev\nPROJECT_NAME=shop\nPOSTGRES_PORT={port}\n"), 0o644);
    fixture.write("_backup/.shop_x.partial", "x", 0o600);
    let inspection = fixture.project.inspect(None).unwrap();
    let plan = stack::Plan::new(&inspection.settings).unwrap();
    let machine = Machine { memory: 8 << 30, disk: 80 << 30, writable: true, git: true };
    let subject = |running| Subject {
        project: &fixture.project,
        inspection: &inspection,
        plan: Some(&plan),
        running,
        certificate: Certificate::NotYet,
    };
    let report = doctor::examine(&machine, Some(&subject(false)), jiff::Timestamp::now());
    let find =
        |report: &doctor::Report, name: &str| report.checks.iter().find(|check| check.name == name).cloned().unwrap();
    let taken = find(&report, &format!("port {port}"));
    assert_eq!(taken.status, Status::Fail);
    assert!(taken.found.contains("POSTGRES_PORT") && taken.found.contains("process"), "{taken:?}");
    assert_eq!(report.status, Status::Fail);
    let left = find(&report, "leftovers");
    assert!(left.status == Status::Warn && left.fix.unwrap().action.is_some());
    assert_eq!(find(&report, "clock").status, Status::Ok);
    let report = doctor::examine(&machine, Some(&subject(true)), jiff::Timestamp::now());
    assert_eq!(find(&report, &format!("port {port}")).status, Status::Ok, "our own");
    let past = "2001-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(find(&doctor::examine(&machine, Some(&subject(true)), past), "clock").status, Status::Warn);
    let nowhere = doctor::examine(&machine, None, jiff::Timestamp::now());
    assert_eq!(find(&nowhere, "project").status, Status::Warn);
}
