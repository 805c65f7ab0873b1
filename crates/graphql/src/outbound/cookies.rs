//! `set-cookie` headers of others, for the client's response.
//!
//! They belong to the task that answers a request over HTTP, since everything between that and the call would only hand
//! them on. Elsewhere, on sockets for instance, they are dropped: there is no header to put them in.

use std::cell::RefCell;

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

tokio::task_local! {
    static GATHERED: RefCell<Vec<HeaderValue>>;
}

/// Runs something; what it gave, and the cookies that were kept meanwhile.
pub async fn gathered<T>(work: impl Future<Output = T>) -> (T, Vec<HeaderValue>) {
    let work = async {
        let done = work.await;
        (done, GATHERED.with(RefCell::take))
    };
    GATHERED.scope(RefCell::default(), work).await
}

/// Keeps the cookies of a reply for whoever waits in [`gathered`].
pub fn keep(reply: &HeaderMap) {
    let cookies = reply.get_all(SET_COOKIE);
    // An error says that nobody waits.
    let _ = GATHERED.try_with(|gathered| gathered.borrow_mut().extend(cookies.iter().cloned()));
}
