//! Passwords: hashing them, and judging new ones.

mod common;
mod hasher;

pub(crate) use hasher::{Hasher, Older, Verdict};

use crate::Handle;
use crate::api::failure::{Code, Failure};

/// Settings of passwords.
#[derive(Debug, Clone)]
pub struct Options {
    /// Characters (`AUTH_PASSWORD_MIN_LENGTH`).
    pub min_length: usize,
    /// Refuse passwords of the built-in list of common ones (`AUTH_PASSWORD_COMMON_CHECK`).
    pub refuse_common: bool,
    /// argon2id's memory in KiB (`AUTH_PASSWORD_HASH_MEMORY`).
    pub memory: u32,
    /// Its passes over the memory (`AUTH_PASSWORD_HASH_ITERATIONS`).
    pub iterations: u32,
    /// Hashes at once; the memory they take is this many times [`Options::memory`] (`AUTH_PASSWORD_HASH_CONCURRENCY`).
    pub concurrency: usize,
}

impl Default for Options {
    /// 19 MiB and two passes, as OWASP's password storage cheat sheet has it; as many at once as there are processors.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { min_length: 8, refuse_common: true, memory: 19_456, iterations: 2, concurrency: processors }
    }
}

/// # Errors
/// The password is too short or too common.
pub(crate) fn judge(handle: &Handle, password: &str) -> Result<(), Failure> {
    check(&handle.options().passwords, password).map_err(Failure::from)
}

/// # Errors
/// As [`judge`].
pub(crate) fn check(options: &Options, password: &str) -> Result<(), Code> {
    if password.chars().count() < options.min_length {
        return Err(Code::PasswordTooShort);
    }
    if options.refuse_common && common::contains(password) {
        return Err(Code::PasswordInHibpDatabase);
    }
    Ok(())
}
