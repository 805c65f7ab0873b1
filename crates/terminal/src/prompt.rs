//! Where output goes and where answers come from.

use std::io::{IsTerminal, Write};

use crate::{Failure, Page, Report, Style};

/// The streams of this run of the program: stdout is data, stderr is talk.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    json: bool,
    colour: bool,
    interactive: bool,
}

/// What a person said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    /// Nobody can be asked: no terminal.
    Nobody,
}

#[expect(clippy::print_stderr, reason = "this is the one place that prints")]
impl Terminal {
    /// Looks at the streams and at `NO_COLOR`.
    pub fn new(json: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            json,
            colour: std::io::stdout().is_terminal() && !no_colour && !dumb && !json,
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !json,
        }
    }

    pub fn json(&self) -> bool {
        self.json
    }

    /// True when a person sits at the other end and can be asked.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    pub fn page(&self) -> Page {
        Page::new(self.colour)
    }

    /// Shows a command's result.
    pub fn show(&self, report: &dyn Report) {
        if self.json {
            // A report without a face, of a command that has said everything already, is not even `null`.
            let json = report.json();
            if !json.is_null() {
                self.raw(&format!("{json:#}\n"));
            }
        } else {
            let mut page = self.page();
            report.text(&mut page);
            self.raw(&page.finish());
        }
    }

    /// Writes to stdout as it is; a closed pipe ends the talk quietly.
    pub fn raw(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// One line of talk while a command works.
    pub fn progress(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    pub fn warn(&self, text: &str) {
        let page = Page::new(self.colour && std::io::stderr().is_terminal());
        eprintln!("{} {text}", page.paint(Style::Warning, "warning:"));
    }

    /// Shows a failure: `error[CODE]: what`, `why:`, `fix:` on stderr; with `--json` one object on stdout.
    pub fn fail(&self, failure: &Failure) {
        if self.json {
            self.raw(&format!("{:#}\n", serde_json::json!({ "error": failure })));
            return;
        }
        let page = Page::new(self.colour && std::io::stderr().is_terminal());
        eprintln!("{} {}", page.paint(Style::Bad, &format!("error[{}]:", failure.code)), failure.message);
        if let Some(why) = &failure.why {
            eprintln!("{} {}", page.paint(Style::Dim, "why:"), why.replace('\n', "\n     "));
        }
        if let Some(fix) = &failure.fix {
            eprintln!("{} {}", page.paint(Style::Dim, "fix:"), fix.replace('\n', "\n     "));
        }
    }

    /// Asks a question on stderr and reads one line.
    pub fn ask(&self, question: &str) -> Answer {
        if !self.interactive {
            return Answer::Nobody;
        }
        eprint!("{question} ");
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(read) if read > 0 => Answer::Text(line.trim().to_owned()),
            _ => Answer::Nobody,
        }
    }
}
