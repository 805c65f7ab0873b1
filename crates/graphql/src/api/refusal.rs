//! A refused request with its HTTP status.

use http::StatusCode;

use crate::failure::{Code, Failure};

/// What the client is told.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    pub failure: Failure,
}

impl Refusal {
    /// With 400, whatever the code.
    pub fn bad_request(failure: Failure) -> Self {
        Self { status: StatusCode::BAD_REQUEST, failure }
    }

    /// At a step of the request: `$.args[2].args`.
    pub fn at(mut self, path: &str) -> Self {
        self.failure = super::pathed(self.failure, path);
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match failure.code {
            Code::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, failure }
    }
}
