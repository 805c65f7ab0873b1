//! What argon2 alone does on this machine, with the parameters that passwords are hashed with by default:
//! `argon2 <threads> <seconds>` prints verifications a second. Part of `benches/auth/run`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

fn main() {
    let number = |index: usize| std::env::args().nth(index).and_then(|text| text.parse().ok());
    let (threads, seconds) = (number(1).unwrap_or(1), number(2).unwrap_or(5));
    let options = auth::password::Options::default();
    let params = Params::new(options.memory, options.iterations, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let kept = argon2.hash_password_with_salt(b"Correct-horse-battery-1", b"sixteen bytes ok").unwrap();
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let work = || {
        let mut count = 0_u64;
        while Instant::now() < end {
            argon2.verify_password(b"Correct-horse-battery-1", &kept).unwrap();
            count += 1;
        }
        count
    };
    let count: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    println!("{:.1}", count as f64 / began.elapsed().as_secs_f64());
}
