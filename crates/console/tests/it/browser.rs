//! The console in a real Chromium: what a person sees and does.

use std::net::SocketAddr;
use std::sync::Arc;

use console::{Handle, Options, Service};
use serde_json::json;
use stack::log::Level;
use stack::status::State;

use crate::fake::FakeStack;
use crate::webdriver::Browser;

struct Running {
    stack: Arc<FakeStack>,
    console: Handle,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

fn serve() -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let stack = Arc::new(FakeStack::new());
    let options = Options { stack: Arc::clone(&stack) as _, base_url: format!("http://localhost:{}", address.port()) };
    let console = runtime.block_on(async { Service::start(options) });
    let router = console.router();
    runtime.spawn(async move { axum::serve(listener, router).await });
    Running { stack, console, address, runtime }
}

/// Some minutes in the life of a shop.
fn talk(stack: &FakeStack) {
    stack.say("postgres", Level::Info, "database system is ready to accept connections");
    stack.say("hasura", Level::Info, "read 12 tables, 14 relationships and 2 functions in 18 ms");
    stack.say("gateway", Level::Info, "POST /v1/graphql 200 4 ms");
    stack.say("worker", Level::Debug, "polling queue emails");
    stack.say("worker", Level::Info, "sent order confirmation to 3 customers");
    stack.say("gateway", Level::Info, "GET /v1/graphql 405 0 ms");
    stack.say("postgres", Level::Warn, "checkpoints are occurring too frequently (9 seconds apart)");
    stack.say("worker", Level::Error, "Error: connect ECONNREFUSED 127.0.0.1:1025\n    at TCPConnectWrap.afterConnect (node:net:1607:16)\n    at async send (/srv/shop/services/worker/mail.js:41:5)");
    stack.say("worker", Level::Info, "retrying in 5 s");
}

fn sign_in(browser: &Browser, running: &Running) {
    browser.go(&running.console.sign_in_link());
    browser.wait("location.pathname === '/console' && document.querySelector('#services')");
}

const SHOWN: &str = "[...document.querySelectorAll('.line:not([hidden])')].map((line) => line.textContent).join('\\n')";

#[test]
fn a_person_signs_in_watches_and_leaves() {
    let running = serve();
    let browser = Browser::open();
    talk(&running.stack);

    browser.go(&format!("http://localhost:{}/console", running.address.port()));
    browser.wait("document.body.innerText.includes('nself console open')");
    browser.picture("refused.png");
    assert!(browser.complaints().iter().all(|line| line.contains("401")), "the 401 itself is all there is to say");

    let link = running.console.sign_in_link();
    browser.go(&link);
    browser.wait("location.pathname === '/console'");
    browser.wait("document.querySelector('#summary').textContent === 'All services ready'");
    assert_eq!(browser.script("return document.cookie"), json!(""), "scripts cannot read the session");
    browser.wait(&format!("{SHOWN}.includes('read 12 tables')"));
    browser.picture("console.png");

    running.stack.set("worker", State::Restarting, Some("exit code 1; next try in 5 s"));
    browser.wait("document.querySelector('#summary').textContent === '2 of 3 services ready'");
    browser.wait("document.querySelector('#service-worker .state').textContent === 'Restarting'");
    running.stack.set("worker", State::Failed, Some("it ended 5 times within a minute; last exit code 1"));
    browser.wait("document.querySelector('#summary').textContent === 'worker failed'");
    browser.picture("failed.png");

    running.stack.say("hasura", Level::Info, "a line that came live <b>bold</b>");
    browser.wait(&format!("{SHOWN}.includes('a line that came live <b>bold</b>')"));
    assert_eq!(browser.script("return document.querySelectorAll('.line b').length"), json!(0));

    browser.click("form[action='/console/logout'] button");
    browser.wait("location.pathname === '/console/login'");
    browser.go(&format!("http://localhost:{}/console", running.address.port()));
    browser.wait("document.body.innerText.includes('Sign in to the console')");
    browser.go(&link);
    browser.wait("document.body.innerText.includes('This link no longer works')");
    assert!(!browser.address().contains('#'), "the token is out of the address bar");
    browser.picture("used-link.png");
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|line| line.contains("401")), "{complaints:#?}");
}

#[test]
fn graphiql_asks_as_the_role_that_was_chosen() {
    let running = serve();
    let browser = Browser::open();
    sign_in(&browser, &running);
    browser.click("a[href='/console/graphiql']");
    browser.wait("document.querySelector('.graphiql-execute-button')");
    assert_eq!(browser.script("return document.querySelector('#roles option').value"), json!("user"));

    let run = |role: &str| {
        browser.type_into("#role", role);
        browser.click("#as button");
        browser.wait("document.querySelector('.graphiql-execute-button')");
        browser.script("document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue('{ a }')");
        browser.click(".graphiql-execute-button");
        browser.wait(&format!("document.querySelector('.result-window').innerText.includes('\"role\": \"{role}\"')"));
    };
    run("user");
    browser.picture("graphiql.png");
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|line| !line.contains("Content Security Policy")), "{complaints:#?}");
}

#[test]
fn the_file_that_the_browser_is_started_with_signs_in() {
    let running = serve();
    let browser = Browser::open();
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("console.html");
    console::write_redirect(&page, &running.console.sign_in_link()).unwrap();
    browser.go(&format!("file://{}", page.display()));
    browser.wait("location.pathname === '/console' && document.querySelector('#summary')");
}

#[test]
fn logs_can_be_narrowed_searched_and_paused() {
    let running = serve();
    let browser = Browser::open();
    talk(&running.stack);
    sign_in(&browser, &running);

    browser.click("#logs-of-worker");
    browser.wait(&format!("{SHOWN}.includes('polling queue') && !{SHOWN}.includes('405')"));
    browser.script("document.querySelector('#filter-level').value = 'error'");
    browser.script("document.querySelector('#filter-level').dispatchEvent(new Event('change'))");
    browser.wait(&format!("{SHOWN}.includes('ECONNREFUSED') && !{SHOWN}.includes('polling queue')"));
    browser.script("document.querySelector('#filter').reset()");
    browser.script("document.querySelector('#filter-service').dispatchEvent(new Event('change'))");
    browser.wait(&format!("{SHOWN}.includes('405')"));

    browser.type_into("#search", "V1/graphql");
    browser.wait("document.querySelector('#shown').textContent === '2 of 9 lines match'");
    running.stack.say("gateway", Level::Info, "POST /v1/graphql 200 6 ms");
    running.stack.say("gateway", Level::Info, "GET /health 200 0 ms");
    browser.wait("document.querySelector('#shown').textContent === '3 of 11 lines match'");
    browser.script("document.querySelector('#filter').reset()");
    browser.script("document.querySelector('#search').dispatchEvent(new Event('input'))");
    browser.wait(&format!("{SHOWN}.includes('GET /health')"));

    let fields = json!({"id": "b8d019fa2fa49a69011956bfdeaaa6ff", "host": "localhost:8080", "client": "127.0.0.1"});
    running.stack.say_with("gateway", "GET /ready 200", &fields);
    let shown = "document.querySelector('#lines').innerText";
    browser.wait(&format!("{shown}.includes('GET /ready 200') && !{shown}.includes('client=127.0.0.1')"));
    browser.click("#details");
    browser.wait(&format!("{shown}.includes('client=127.0.0.1')"));

    browser.click("#pause");
    running.stack.say("worker", Level::Info, "said while paused");
    browser.wait("document.querySelector('#pause').textContent === 'Resume (1 new)'");
    assert_eq!(browser.script(&format!("return {SHOWN}.includes('said while paused')")), json!(false));
    browser.click("#pause");
    browser.wait(&format!("{SHOWN}.includes('said while paused')"));
}

#[test]
fn a_flood_of_lines_leaves_a_bounded_page_that_still_answers() {
    let running = serve();
    let browser = Browser::open();
    sign_in(&browser, &running);
    browser.wait("document.querySelector('#nothing').offsetParent !== null");
    for n in 0..20_000 {
        running.stack.say("worker", Level::Info, &format!("line {n}. {}", "x".repeat(200)));
    }
    browser.wait(&format!("{SHOWN}.includes('line 19999.')"));
    let kept = browser.script("return document.querySelectorAll('#lines > *').length");
    assert!(kept.as_u64().unwrap() <= 1000, "{kept}");
    browser.wait("document.querySelector('#lines').innerText.includes('were left out here')");
    let bottom = "document.querySelector('#lines').scrollHeight - document.querySelector('#lines').scrollTop \
                  - document.querySelector('#lines').clientHeight < 8";
    browser.wait(bottom);

    // Somebody who reads further up is not pulled down.
    browser.script("document.querySelector('#lines').scrollTop = 0");
    browser.wait("document.querySelector('#lines').scrollTop === 0");
    running.stack.say("worker", Level::Info, "far below");
    browser.wait("!document.querySelector('#latest').hidden");
    browser.click("#latest");
    browser.wait(bottom);
}

#[test]
fn a_stack_that_stops_leaves_its_last_state_on_the_page() {
    let running = serve();
    let browser = Browser::open();
    sign_in(&browser, &running);
    browser.wait("document.querySelector('#connection').hidden");
    running.console.close();
    running.runtime.shutdown_background();
    browser.wait("!document.querySelector('#connection').hidden");
    browser.picture("stopped.png");

    // Another one in its place: its sessions are its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind(running.address)).unwrap();
    let options = Options { stack: Arc::clone(&running.stack) as _, base_url: String::new() };
    let router = Service::start(options).router();
    assert_eq!(browser.script("return document.querySelector('#summary').textContent"), json!("All services ready"));
    runtime.spawn(async move { axum::serve(listener, router).await });
    browser.wait("document.body.innerText.includes('Sign in to the console')");
}

#[test]
fn the_keyboard_reaches_everything_and_keeps_its_place() {
    let running = serve();
    let browser = Browser::open();
    talk(&running.stack);
    sign_in(&browser, &running);
    browser.wait(&format!("{SHOWN}.includes('read 12 tables')"));

    let mut order = Vec::new();
    for _ in 0..17 {
        browser.devtools(
            "Input.dispatchKeyEvent",
            &json!({"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}),
        );
        browser.devtools(
            "Input.dispatchKeyEvent",
            &json!({"type": "keyUp", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}),
        );
        let focused = browser.script("const e = document.activeElement; return e.id || e.href || e.innerText");
        order.push(focused.as_str().unwrap().to_owned());
    }
    for wanted in ["Sign out", "logs-of-worker", "filter-service", "filter-level", "search", "pause", "lines"] {
        assert!(order.iter().any(|focused| focused.contains(wanted)), "{wanted} is not reached: {order:#?}");
    }

    browser.script("document.querySelector('#logs-of-worker').focus()");
    running.stack.set("worker", State::Unhealthy, None);
    browser.wait("document.querySelector('#service-worker .state').textContent === 'Unhealthy'");
    assert_eq!(browser.script("return document.activeElement.id"), json!("logs-of-worker"));
}

#[test]
fn every_text_can_be_read() {
    let running = serve();
    let browser = Browser::open();
    talk(&running.stack);
    running.stack.set("worker", State::Failed, Some("last exit code 1"));
    running.stack.set("hasura", State::Restarting, None);
    sign_in(&browser, &running);
    browser.wait(&format!("{SHOWN}.includes('read 12 tables')"));
    for scheme in ["light", "dark"] {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.devtools("Emulation.setEmulatedMedia", &media);
        browser.wait(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
        assert_eq!(browser.script(include_str!("contrast.js")), json!([]), "{scheme}");
    }
}

#[test]
fn it_fits_a_phone_and_the_dark() {
    let running = serve();
    let browser = Browser::open();
    talk(&running.stack);
    sign_in(&browser, &running);
    browser.wait(&format!("{SHOWN}.includes('read 12 tables')"));

    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.devtools("Emulation.setEmulatedMedia", &dark);
    browser.picture("dark.png");
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", &phone);
    browser.wait("innerWidth === 390");
    assert_eq!(browser.script("return document.documentElement.scrollWidth <= innerWidth"), json!(true));
    browser.picture("phone-dark.png");
    browser.devtools("Emulation.setEmulatedMedia", &json!({"features": []}));
    browser.picture("phone.png");
    browser.script("document.querySelector('#logs').scrollIntoView()");
    browser.picture("phone-logs.png");
}
