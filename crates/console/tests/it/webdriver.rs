//! Just enough of the WebDriver protocol (W3C, 2018) to use the console as a person does: Debian's Chromium through
//! its chromedriver, spoken to in JSON over plain HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Generous: a loaded machine may be slow, and an event that never comes must fail the test.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts (Debian packages chromium and chromium-driver; ./test installs them)");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| line.ok()?.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .expect("chromedriver names its port");
        // Goes on reading, so that the driver never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));

        let profile = tempfile::tempdir().unwrap();
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--force-prefers-reduced-motion",
            "--window-size=1280,960",
            format!("--user-data-dir={}", profile.path().display()),
        ]);
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let made = browser.call("POST", "/session", &wanted).unwrap();
        browser.session = made["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    pub fn go(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    pub fn address(&self) -> String {
        self.script("return location.href").as_str().unwrap().to_owned()
    }

    /// Runs JavaScript in the page; its `return` value comes back.
    pub fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the JavaScript expression is true.
    pub fn wait(&self, expression: &str) {
        let begun = Instant::now();
        // Asking is an event here: every answer shows the page as it is now.
        while self.script(&format!("return Boolean({expression})")) != json!(true) {
            let page = self.script("return document.body.innerText.slice(0, 2000)");
            assert!(begun.elapsed() < PATIENCE, "never true: {expression}\non {}\n{page}", self.address());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// A command of the browser's DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the browser wrote to its console since the last call: violated policies, failed requests, exceptions.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }));
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Writes a picture of the whole window when `NSELF_SCREENSHOTS` names a folder.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("NSELF_SCREENSHOTS") else { return };
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        let base64 = shot["data"].as_str().unwrap();
        let file = std::fs::File::create(Path::new(&folder).join(name)).unwrap();
        let mut decode = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(file).spawn().unwrap();
        decode.stdin.take().unwrap().write_all(base64.as_bytes()).unwrap();
        assert!(decode.wait().unwrap().success());
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        found["element-6066-11e4-a52e-4f735466cecf"].as_str().expect("an element").to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body).unwrap()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = body.to_string();
        let mut driver = TcpStream::connect(("127.0.0.1", self.port))?;
        driver.set_read_timeout(Some(PATIENCE * 2))?;
        write!(
            driver,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = BufReader::new(driver);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
        }
        let mut content = vec![0; length];
        answer.read_exact(&mut content)?;
        let mut answer: Value = serde_json::from_slice(&content)?;
        let value = answer["value"].take();
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(std::io::Error::other(format!("{method} {path}: {value:#}")));
        }
        Ok(value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; a driver that is killed before would leave it running.
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
