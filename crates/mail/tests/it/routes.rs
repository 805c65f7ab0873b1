//! All routes, as documents list them. (Who is let in is tried in `api`.)

#[test]
fn the_reference_lists_them_all() {
    use std::fmt::Write;

    let mut page = "# Routes of the mail catcher\n\nAt `mail.<domain>` and on port 8025 (`MAILPIT_UI_PORT`) of this machine. Made from \
                    the code.\n\n| Method | Path | Who |\n| --- | --- | --- |\n"
        .to_owned();
    let mut routes = mail::ROUTES.to_vec();
    routes.sort_by_key(|route| (route.path, route.method));
    for route in routes {
        writeln!(page, "| {} | `{}` | {} |", route.method, route.path, route.policy.as_str()).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/mail-routes.md");
    if std::env::var_os("NSELF_UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "run this test with NSELF_UPDATE_DOCS=1");
}
