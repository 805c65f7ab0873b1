//! A stack's status as the page shows it.

use jiff::Timestamp;
use stack::Kind;
use stack::status::{ServiceStatus, StackStatus, State};

pub(crate) struct StackView {
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) version: String,
    pub(crate) started_at: Timestamp,
    pub(crate) summary: Summary,
    pub(crate) services: Vec<ServiceView>,
}

/// One sentence about the whole stack.
pub(crate) struct Summary {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

pub(crate) struct ServiceView {
    pub(crate) name: String,
    pub(crate) about: &'static str,
    pub(crate) tone: Tone,
    pub(crate) state: &'static str,
    pub(crate) detail: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) memory: Option<String>,
    pub(crate) pid: Option<u32>,
    pub(crate) ports: String,
    pub(crate) restarts: u32,
    /// False for what somebody else runs.
    pub(crate) has_logs: bool,
}

/// Addresses that share a label.
#[derive(Debug, PartialEq)]
pub(crate) struct UrlGroup {
    pub(crate) label: String,
    pub(crate) urls: Vec<String>,
}

impl UrlGroup {
    /// In the given order; a label that comes again adds to its group.
    pub(crate) fn all(urls: Vec<(String, String)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (label, url) in urls {
            match groups.iter_mut().find(|group| group.label == label) {
                Some(group) => group.urls.push(url),
                None => groups.push(Self { label, urls: vec![url] }),
            }
        }
        groups
    }
}

/// How a state is coloured; a word always stands beside the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Busy,
    Bad,
    Off,
}

impl std::fmt::Display for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Bad => "bad",
            Self::Off => "off",
        })
    }
}

impl StackView {
    pub(crate) fn new(status: StackStatus) -> Self {
        Self {
            summary: Summary::new(&status.services),
            services: status.services.iter().map(ServiceView::new).collect(),
            project: status.project,
            environment: status.environment,
            version: status.server.version,
            started_at: status.server.started_at,
        }
    }
}

impl Summary {
    fn new(services: &[ServiceStatus]) -> Self {
        let ours: Vec<_> = services.iter().filter(|service| service.state != State::External).collect();
        let bad: Vec<_> = ours.iter().filter(|service| tone(service.state) == Tone::Bad).collect();
        let ready = ours.iter().filter(|service| service.state == State::Ready).count();
        let (tone, text) = match bad.as_slice() {
            [service] => (Tone::Bad, format!("{} {}", service.name, phrase(service.state))),
            [_, _, ..] => (Tone::Bad, format!("{} of {} services need attention", bad.len(), ours.len())),
            [] if ready == ours.len() => (Tone::Good, "All services ready".to_owned()),
            [] => (Tone::Busy, format!("{ready} of {} services ready", ours.len())),
        };
        Self { tone, text }
    }
}

impl ServiceView {
    fn new(service: &ServiceStatus) -> Self {
        Self {
            name: service.name.clone(),
            about: about(service.kind),
            tone: tone(service.state),
            state: word(service.state),
            detail: service.detail.clone(),
            since: service.since,
            memory: service.memory_bytes.map(megabytes),
            pid: service.pid,
            ports: service.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            restarts: service.restarts,
            has_logs: service.state != State::External,
        }
    }
}

fn about(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "PostgreSQL",
        Kind::Graphql => "GraphQL API",
        Kind::Auth => "Sign-up and sign-in",
        Kind::Storage => "Files",
        Kind::S3 => "Files, as S3 clients reach them",
        Kind::Mail => "Mail catcher",
        Kind::Console => "This page",
        Kind::Custom => "Your service",
        Kind::Frontend => "Your frontend",
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Ready => Tone::Good,
        State::Pending | State::Starting | State::Restarting | State::Stopping => Tone::Busy,
        State::Unhealthy | State::Failed => Tone::Bad,
        State::Stopped | State::External => Tone::Off,
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Pending => "Waiting",
        State::Starting => "Starting",
        State::Ready => "Ready",
        State::Unhealthy => "Unhealthy",
        State::Restarting => "Restarting",
        State::Stopping => "Stopping",
        State::Stopped => "Stopped",
        State::Failed => "Failed",
        State::External => "External",
    }
}

fn phrase(state: State) -> &'static str {
    match state {
        State::Failed => "failed",
        _ => "is unhealthy",
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    if tenths < 100 { format!("{}.{} MB", tenths / 10, tenths % 10) } else { format!("{} MB", tenths / 10) }
}

#[cfg(test)]
mod tests {
    use stack::Group;

    use super::*;

    fn service(name: &str, state: State) -> ServiceStatus {
        ServiceStatus {
            name: name.to_owned(),
            kind: Kind::Custom,
            group: Group::Custom,
            state,
            detail: None,
            pid: None,
            since: Timestamp::UNIX_EPOCH,
            restarts: 0,
            memory_bytes: None,
            ports: Vec::new(),
            url: None,
        }
    }

    fn summary(states: &[State]) -> (Tone, String) {
        let services: Vec<_> = states.iter().map(|state| service("web", *state)).collect();
        let summary = Summary::new(&services);
        (summary.tone, summary.text)
    }

    #[test]
    fn the_summary_names_what_is_wrong() {
        use State::{External, Failed, Ready, Starting, Unhealthy};
        assert_eq!(summary(&[Ready, Ready, External]), (Tone::Good, "All services ready".to_owned()));
        assert_eq!(summary(&[Ready, Starting, External]), (Tone::Busy, "1 of 2 services ready".to_owned()));
        assert_eq!(summary(&[Ready, Unhealthy]), (Tone::Bad, "web is unhealthy".to_owned()));
        assert_eq!(summary(&[Failed]), (Tone::Bad, "web failed".to_owned()));
        assert_eq!(summary(&[Failed, Unhealthy, Ready]), (Tone::Bad, "2 of 3 services need attention".to_owned()));
    }

    #[test]
    fn addresses_with_one_label_stand_together() {
        let urls = [("a", "1"), ("b", "2"), ("a", "3")].map(|(label, url)| (label.to_owned(), url.to_owned()));
        let groups = UrlGroup::all(urls.into());
        assert_eq!(groups[0], UrlGroup { label: "a".to_owned(), urls: vec!["1".to_owned(), "3".to_owned()] });
        assert_eq!((groups.len(), groups[1].label.as_str()), (2, "b"));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(megabytes(4_230_000), "4.2 MB");
        assert_eq!(megabytes(142_600_000), "142 MB");
    }
}
