//! Traces across the outbox: a change remembers the request it was made in, and its webhook is told.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;

/// What `hasura.tracecontext` is to be set to in a mutation's transaction: the trace of the request's B3 or
/// `traceparent` headers. A request without such headers has none, and the text is empty.
pub fn trace_context(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let parent = text("traceparent");
    let mut parts = parent.as_deref().unwrap_or_default().split('-').skip(1).map(str::to_owned);
    let (trace, span) = match (text("x-b3-traceid"), text("x-b3-spanid")) {
        (Some(trace), Some(span)) => (trace, span),
        _ => match (parts.next(), parts.next()) {
            (Some(trace), Some(span)) => (trace, span),
            _ => return String::new(),
        },
    };
    if !is_hex(&trace) || !is_hex(&span) {
        return String::new();
    }
    json!({"trace_id": trace, "span_id": span, "sampling_state": "1"}).to_string()
}

/// The headers that carry a request's trace on to a webhook or service; none where it has none.
pub fn onward(headers: &HeaderMap) -> HeaderMap {
    serde_json::from_str::<TraceContext>(&trace_context(headers))
        .map_or_else(|_| HeaderMap::new(), |trace| trace.headers())
}

/// A span of our own.
fn span() -> Option<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_hex(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// As an event's payload holds it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TraceContext {
    trace_id: Option<String>,
    span_id: Option<String>,
}

impl TraceContext {
    /// The headers that carry it on.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let (Some(trace), Some(span)) = (&self.trace_id, &self.span_id) else { return headers };
        let own = self::span().unwrap_or_else(|| span.clone());
        let (trace, own) = (trace.as_str(), own.as_str());
        for (name, value) in
            [("x-b3-traceid", trace), ("x-b3-spanid", own), ("x-b3-parentspanid", span), ("x-b3-sampled", "1")]
        {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn context(name: &'static str, value: &str) -> String {
        trace_context(&HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]))
    }

    #[test]
    fn a_trace_is_taken_from_the_request() {
        let found = context("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(
            found,
            r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","sampling_state":"1"}"#
        );
        let headers = serde_json::from_str::<TraceContext>(&found).unwrap().headers();
        assert_eq!(headers["x-b3-traceid"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(headers["x-b3-parentspanid"] == "00f067aa0ba902b7" && headers["x-b3-spanid"].len() == 16);
        assert_eq!(context("traceparent", "nonsense"), "");
        assert_eq!(context("traceparent", "00-x\"y-z-01"), "");
    }
}
