//! The built-in list of common passwords: no request leaves the machine to check one.

use std::collections::HashSet;
use std::io::Read;
use std::sync::OnceLock;

/// 20,000 passwords in lower case, one a line, the commonest first; from Django (BSD licence), which has them from
/// Royce Williams.
const LIST: &[u8] = include_bytes!("../../../../assets/auth/common-passwords.txt.gz");

/// Whether it is one of them, in any case.
pub(super) fn contains(password: &str) -> bool {
    static WORDS: OnceLock<HashSet<String>> = OnceLock::new();
    WORDS.get_or_init(read).contains(&password.trim().to_lowercase())
}

fn read() -> HashSet<String> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(LIST).read_to_string(&mut text).expect("the built-in list can be unpacked");
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn knows_common_ones() {
        for common in ["password", "Password1", "12345678", "QWERTYUIOP"] {
            assert!(contains(common), "{common}");
        }
        assert!(!contains("Pw-1a2b3c4d-long"));
    }
}
