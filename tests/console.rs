//! `nself console open`: who gets in, with what, and what other users of the machine can see of it.

use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Sandbox, http, said};

#[test]
fn a_link_signs_in_once_and_is_written_nowhere() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let (code, page) = http(sandbox.http, "GET", "/console", &[], "");
    assert_eq!(code, 401);
    assert!(page.contains("nself console open"), "{page}");

    let opened = sandbox.json(&["console", "open", "--print"]);
    let (_, token) = opened["link"].as_str().unwrap().split_once('#').unwrap();
    let origin = format!("http://localhost:{}", sandbox.http);
    let headers = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let sign_in = || http(sandbox.http, "POST", "/console/login", &headers, &format!("token={token}")).0;
    assert_eq!([sign_in(), sign_in()], [204, 401]);

    sandbox.ok(&["stop"]);
    let logs = std::fs::read_dir(sandbox.folder().join(".nself/logs")).unwrap();
    for log in logs.map(|entry| entry.unwrap().path()) {
        assert!(!std::fs::read_to_string(&log).unwrap_or_default().contains(token), "{} has the token", log.display());
    }
}

#[test]
fn the_browser_is_started_with_a_private_file() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let bin = sandbox.home().join("bin");
    let opener = bin.join("xdg-open");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(&opener, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}/seen'\n", bin.display())).unwrap();
    std::fs::set_permissions(&opener, PermissionsExt::from_mode(0o755)).unwrap();

    let mut open = sandbox.command(&["console", "open"]);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let said = said(open.env("PATH", path).env("DISPLAY", ":0").output().unwrap());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!said.stdout.contains("login#"), "the link is with the browser: {}", said.stdout);

    let seen = std::fs::read_to_string(bin.join("seen")).unwrap();
    let page = sandbox.folder().join(".nself/run/console.html");
    assert_eq!(std::path::Path::new(seen.trim()), page);
    assert_eq!(std::fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&page).unwrap().contains("/console/login#"));
}
