//! What a client says that its bytes are: Content-MD5, and the checksums that the SDKs send, in a header or after the
//! body (docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::{S3ErrorCode, S3Result, TrailingHeaders};

use super::refuse;

/// Header names, in the order of [`Checks::found`].
const NAMES: [&str; 5] = [
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-crc64nvme",
];

/// Computes what the client has announced while the bytes come in.
pub(super) struct Checks {
    hasher: ChecksumHasher,
    /// By [`NAMES`]; those of trailers come with the end of the body.
    expected: [Option<String>; 5],
    trailers: Option<TrailingHeaders>,
    md5: Option<String>,
}

impl Checks {
    pub fn new(headers: &HeaderMap, trailers: Option<TrailingHeaders>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let expected = NAMES.map(text);
        let announced = text("x-amz-trailer").unwrap_or_default().to_ascii_lowercase();
        let wanted =
            |index: usize| expected[index].is_some() || announced.split(',').any(|name| name.trim() == NAMES[index]);
        let hasher = ChecksumHasher {
            crc32: wanted(0).then(s3s::crypto::Crc32::new),
            crc32c: wanted(1).then(s3s::crypto::Crc32c::new),
            sha1: wanted(2).then(s3s::crypto::Sha1::new),
            sha256: wanted(3).then(s3s::crypto::Sha256::new),
            crc64nvme: wanted(4).then(s3s::crypto::Crc64Nvme::new),
        };
        Self { hasher, expected, trailers, md5: text("content-md5") }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// # Errors
    /// BadDigest: other bytes have come than were sent.
    pub fn verify(self, md5: &str) -> S3Result<()> {
        let bad = || refuse(S3ErrorCode::BadDigest, "the bytes are not those of the checksum");
        if let Some(expected) = &self.md5 {
            let digest = BASE64_STANDARD.decode(expected).map_err(|_| bad())?;
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            if digits != md5 {
                return Err(bad());
            }
        }
        let sums = self.hasher.finalize();
        let found = [
            sums.checksum_crc32,
            sums.checksum_crc32c,
            sums.checksum_sha1,
            sums.checksum_sha256,
            sums.checksum_crc64nvme,
        ];
        for ((name, found), expected) in NAMES.iter().zip(found).zip(self.expected) {
            let trailer = || {
                let read = |headers: &HeaderMap| Some(headers.get(*name)?.to_str().ok()?.to_owned());
                self.trailers.as_ref()?.read(read)?
            };
            if let (Some(found), Some(expected)) = (found, expected.or_else(trailer))
                && found != expected
            {
                return Err(bad());
            }
        }
        Ok(())
    }
}
