//! `/v1alpha1/pg_dump`: the database as SQL.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::answer::{Shape, body};
use super::{graphql, small};
use crate::Handle;
use crate::dump::{Wanted, dump};
use crate::failure::{Code, Failure};

/// For the administrator.
pub(super) async fn pg_dump(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    let (head, sent) = request.into_parts();
    if let Err(failure) = small::admin(&handle, &head).await {
        return Shape::Plain.failure(&handle, &failure);
    }
    let sent = match body(&handle, sent, Shape::Plain).await {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let asked = async {
        let wanted: Wanted = graphql::read(&sent)?;
        let options = handle.options();
        let missing = || Failure::new(Code::NotSupported, "$", "this server has no pg_dump");
        let program = options.pg_dump.as_ref().ok_or_else(missing)?;
        dump(program, options.pool.config(), &wanted).await
    };
    match asked.await {
        Ok(parts) => {
            let mut response = Response::new(Body::from_stream(parts));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/sql; charset=utf-8"));
            response
        }
        Err(failure) => Shape::Plain.failure(&handle, &failure),
    }
}
