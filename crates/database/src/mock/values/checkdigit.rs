//! Numbers that check themselves: cards, article numbers, bank accounts.

use super::{Generate, Pcg, Row, stream};

/// A prefix, so many digits, and a check digit over both.
#[derive(Debug, Clone, Copy)]
pub struct Checked {
    pub prefix: &'static str,
    pub digits: u32,
    pub check: fn(&[u8]) -> u8,
}

impl Generate for Checked {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let index = stream::below(rng, 10u64.pow(self.digits));
        self.nth(index, row, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        Some(10u64.pow(self.digits))
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.prefix.as_bytes());
        padded(index, self.digits, out);
        let digit = (self.check)(&out[start..]);
        out.push(digit);
    }
}

fn padded(number: u64, digits: u32, out: &mut Vec<u8>) {
    for power in (0..digits).rev() {
        out.push(b'0' + (number / 10u64.pow(power) % 10) as u8);
    }
}

/// ISO/IEC 7812: every second digit from the right doubled.
pub fn luhn(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| {
            let value = u32::from(digit - b'0') * if index % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// GS1: weights 3 and 1 from the right.
pub fn ean(digits: &[u8]) -> u8 {
    let weight = |index: usize| if index.is_multiple_of(2) { 3 } else { 1 };
    let sum: u32 = digits.iter().rev().enumerate().map(|(index, &digit)| u32::from(digit - b'0') * weight(index)).sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// `DE`, check digits (ISO 7064, mod 97), a bank code that begins with 0 and so is no bank's, ten digits.
#[derive(Debug, Clone, Copy)]
pub struct Iban;

const ACCOUNTS: u64 = 10_000_000_000;

impl Generate for Iban {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let index = stream::below(rng, ACCOUNTS);
        self.nth(index, row, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        Some(ACCOUNTS)
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        // DE as numbers is 1314, and the check digits count as 00.
        let number = u128::from(index) * 1_000_000 + 131_400;
        out.extend_from_slice(b"DE");
        padded(98 - (number % 97) as u64, 2, out);
        out.extend_from_slice(b"00000000");
        padded(index, 10, out);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_check() {
        assert_eq!(luhn(b"7992739871"), b'3');
        assert_eq!(ean(b"400638133393"), b'1');
        let mut out = Vec::new();
        Iban.nth(1, &Row { index: 0, key: 0, cells: &[] }, &mut stream::shared(1, 1), &mut out);
        let digits = std::str::from_utf8(&out).unwrap();
        let moved: u128 = format!("{}1314{}", &digits[4..], &digits[2..4]).parse().unwrap();
        assert_eq!(moved % 97, 1, "{digits}");
    }
}
