//! The inbox in a real Chromium: what a person sees, and what a mail cannot do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mail::Message;

use crate::support::{self, Catcher};
use crate::webdriver::Browser;

struct Running {
    catcher: Catcher,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (catcher, listener) = runtime
            .block_on(async { (support::start().await, tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()) });
        let address = listener.local_addr().unwrap();
        let router = catcher.handle.router();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { catcher, address, runtime }
    }

    fn deliver(&self, subject: &str, html: &str) {
        let mut message =
            Message::new("shop@example.com".parse().unwrap(), vec!["ann@example.com".parse().unwrap()], subject);
        message.html = Some(html.to_owned());
        message.text = Some("the text of it: https://example.com/in-text".to_owned());
        self.runtime.block_on(self.catcher.handle.deliver(&message)).unwrap();
    }

    /// A place that counts who comes; its address.
    fn elsewhere(&self) -> (SocketAddr, Arc<AtomicUsize>) {
        let visits = Arc::new(AtomicUsize::new(0));
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let counted = visits.clone();
        self.runtime.spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        (address, visits)
    }
}

const SUBJECTS: &str =
    "[...document.querySelectorAll('.mails .what .subject')].map((line) => line.textContent).join('\\n')";

/// At once: the list may be replaced between finding and clicking.
const FIRST: &str = "document.querySelector('.mails a').click()";

#[test]
fn mails_come_in_live_and_are_read_and_deleted() {
    let running = Running::start();
    let browser = Browser::open();
    browser.go(&format!("http://{}/", running.address));
    browser.wait("document.body.innerText.includes('No messages yet')");
    running.deliver("Sign in <b>now</b>", "<p>Press <a href='https://example.com/verify?ticket=1'>here</a></p>");
    // Without the page being loaded again, and as it was written.
    browser.wait(&format!("{SUBJECTS}.includes('Sign in <b>now</b>')"));
    browser.wait("document.querySelector('.mails .unread')");
    running.deliver("Another", "<p>x</p>");
    browser.wait("document.querySelectorAll('.mails li').length === 2");

    browser.type_into("#search", "subject:now");
    browser.click(".toolbar button");
    browser.wait("document.querySelectorAll('.mails li').length === 1");
    browser.script(FIRST);
    browser.wait("document.querySelector('iframe.mail-frame')");
    browser.click(".faces a[href='?face=text']");
    browser.wait("document.querySelector('.mail-text').textContent.includes('the text of it')");
    browser.click(".faces a[href='?face=links']");
    browser.wait("document.querySelector('.links a').href === 'https://example.com/verify?ticket=1'");
    browser.click("form.last button");
    browser.wait("location.pathname === '/' && document.querySelectorAll('.mails li').length === 1");
    browser.wait(&format!("{SUBJECTS}.endsWith('Another') && document.querySelector('.mails .unread')"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_mail_runs_nothing_and_asks_nobody() {
    let running = Running::start();
    let (elsewhere, visits) = running.elsewhere();
    running.deliver(
        "Hello",
        &format!(
            "<p id='words'>Hello</p><script>top.document.title = 'stolen'; fetch('http://{elsewhere}/script')</script>\
             <img src='http://{elsewhere}/pixel.gif' onerror=\"top.document.title = 'stolen'\">\
             <link rel='stylesheet' href='http://{elsewhere}/style.css'>\
             <form action='http://{elsewhere}/form'><button>Send</button></form>"
        ),
    );
    let browser = Browser::open();
    browser.go(&format!("http://{}/", running.address));
    browser.wait("document.querySelector('.mails a')");
    browser.script(FIRST);
    browser.wait("document.querySelector('iframe.mail-frame')");
    browser.wait(
        "performance.getEntriesByType('resource').some((one) => one.name.endsWith('/frame') && one.responseEnd > 0)",
    );
    // Of another origin than the page: neither can look into the other.
    browser.wait("document.querySelector('iframe.mail-frame').contentDocument === null");
    let shown =
        browser.script("return fetch(document.querySelector('iframe.mail-frame').src).then((answer) => answer.text())");
    assert!(shown.as_str().unwrap().contains("Hello"), "{shown}");
    assert!(browser.script("return document.title").as_str().unwrap().starts_with("Hello"));
    assert_eq!(visits.load(Ordering::SeqCst), 0, "nothing is loaded from elsewhere");

    // Pictures are, when a person wants it; nothing else.
    browser.click("p.hint a");
    browser.wait("location.search.includes('remote=1') && document.querySelector('iframe.mail-frame')");
    let began = std::time::Instant::now();
    while visits.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "the picture is loaded");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(browser.script("return document.title").as_str().unwrap().starts_with("Hello"));
}
