//! Presigned URLs: whoever has one may download one file until it expires. Shaped like those of S3 (Signature Version 4
//! in the query, docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html), because Nhost's clients know
//! them so; signed with a key of our own.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use project::Secret;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Failure;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Who has signed, and for what: there is one key and one service.
const ACCESS_KEY: &str = "nself";
const SCOPE: &str = "nself/s3/aws4_request";
/// A week, as with S3.
const LONGEST: i64 = 604_800;

/// What SigV4 leaves as it is in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters of a presigned URL.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Signed {
    #[serde(rename = "X-Amz-Algorithm")]
    algorithm: String,
    #[serde(rename = "X-Amz-Credential")]
    credential: String,
    #[serde(rename = "X-Amz-Date")]
    date: String,
    #[serde(rename = "X-Amz-Expires")]
    expires: String,
    #[serde(rename = "X-Amz-SignedHeaders")]
    signed_headers: String,
    #[serde(rename = "X-Amz-Signature")]
    signature: String,
}

/// The query that lets who has it download a file for so many seconds from now.
pub(crate) fn query(key: &Secret, file: Uuid, now: Timestamp, seconds: u32) -> String {
    let date = date(now);
    let credential = credential(&date);
    let unsigned = unsigned(&credential, &date, &seconds.to_string());
    format!("{unsigned}&X-Amz-Signature={}", signature(key, file, &date, &unsigned))
}

/// Seconds that are left of a presigned URL's life.
///
/// # Errors
/// 403: it has expired, or was not signed by us for this file.
pub(crate) fn check(key: &Secret, file: Uuid, now: Timestamp, signed: &Signed) -> Result<u32, Failure> {
    let wrong = || Failure::forbidden("the signature is not valid");
    let unsigned = unsigned(&signed.credential, &signed.date, &signed.expires);
    let expected = signature(key, file, &signed.date, &unsigned);
    let same: bool = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signed.signature.as_bytes()).into();
    if !same || signed.algorithm != ALGORITHM || signed.signed_headers != "host" {
        return Err(wrong());
    }
    // Signed by us, so it can be read.
    let begun = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &signed.date).map_err(|_| wrong())?;
    let begun = begun.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp();
    let life: i64 = signed.expires.parse().map_err(|_| wrong())?;
    let left = life.min(LONGEST) - (now.as_second() - begun.as_second());
    match u32::try_from(left) {
        Ok(left) if left > 0 => Ok(left),
        _ => Err(Failure::forbidden("signature already expired")),
    }
}

/// `20251121T104430Z`
fn date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn day(date: &str) -> &str {
    date.get(..8).unwrap_or(date)
}

fn credential(date: &str) -> String {
    format!("{ACCESS_KEY}/{}/{SCOPE}", day(date))
}

/// The canonical query: every parameter but the signature, in order.
fn unsigned(credential: &str, date: &str, expires: &str) -> String {
    let escape = |text| utf8_percent_encode(text, PLAIN);
    format!(
        "X-Amz-Algorithm={ALGORITHM}&X-Amz-Checksum-Mode=ENABLED&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}\
         &X-Amz-SignedHeaders=host&x-id=GetObject",
        escape(credential),
        escape(date),
        escape(expires)
    )
}

/// The host is a name of ours: which one the client uses is the gateway's business.
fn signature(key: &Secret, file: Uuid, date: &str, unsigned: &str) -> String {
    let request = format!("GET\n/files/{file}\n{unsigned}\nhost:nself-storage\n\nhost\nUNSIGNED-PAYLOAD");
    let to_sign = format!("{ALGORITHM}\n{date}\n{}/{SCOPE}\n{:x}", day(date), Sha256::digest(request));
    let mut signing = hmac(format!("AWS4{}", key.expose()).as_bytes(), day(date).as_bytes());
    for part in SCOPE.split('/') {
        signing = hmac(&signing, part.as_bytes());
    }
    hmac(&signing, to_sign.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(query: &str) -> Signed {
        let uri: http::Uri = format!("/?{query}").parse().unwrap();
        axum::extract::Query::try_from_uri(&uri).unwrap().0
    }

    #[test]
    fn a_signed_url_counts_for_its_file_and_time() {
        let key = Secret::new("key".to_owned());
        let (file, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = Timestamp::from_second(1_763_721_870).unwrap();
        let later = |seconds| Timestamp::from_second(now.as_second() + seconds).unwrap();
        let text = query(&key, file, now, 30);
        let signed = parse(&text);
        assert_eq!(check(&key, file, now, &signed), Ok(30));
        assert_eq!(check(&key, file, later(29), &signed), Ok(1));
        for (key, file, now) in
            [(&key, file, later(30)), (&key, other, now), (&Secret::new("other".to_owned()), file, now)]
        {
            assert_eq!(check(key, file, now, &signed).unwrap_err().status, 403);
        }
        for (from, to) in [("Expires=30", "Expires=3000"), ("Signature=", "Signature=0"), ("HMAC", "NONE")] {
            assert!(check(&key, file, now, &parse(&text.replace(from, to))).is_err(), "{to}");
        }
    }
}
