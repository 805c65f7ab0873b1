//! One connection of a client: what is going on in it, and who may tell it to end.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use http::HeaderValue;

/// What a connection has been told.
const CARRY_ON: u8 = 0;
/// Answer what is in progress, take nothing new.
const FINISH: u8 = 1;
/// End now.
const DROP: u8 = 2;

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The address as a header value.
    pub(crate) text: HeaderValue,
    pub(crate) https: bool,
    opened: Instant,
    /// Requests in progress.
    busy: AtomicUsize,
    /// When the last one ended, milliseconds since `opened`.
    idle_since: AtomicU64,
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, https: bool) -> Self {
        let text = address.ip().to_canonical().to_string();
        Self {
            address,
            text: HeaderValue::from_str(&text).expect("an address is a header value"),
            https,
            opened: Instant::now(),
            busy: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            order: AtomicU8::new(CARRY_ON),
            waker: AtomicWaker::new(),
        }
    }

    fn tell(&self, order: u8) {
        if self.order.fetch_max(order, Ordering::AcqRel) < order {
            self.waker.wake();
        }
    }

    /// `None` while a request is in progress.
    fn idle(&self) -> Option<Duration> {
        let idle = self.busy.load(Ordering::Acquire) == 0;
        idle.then(|| {
            self.opened.elapsed().saturating_sub(Duration::from_millis(self.idle_since.load(Ordering::Acquire)))
        })
    }
}

/// A request in progress on a connection.
pub(crate) struct Busy(Arc<Peer>);

impl Busy {
    pub(crate) fn new(peer: Arc<Peer>) -> Self {
        peer.busy.fetch_add(1, Ordering::AcqRel);
        Self(peer)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.opened.elapsed().as_millis() as u64, Ordering::Release);
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// All open connections.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// What every connection, also a later one, is told.
    order: u8,
    peers: HashMap<u64, Weak<Peer>>,
}

impl Connections {
    /// Puts a connection on the list until the entry is dropped.
    pub(crate) fn enter(self: &Arc<Self>, peer: &Arc<Peer>) -> Entered {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.next;
        open.next += 1;
        open.peers.insert(number, Arc::downgrade(peer));
        peer.tell(open.order);
        Entered { connections: Arc::clone(self), number }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).peers.is_empty()
    }

    pub(crate) fn finish(&self) {
        self.tell_all(FINISH);
    }

    pub(crate) fn end(&self) {
        self.tell_all(DROP);
    }

    fn tell_all(&self, order: u8) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.order = open.order.max(order);
        for peer in open.peers.values().filter_map(Weak::upgrade) {
            peer.tell(order);
        }
    }

    /// Ends connections without a request for longer than `limit`: at first politely, which closes an idle one, and
    /// half a limit later for good, which ends one that never finished sending a head.
    pub(crate) fn prune(&self, limit: Duration) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for peer in open.peers.values().filter_map(Weak::upgrade) {
            match peer.idle() {
                Some(idle) if idle > limit + limit / 2 => peer.tell(DROP),
                Some(idle) if idle > limit => peer.tell(FINISH),
                _ => {}
            }
        }
    }
}

/// A connection's place on the list.
pub(crate) struct Entered {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.open.lock().unwrap_or_else(PoisonError::into_inner).peers.remove(&self.number);
    }
}

/// Runs a connection to its end and passes on what it is told; `finish` is how its kind takes nothing new.
pub(crate) async fn drive<C, E>(connection: C, finish: impl Fn(Pin<&mut C>), peer: &Peer) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = pin!(connection);
    let mut finishing = false;
    poll_fn(|cx| {
        peer.waker.register(cx.waker());
        match peer.order.load(Ordering::Acquire) {
            DROP => return Poll::Ready(Ok(())),
            FINISH if !finishing => {
                finishing = true;
                finish(connection.as_mut());
            }
            _ => {}
        }
        connection.as_mut().poll(cx)
    })
    .await
}
