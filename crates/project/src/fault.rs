//! Fault points: named places between two durable steps where a test can end the process as a power cut would.
//!
//! They exist in builds with debug assertions only; a release build compiles them to nothing.

/// Aborts the process when `NSELF_FAULT` names this point. `hit("init.after-env")`.
#[inline]
pub fn hit(point: &str) {
    if cfg!(debug_assertions) && std::env::var("NSELF_FAULT").is_ok_and(|wanted| wanted == point) {
        std::process::abort();
    }
}
