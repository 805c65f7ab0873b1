//! From host and path to a service. Looking up allocates nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::limit::Zone;
use crate::load::Slot;

/// The routes of one moment.
pub(crate) struct Table {
    /// By lower-case host name.
    hosts: HashMap<Box<str>, Vec<Arc<Entry>>>,
    /// For the base domain, addresses and unknown hosts.
    base: Vec<Arc<Entry>>,
}

pub(crate) struct Entry {
    prefix: Box<str>,
    pub(crate) rewrite: Option<Box<str>>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) zone: Option<Arc<Zone>>,
    /// Largest request body, where it is not the gateway's.
    pub(crate) max_body_bytes: Option<u64>,
    /// It stands on the base domain.
    pub(crate) base: bool,
}

impl Table {
    pub(crate) fn new(
        routes: &[stack::Route],
        slots: &HashMap<String, Arc<Slot>>,
        zones: &HashMap<String, Arc<Zone>>,
    ) -> Self {
        let mut table = Self { hosts: HashMap::new(), base: Vec::new() };
        for route in routes {
            let Some(slot) = slots.get(&route.service) else { continue };
            let entry = Arc::new(Entry {
                prefix: prefix(&route.path).into(),
                rewrite: route.rewrite.as_deref().map(|rewrite| prefix(rewrite).into()),
                slot: Arc::clone(slot),
                zone: zones.get(&route.zone).cloned(),
                max_body_bytes: route.max_body_bytes,
                base: route.host.is_none(),
            });
            match &route.host {
                Some(host) => table.hosts.entry(host.to_ascii_lowercase().into()).or_default().push(entry),
                None => table.base.push(entry),
            }
        }
        for entries in table.hosts.values_mut().chain([&mut table.base]) {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.prefix.len()));
        }
        table
    }

    /// `host` without port. A host with routes of its own never falls back to the base domain's.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<&Arc<Entry>> {
        self.entries(host).iter().find(|entry| entry.matches(path))
    }

    /// True when the gateway's own pages answer here: the base domain, unless a route claims exactly this path.
    pub(crate) fn own(&self, host: &str, path: &str) -> bool {
        let entries = self.entries(host);
        std::ptr::eq(entries, &*self.base) && !entries.iter().any(|entry| &*entry.prefix == path)
    }

    fn entries(&self, host: &str) -> &[Arc<Entry>] {
        let found = if self.hosts.is_empty() {
            None
        } else if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.hosts.get(host.to_ascii_lowercase().as_str())
        } else {
            self.hosts.get(host)
        };
        found.map_or(&self.base, Vec::as_slice)
    }
}

impl Entry {
    fn matches(&self, path: &str) -> bool {
        path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path and query to forward, when they differ from those that came.
    pub(crate) fn rewritten(&self, path_and_query: &str) -> Option<String> {
        let rewrite = self.rewrite.as_deref()?;
        let rest = path_and_query.get(self.prefix.len()..)?;
        Some(if rewrite.is_empty() && !rest.starts_with('/') { format!("/{rest}") } else { format!("{rewrite}{rest}") })
    }
}

/// A prefix without its last slash, so that `/` matches everything and `/v1` matches `/v1` and `/v1/x`.
fn prefix(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// The host name of a Host header or an authority: no port, no brackets, no dot at the end. `None` when it can name no
/// host.
pub(crate) fn host_name(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return (port && address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6())).then_some(address);
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!name.is_empty() && name.len() <= 253 && name.bytes().all(allowed) && is_port(port)).then_some(name)
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True when a segment of the path is `.` or `..`, spelled out or percent-encoded. Such a path means another one to
/// whoever normalises it, and no client sends it by mistake: browsers and curl resolve it before they ask.
pub(crate) fn climbs(path: &str) -> bool {
    // Nearly all paths: no dot after a slash and nothing encoded.
    if !path.contains("/.") && !path.contains('%') {
        return false;
    }
    path.split('/').any(|segment| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::load::Load;
    use crate::{Backend, Limits};

    fn table(routes: &[(Option<&str>, &str, &str, Option<&str>)]) -> Table {
        let load = Load::new(CancellationToken::new());
        let slot =
            |name: &str| Arc::new(Slot::new(name, Backend::Unavailable(String::new()), &Limits::default(), &load));
        let slots = routes.iter().map(|route| (route.2.to_owned(), slot(route.2))).collect();
        let routes: Vec<_> = routes
            .iter()
            .map(|(host, path, service, rewrite)| stack::Route {
                host: host.map(str::to_owned),
                path: (*path).to_owned(),
                service: (*service).to_owned(),
                rewrite: rewrite.map(str::to_owned),
                zone: "general".to_owned(),
                max_body_bytes: None,
            })
            .collect();
        Table::new(&routes, &slots, &HashMap::new())
    }

    fn service<'a>(table: &'a Table, host: &str, path: &str) -> Option<&'a str> {
        table.find(host, path).map(|entry| &*entry.slot.name)
    }

    #[test]
    fn host_first_then_the_longest_path_on_a_segment_boundary() {
        let table = table(&[
            (None, "/v1", "rest", None),
            (None, "/v1/graphql", "graphql", None),
            (Some("App.localhost"), "/", "app", None),
            (Some("api.localhost"), "/v1/graphql", "graphql", None),
        ]);
        assert_eq!(service(&table, "localhost", "/v1/graphql"), Some("graphql"));
        assert_eq!(service(&table, "localhost", "/v1/graphql/"), Some("graphql"));
        assert_eq!(service(&table, "localhost", "/v1/graphqlx"), Some("rest"));
        assert_eq!(service(&table, "localhost", "/v1graphql"), None);
        assert_eq!(service(&table, "unknown.example", "/v1"), Some("rest"));
        assert_eq!(service(&table, "APP.LOCALHOST", "/v1/graphql"), Some("app"));
        assert_eq!(service(&table, "api.localhost", "/"), None, "no falling back to the base domain");
        assert_eq!(service(&table, "localhost", "/%76%31/graphql"), None, "bytes are compared as they came");
    }

    #[test]
    fn rewriting_keeps_rest_and_query() {
        let table = table(&[
            (None, "/v1/auth", "auth", Some("/")),
            (None, "/files", "storage", Some("/v1/storage")),
            (None, "/", "web", None),
        ]);
        let rewritten =
            |path: &str| table.find("x", path.split('?').next().unwrap()).and_then(|entry| entry.rewritten(path));
        assert_eq!(rewritten("/v1/auth/token?a=/v1/auth").as_deref(), Some("/token?a=/v1/auth"));
        assert_eq!(rewritten("/v1/auth?x").as_deref(), Some("/?x"));
        assert_eq!(rewritten("/v1/auth").as_deref(), Some("/"));
        assert_eq!(rewritten("/files/a%2Fb").as_deref(), Some("/v1/storage/a%2Fb"));
        assert_eq!(rewritten("/other"), None);
    }

    #[test]
    fn hosts_lose_port_brackets_and_last_dot() {
        assert_eq!(host_name("localhost:8080"), Some("localhost"));
        assert_eq!(host_name("api.localhost."), Some("api.localhost"));
        assert_eq!(host_name("[::1]:8080"), Some("::1"));
        assert_eq!(host_name("[::1]"), Some("::1"));
        for wrong in ["", ":80", "a b", "a/b", "[::1", "[::1]x", "[1.2.3.4]", "a:80:80", "a:port", "user@host", "a\"b"]
        {
            assert_eq!(host_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn climbing_is_seen_in_every_spelling() {
        for path in ["/..", "/a/../b", "/a/./b", "/a/%2e%2E/b", "/.%2e/x", "/a/%2e"] {
            assert!(climbs(path), "{path}");
        }
        for path in ["/", "/a", "/.well-known/x", "/a..b", "/...", "/a%2F..%2Fb", "/%2e%2e%2e"] {
            assert!(!climbs(path), "{path}");
        }
    }
}
