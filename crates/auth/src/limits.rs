//! Rate limits, kept in PostgreSQL, so that a restart or a second server changes nothing.
//!
//! The generic cell rate algorithm: one time for each subject, "when it will have earned back all its tries", moved on
//! by every try and refused when it would lie too far in the future. One statement decides and counts.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_postgres::Error;

use crate::Handle;
use crate::api::failure::Failure;
use crate::store::{GenericClient, row, run};

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Failed proofs of identity: passwords, codes, tokens.
    BruteForce,
    SignUp,
    /// Requests that send mail.
    Email,
    /// Requests that send text messages.
    Sms,
}

impl Zone {
    /// As documents say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BruteForce => "failures",
            Self::SignUp => "sign-ups",
            Self::Email => "mails",
            Self::Sms => "text messages",
        }
    }
}

/// Who is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// An IP address; those of an IPv6 network of one customer (/64) count as one. Empty: nobody knows, not counted.
    Address(&'a str),
    /// An e-mail address, a phone number or a user's id.
    Account(&'a str),
}

/// So many tries at once, earned back one by one in the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub interval: Duration,
}

impl Rate {
    pub const fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval }
    }
}

/// A zone's two rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub address: Rate,
    pub account: Rate,
}

/// The limits of the settings (`AUTH_RATE_LIMIT_*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub enabled: bool,
    pub brute_force: Rates,
    pub sign_up: Rates,
    pub email: Rates,
    pub sms: Rates,
}

impl Default for Limits {
    fn default() -> Self {
        let (five, hour) = (Duration::from_secs(300), Duration::from_secs(3600));
        let rates = |address, account, interval| Rates {
            address: Rate::new(address, interval),
            account: Rate::new(account, interval),
        };
        Self {
            enabled: true,
            brute_force: rates(100, 10, five),
            sign_up: rates(100, 10, five),
            email: rates(100, 10, hour),
            sms: rates(50, 10, hour),
        }
    }
}

impl Limits {
    fn rate(&self, zone: Zone, subject: Subject<'_>) -> Rate {
        let rates = match zone {
            Zone::BruteForce => self.brute_force,
            Zone::SignUp => self.sign_up,
            Zone::Email => self.email,
            Zone::Sms => self.sms,
        };
        match subject {
            Subject::Address(_) => rates.address,
            Subject::Account(_) => rates.account,
        }
    }
}

/// Counts a try.
///
/// # Errors
/// [`Failure::Limited`]: there were too many; this one does not count.
pub(crate) async fn take(handle: &Handle, zone: Zone, subject: Subject<'_>) -> Result<(), Failure> {
    let Some((key, rate)) = counted(handle, zone, subject) else { return Ok(()) };
    let client = handle.pool().get().await?;
    let sql = "INSERT INTO auth.rate_limits AS limits (key, settled_at) \
               VALUES ($1, now() + make_interval(secs => $2)) ON CONFLICT (key) DO UPDATE \
               SET settled_at = greatest(limits.settled_at, now()) + make_interval(secs => $2) \
               WHERE greatest(limits.settled_at, now()) + make_interval(secs => $2) \
               <= now() + make_interval(secs => $3) RETURNING true";
    let (step, whole) = spans(rate);
    if row(&client, sql, &[&key, &step, &whole]).await?.is_some() {
        return Ok(());
    }
    let settled = "SELECT settled_at FROM auth.rate_limits WHERE key = $1";
    let settled: Option<Timestamp> = row(&client, settled, &[&key]).await?.map(|found| found.try_get(0)).transpose()?;
    let left = settled.map_or(0.0, |settled| settled.duration_since(Timestamp::now()).as_secs_f64());
    let wait = Duration::try_from_secs_f64(left + step - whole).unwrap_or_default();
    tracing::info!(?zone, subject = subject.kind(), "too many tries");
    Err(Failure::Limited(wait.max(Duration::from_secs(1))))
}

/// Takes a counted try back: it was no failure. What goes wrong here only makes a limit a little stricter.
pub(crate) async fn give_back(handle: &Handle, zone: Zone, subject: Subject<'_>) {
    let Some((key, rate)) = counted(handle, zone, subject) else { return };
    let given = async {
        let client = handle.pool().get().await.map_err(|error| error.to_string())?;
        let sql = "UPDATE auth.rate_limits SET settled_at = settled_at - make_interval(secs => $2) WHERE key = $1";
        run(&client, sql, &[&key, &spans(rate).0]).await.map_err(|error| crate::error::reason(&error))
    };
    if let Err(error) = given.await {
        tracing::warn!(error, "a try cannot be taken back");
    }
}

impl Subject<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Account(_) => "account",
        }
    }
}

fn counted(handle: &Handle, zone: Zone, subject: Subject<'_>) -> Option<(Vec<u8>, Rate)> {
    let limits = &handle.options().limits;
    let text = match subject {
        Subject::Address("") => return None,
        Subject::Address(address) => network(address),
        Subject::Account(account) => account.to_lowercase(),
    };
    let rate = limits.rate(zone, subject);
    let key = Sha256::digest(format!("{zone:?}\0{}\0{text}", subject.kind()).as_bytes());
    (limits.enabled && rate.burst > 0 && !rate.interval.is_zero()).then(|| (key.to_vec(), rate))
}

/// Seconds that one try costs, and that all of them cost.
fn spans(rate: Rate) -> (f64, f64) {
    let whole = rate.interval.as_secs_f64();
    (whole / f64::from(rate.burst), whole)
}

fn network(address: &str) -> String {
    match address.parse::<std::net::Ipv6Addr>() {
        Ok(address) => {
            let parts = address.segments();
            format!("{:x}:{:x}:{:x}:{:x}::/64", parts[0], parts[1], parts[2], parts[3])
        }
        Err(_) => address.to_owned(),
    }
}

/// Deletes what counts nothing any more.
pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    run(client, "DELETE FROM auth.rate_limits WHERE settled_at < now()", &[]).await
}
