//! From what stands in a `*_ROUTE` setting to a host name.

use project::{Settings, Tier};

/// Last labels that make a dotted route a domain of its own, beside every two-letter one (the country codes). A dotted
/// route with another end, such as `api.v1`, is a sub-domain of the base domain.
const TOP_LEVEL: &[&str] = &[
    "agency",
    "app",
    "art",
    "biz",
    "blog",
    "build",
    "cafe",
    "chat",
    "cloud",
    "club",
    "codes",
    "com",
    "company",
    "computer",
    "design",
    "dev",
    "digital",
    "edu",
    "email",
    "events",
    "example",
    "fun",
    "games",
    "global",
    "gov",
    "group",
    "health",
    "home",
    "host",
    "info",
    "int",
    "internal",
    "lan",
    "life",
    "link",
    "live",
    "local",
    "localhost",
    "market",
    "media",
    "mil",
    "mobi",
    "money",
    "name",
    "net",
    "network",
    "news",
    "one",
    "online",
    "org",
    "page",
    "pro",
    "run",
    "shop",
    "site",
    "software",
    "solutions",
    "space",
    "store",
    "studio",
    "systems",
    "team",
    "tech",
    "test",
    "today",
    "tools",
    "website",
    "wiki",
    "work",
    "world",
    "xyz",
    "zone",
];

/// The base domain of the environment, and how routes relate to it.
#[derive(Debug)]
pub(crate) struct Domains {
    base: String,
    /// `BASE_DOMAIN` itself, where `DEV_DOMAIN` and its siblings replace it: routes that were written with
    /// `${BASE_DOMAIN}` end with it and still mean a sub-domain.
    written: String,
}

impl Domains {
    pub fn new(settings: &Settings) -> Self {
        let replacement = match settings.tier() {
            Tier::Dev => "DEV_DOMAIN",
            Tier::Staging => "STAGING_DOMAIN",
            Tier::Prod => "PROD_DOMAIN",
        };
        let written = settings.text("BASE_DOMAIN").unwrap_or("localhost").to_ascii_lowercase();
        let base = settings.text(replacement).map_or_else(|| written.clone(), str::to_ascii_lowercase);
        Self { base, written }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// A text that was expanded with `BASE_DOMAIN`, as if with the domain that replaces it.
    pub fn rebase(&self, text: &str) -> String {
        if self.base == self.written { text.to_owned() } else { text.replace(&self.written, &self.base) }
    }

    /// The host of a route; `None` is the base domain itself.
    ///
    /// One word is a sub-domain. What ends with the base domain or looks like a domain of its own (see [`TOP_LEVEL`])
    /// is one; any other dotted text is a sub-domain. `Err` says why it is no host.
    pub fn host(&self, route: &str) -> Result<Option<String>, String> {
        let route = route.trim().to_ascii_lowercase();
        if route.starts_with("*.") {
            return Err("the front door matches whole host names; name each sub-domain".to_owned());
        }
        if !project::value::is_domain(&route) {
            return Err(format!("`{route}` is neither a label such as `api` nor a whole domain"));
        }
        let below =
            |domain: &str| route.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).map(str::to_owned);
        let host = if route == self.base || route == self.written {
            return Ok(None);
        } else if below(&self.base).is_some() {
            route
        } else if let Some(label) = below(&self.written) {
            format!("{label}.{}", self.base)
        } else if is_whole_domain(&route) {
            route
        } else {
            format!("{route}.{}", self.base)
        };
        if host.len() > 253 { Err("the host name is longer than 253 characters".to_owned()) } else { Ok(Some(host)) }
    }

    /// True for the base domain and everything below it.
    pub fn covers(&self, host: &str) -> bool {
        host == self.base || host.strip_suffix(&self.base).is_some_and(|rest| rest.ends_with('.'))
    }
}

fn is_whole_domain(route: &str) -> bool {
    let Some((_, last)) = route.rsplit_once('.') else { return false };
    let country = last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    country || last.starts_with("xn--") || TOP_LEVEL.contains(&last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn domains(base: &str, written: &str) -> Domains {
        Domains { base: base.to_owned(), written: written.to_owned() }
    }

    fn host(domains: &Domains, route: &str) -> Option<String> {
        domains.host(route).unwrap()
    }

    #[test]
    fn a_word_is_a_sub_domain_and_a_domain_is_itself() {
        let domains = domains("local.nself.org", "local.nself.org");
        for (route, expected) in [
            ("api", "api.local.nself.org"),
            ("API", "api.local.nself.org"),
            ("api.v1", "api.v1.local.nself.org"),
            ("my_app", "my_app.local.nself.org"),
            ("shop.example.com", "shop.example.com"),
            ("shop.de", "shop.de"),
            ("app.dev", "app.dev"),
            ("xn--bcher-kva.xn--p1ai", "xn--bcher-kva.xn--p1ai"),
            // What `api.${BASE_DOMAIN}` becomes, doubled by the Bash tool.
            ("api.local.nself.org", "api.local.nself.org"),
        ] {
            assert_eq!(host(&domains, route).as_deref(), Some(expected), "{route}");
        }
        assert_eq!(host(&domains, "local.nself.org"), None);
        assert_eq!(host(&domains, "xlocal.nself.org").as_deref(), Some("xlocal.nself.org"));
    }

    #[test]
    fn localhost_is_a_base_like_any_other() {
        let domains = domains("localhost", "localhost");
        assert_eq!(host(&domains, "api").as_deref(), Some("api.localhost"));
        assert_eq!(host(&domains, "api.localhost").as_deref(), Some("api.localhost"));
        assert_eq!(host(&domains, "localhost"), None);
    }

    #[test]
    fn a_replaced_base_takes_its_routes_along() {
        let domains = domains("shop.com", "localhost");
        assert_eq!(host(&domains, "api.localhost").as_deref(), Some("api.shop.com"));
        assert_eq!(host(&domains, "api").as_deref(), Some("api.shop.com"));
        assert_eq!(host(&domains, "localhost"), None);
        assert!(domains.covers("api.shop.com") && domains.covers("shop.com") && !domains.covers("myshop.com"));
    }

    #[test]
    fn what_cannot_be_a_host_says_why() {
        let domains = domains("localhost", "localhost");
        assert!(domains.host("*.shop").unwrap_err().contains("whole host names"));
        assert!(domains.host("a b").is_err() && domains.host("").is_err() && domains.host("a/b").is_err());
        assert!(domains.host(&["abcdefghi"; 25].join(".")).unwrap_err().contains("253"));
    }
}
