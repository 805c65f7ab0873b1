//! What all connections share, and the handle that changes it while they run.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Log;
use crate::connection::Connections;
use crate::cors::Policy;
use crate::limit::Zone;
use crate::load::{Drain, Load, Slot};
use crate::request::Ids;
use crate::table::Table;
use crate::{Backend, Limits, Network, Options, StatusSource};

/// Time for connections to close after their last answer.
const CLOSING: Duration = Duration::from_millis(200);

pub(crate) struct Gateway {
    table: RwLock<Arc<Table>>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    zones: HashMap<String, Arc<Zone>>,
    pub(crate) cors: Policy,
    pub(crate) compression: bool,
    pub(crate) max_body_bytes: u64,
    pub(crate) max_header_bytes: u64,
    /// Where visitors of plain HTTP are sent: outside dev, and with a certificate that the world may trust. With the
    /// local authority's one there, a redirect would lead to a warning page.
    pub(crate) redirect_port: Option<u16>,
    pub(crate) tier: project::Tier,
    pub(crate) limits: Limits,
    pub(crate) trusted: Vec<Network>,
    pub(crate) status: Arc<dyn StatusSource>,
    pub(crate) ids: Ids,
    pub(crate) log: Arc<Log>,
    pub(crate) load: Arc<Load>,
    pub(crate) connections: Arc<Connections>,
    /// The tasks of connections.
    pub(crate) tasks: TaskTracker,
    /// Nobody is let in any more.
    pub(crate) closing: CancellationToken,
    /// Everything has ended; `Service::run` returns.
    pub(crate) finished: CancellationToken,
}

impl Gateway {
    pub(crate) fn new(options: Options, https_port: Option<u16>) -> Self {
        let strict = options.tier != project::Tier::Dev && matches!(options.plan.tls, stack::Tls::Custom { .. });
        let load = Arc::new(Load::new(CancellationToken::new()));
        let limits = options.limits;
        let slots = options.backends.into_iter().map(|(name, backend)| {
            let slot = Arc::new(Slot::new(&name, backend, &limits, &load));
            (name, slot)
        });
        let slots = Mutex::new(slots.collect());
        let zones: HashMap<String, Arc<Zone>> =
            options.plan.zones.iter().map(|(name, rate)| (name.clone(), Arc::new(Zone::new(name, *rate)))).collect();
        let gateway = Self {
            table: RwLock::new(Arc::new(Table::new(&[], &HashMap::new(), &zones))),
            slots,
            zones,
            cors: Policy::new(&options.plan.cors_origins),
            compression: options.plan.compression,
            max_body_bytes: options.plan.max_body_bytes,
            max_header_bytes: options.plan.max_header_bytes,
            redirect_port: https_port.filter(|_| strict),
            tier: options.tier,
            limits,
            trusted: options.trusted_proxies,
            status: options.status,
            ids: Ids::new(),
            log: Arc::new(Log::new(options.access_log)),
            load,
            connections: Arc::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            finished: CancellationToken::new(),
        };
        gateway.route(&options.routes);
        gateway
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    fn route(&self, routes: &[stack::Route]) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for route in routes {
            if !slots.contains_key(&route.service) {
                let missing = Backend::Unavailable("it has not been started".to_owned());
                let slot = Arc::new(Slot::new(&route.service, missing, &self.limits, &self.load));
                slots.insert(route.service.clone(), slot);
            }
        }
        let table = Arc::new(Table::new(routes, &slots, &self.zones));
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// Regular housekeeping: closes what has been idle for too long.
    pub(crate) fn tidy(&self, now: Instant) {
        if !self.connections.is_empty() {
            self.connections.prune(self.limits.idle);
        }
        let slots: Vec<Arc<Slot>> =
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for pool in slots.iter().filter_map(|slot| slot.pool()) {
            pool.prune(now);
        }
    }
}

/// Steers a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
}

impl Handle {
    /// Where plain HTTP is served; the real port when the plan said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where https is served.
    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.https
    }

    /// Puts another backend in a service's place. Requests that arrive from now on go to it; the [`Drain`] tells when
    /// those that the old one had are answered.
    pub fn swap(&self, service: &str, backend: Backend) -> Drain {
        let gateway = &self.gateway;
        let mut slots = gateway.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(service) {
            return slot.swap(backend, &gateway.limits, &gateway.load);
        }
        let slot = Arc::new(Slot::new(service, backend, &gateway.limits, &gateway.load));
        slots.insert(service.to_owned(), slot);
        Drain::nothing()
    }

    /// Replaces all routes at once. Requests under way keep the service they were given to.
    pub fn update_routes(&self, routes: &[stack::Route]) {
        self.gateway.route(routes);
    }

    /// Requests in progress at this moment.
    pub fn in_flight(&self) -> usize {
        self.gateway.load.in_flight()
    }

    /// Stops accepting, closes idle connections and waits for requests in progress, at most `grace`. Event streams and
    /// tunnels, which have no end of their own, get a moment after the last ordinary request and are then ended.
    /// Returns how many requests were cut off; [`crate::Service::run`] returns soon after.
    pub async fn shutdown(&self, grace: Duration) -> usize {
        let gateway = &self.gateway;
        gateway.closing.cancel();
        gateway.connections.finish();
        let cut = gateway.load.drained(grace).await;
        gateway.load.ended.cancel();
        gateway.tasks.close();
        if tokio::time::timeout(CLOSING, gateway.tasks.wait()).await.is_err() {
            gateway.connections.end();
            let _ = tokio::time::timeout(CLOSING, gateway.tasks.wait()).await;
        }
        gateway.finished.cancel();
        cut
    }
}
