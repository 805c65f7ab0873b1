use project::Exit;
use serde::Serialize;

use crate::Page;

/// The result of a command. Its serde form is the `--json` output: stable, only ever added to.
pub trait View: Serialize {
    /// The face for people.
    fn text(&self, page: &mut Page);
    /// The exit code; a report of something unhealthy may end the program with 5.
    fn exit(&self) -> Exit {
        Exit::Ok
    }
}

/// A [`View`] behind a pointer: what a command's `run` hands back.
pub trait Report {
    fn text(&self, page: &mut Page);
    fn json(&self) -> serde_json::Value;
    fn exit(&self) -> Exit;
}

impl<V: View> Report for V {
    fn text(&self, page: &mut Page) {
        View::text(self, page);
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is plain data with string keys")
    }

    fn exit(&self) -> Exit {
        View::exit(self)
    }
}
