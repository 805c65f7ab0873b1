//! Whether a statement saw a transaction.
//!
//! The log tells of a commit before other sessions see it: PostgreSQL writes the commit's record first and makes the
//! transaction visible afterwards, much later even with synchronous replication. A query in between reads the old rows,
//! and nobody would ask again.

/// A snapshot as `pg_current_snapshot()` shows it: `xmin:xmax:xip,xip`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    xmin: u64,
    xmax: u64,
    running: Vec<u64>,
}

impl Snapshot {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut number = || parts.next()?.parse().ok();
        let (xmin, xmax) = (number()?, number()?);
        let running = parts.next()?.split(',').filter(|part| !part.is_empty());
        Some(Self { xmin, xmax, running: running.map(str::parse).collect::<Result<_, _>>().ok()? })
    }

    /// Whether a transaction that has committed is seen; `xid` is the lower half of its number.
    pub fn sees(&self, xid: u32) -> bool {
        // The number nearest to the snapshot's end with that lower half.
        let distance = i64::from(xid.wrapping_sub(self.xmax as u32) as i32);
        let full = self.xmax.wrapping_add_signed(distance);
        full < self.xmin || (full < self.xmax && !self.running.contains(&full))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn it_sees_what_is_over() {
        let snapshot = Snapshot::parse("10:20:12,15").unwrap();
        let seen: Vec<u32> = (8..22).filter(|xid| snapshot.sees(*xid)).collect();
        assert_eq!(seen, [8, 9, 10, 11, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn numbers_begin_anew() {
        let epoch = 1_u64 << 32;
        let snapshot = Snapshot::parse(&format!("{}:{}:", epoch - 2, epoch + 2)).unwrap();
        assert!(snapshot.sees(u32::MAX) && snapshot.sees(1) && !snapshot.sees(2));
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "1", "1:2", "a:b:", "1:2:x"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
