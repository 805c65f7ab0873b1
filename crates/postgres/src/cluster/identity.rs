//! Gives a copied cluster a system identifier of its own.
//!
//! initdb makes the identifier from the time and its process, and PostgreSQL tells by it whether two clusters, or a
//! cluster and an archived WAL file, belong together. Copies of one template would all claim to. The identifier stands
//! in two places: `global/pg_control` (its first eight bytes, covered by a CRC-32C that is the structure's last field)
//! and the long header of each WAL segment's first page (`XLogLongPageHeaderData.xlp_sysid`, not covered by any).
//! `pg_createsubscriber` does the same with `pg_resetwal`, which not every installation has.

use std::fs;
use std::path::Path;

use crate::{Error, files};

/// Offset of `xlp_sysid`: after `XLogPageHeaderData`, which is 24 bytes with its padding.
const WAL_IDENTIFIER: usize = 24;
/// `ControlFileData` never grows beyond this (`PG_CONTROL_MAX_SAFE_SIZE`).
const CONTROL_SIZE: usize = 512;

/// Replaces the identifier of the cluster in `data_dir`, which has been initialised and never started.
///
/// A control file that is not understood is left as it is, together with everything else: the cluster then shares its
/// template's identifier, which matters for replication only.
pub(super) fn renew(data_dir: &Path) -> Result<(), Error> {
    let path = data_dir.join("global/pg_control");
    let mut control = fs::read(&path).map_err(Error::io("read", &path))?;
    let Some(place) = checksum_place(&control) else { return Ok(()) };
    let (old, new) = (control[..8].to_owned(), identifier()?);
    let segments = data_dir.join("pg_wal");
    for entry in fs::read_dir(&segments).map_err(Error::io("read", &segments))?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            replace(&entry.path(), &old, &new).map_err(Error::io("write", entry.path()))?;
        }
    }
    control[..8].copy_from_slice(&new);
    let checksum = crc32c(&control[..place]);
    control[place..place + 4].copy_from_slice(&checksum.to_ne_bytes());
    files::overwrite(&path, &control)
}

/// Where the checksum stands: the one place whose value is the checksum of everything before it. The offset differs
/// between major versions; a chance match is one in four thousand million.
fn checksum_place(control: &[u8]) -> Option<usize> {
    let stored = |place: usize| control.get(place..place + 4)?.try_into().ok().map(u32::from_ne_bytes);
    (64..CONTROL_SIZE).step_by(4).find(|place| stored(*place).is_some_and(|sum| sum == crc32c(&control[..*place])))
}

/// Replaces the identifier in a WAL segment's first page, where it is the cluster's.
fn replace(segment: &Path, old: &[u8], new: &[u8; 8]) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(segment)?;
    let mut found = [0; 8];
    file.read_exact_at(&mut found, WAL_IDENTIFIER as u64)?;
    if found == *old { file.write_all_at(new, WAL_IDENTIFIER as u64) } else { Ok(()) }
}

/// As initdb makes it: seconds since 1970 above, the rest random.
fn identifier() -> Result<[u8; 8], Error> {
    let mut low = [0; 4];
    getrandom::fill(&mut low)
        .map_err(|error| Error::io("read random bytes for", "pg_control")(std::io::Error::other(error)))?;
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok((seconds << 32 | u64::from(u32::from_ne_bytes(low))).to_ne_bytes())
}

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as PostgreSQL computes it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82F6_3B78 & 0_u32.wrapping_sub(sum & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
    }
}
