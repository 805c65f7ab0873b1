//! The default runtime: one background process, `nself serve`, on this machine. This side starts it, talks to its
//! control socket, and reads its logs; the other side is the `server` crate.

mod client;
mod logs;
mod start;

pub use client::{Control, console_link, is_running, reload_schema, status, stop};
pub use logs::{Filter, Follow, read};
pub use start::{Start, start};
