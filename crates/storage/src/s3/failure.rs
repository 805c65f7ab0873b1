//! Failures in S3's words.

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

use crate::Failure;

pub(super) fn refuse(code: S3ErrorCode, message: &'static str) -> S3Error {
    S3Error::with_message(code, message)
}

/// Why the service did not do it.
pub(super) fn failed(failure: Failure) -> S3Error {
    let code = match (failure.status, failure.message.as_str()) {
        (StatusCode::NOT_FOUND, "bucket not found") => S3ErrorCode::NoSuchBucket,
        (StatusCode::NOT_FOUND, "upload not found") => S3ErrorCode::NoSuchUpload,
        (StatusCode::NOT_FOUND, _) => S3ErrorCode::NoSuchKey,
        (_, "file too big") => S3ErrorCode::EntityTooLarge,
        (_, "file too small") => S3ErrorCode::EntityTooSmall,
        (_, "the upload broke off") => S3ErrorCode::IncompleteBody,
        (StatusCode::FORBIDDEN, _) => S3ErrorCode::AccessDenied,
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE, _) => S3ErrorCode::ServiceUnavailable,
        (status, _) if status.is_client_error() => S3ErrorCode::InvalidRequest,
        _ => S3ErrorCode::InternalError,
    };
    let mut error = S3Error::with_message(code, failure.message);
    if failure.status == StatusCode::INSUFFICIENT_STORAGE {
        error.set_status_code(failure.status);
    }
    error
}
