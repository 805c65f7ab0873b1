//! PostgreSQL, ports and the certificate.

use jiff::{SignedDuration, Timestamp};
use postgres::Wanted;
use project::{Diagnostic, Project, Settings, ports};

use super::{Action, Check, Status, Subject};

/// The gateway's certificate, as far as the caller could see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// TLS is off.
    Off,
    /// The local one, made at the first start.
    NotYet,
    Valid {
        until: Timestamp,
        local: bool,
        trusted: Option<bool>,
    },
    Broken {
        reason: String,
    },
}

pub(super) fn postgresql(project: Option<(&Project, &Settings)>) -> Check {
    let wanted = project
        .map(|(project, settings)| Wanted::from_settings(settings).for_data(&project.data_dir().join("postgres")));
    let wanted = wanted.unwrap_or_default();
    match postgres::find(&wanted) {
        Ok(found) => {
            let text = format!("{} in {}", found.full_version, found.bin.display());
            match wanted.data.filter(|major| *major != found.version.major) {
                Some(major) => {
                    Check::new("postgresql", Status::Fail, format!("{text}, but the data was written by {major}"))
                        .advise(postgres::way_to(major))
                }
                None => match wanted.warning(&found) {
                    Some(warning) => Check::new("postgresql", Status::Warn, warning).advise("nself postgres list"),
                    None => Check::ok("postgresql", text),
                },
            }
        }
        Err(error @ postgres::Error::NotFound { .. }) => {
            let install = postgres::install_command();
            let command = install.to_string();
            Check::new("postgresql", Status::Fail, error.to_string()).mendable(command, Action::Install(install))
        }
        Err(error) => {
            let found = error.why().map_or_else(|| error.to_string(), |why| format!("{error}: {why}"));
            Check::new("postgresql", Status::Fail, found).advise("nself postgres list")
        }
    }
}

/// The ports of the plan that something must listen on.
pub(super) fn ports(subject: &Subject<'_>) -> Vec<Check> {
    let Some(plan) = subject.plan else { return Vec::new() };
    let mut wanted = vec![("GATEWAY_PORT", plan.gateway.http_port, plan.gateway.bind)];
    wanted.extend(plan.gateway.https_port.map(|port| ("GATEWAY_SSL_PORT", port, plan.gateway.bind)));
    let ours = plan.services.iter().filter(|service| !matches!(service.run, stack::Run::External));
    let loopback = std::net::Ipv4Addr::LOCALHOST.into();
    wanted.extend(ours.flat_map(|service| &service.ports).map(|port| (port.setting.as_str(), port.number, loopback)));
    let mut checks: Vec<Check> = Vec::new();
    for (setting, port, address) in wanted {
        let name = format!("port {port}");
        if checks.iter().any(|check| check.name == name) {
            continue;
        }
        checks.push(if subject.running {
            Check::ok(name, format!("{setting}, used by this stack"))
        } else if ports::is_free(address, port) {
            Check::ok(name, format!("{setting}, free"))
        } else {
            taken(name, setting, port)
        });
    }
    checks
}

fn taken(name: String, setting: &str, port: u16) -> Check {
    match ports::owner(port) {
        Some(owner) => Check::new(name, Status::Fail, format!("{setting}, taken by {owner}"))
            .advise(format!("stop it, or nself config set {setting} <port>, or nself start --auto-ports")),
        // Nobody listens, so the system itself said no.
        None if port < 1024 => {
            Check::new(name, Status::Fail, format!("{setting}, and only root may listen below 1024"))
                .advise(format!("nself config set {setting} {}", u32::from(port) + 8000))
        }
        None => Check::new(name, Status::Fail, format!("{setting}, taken by a program of another user or container"))
            .advise(format!("nself config set {setting} <port>, or nself start --auto-ports")),
    }
}

pub(super) fn certificate(certificate: &Certificate, now: Timestamp) -> Check {
    let check = |status, found: String| Check::new("certificate", status, found);
    match certificate {
        Certificate::Off => Check::ok("certificate", "TLS is off"),
        Certificate::NotYet => Check::ok("certificate", "made at the first start"),
        Certificate::Broken { reason } => check(Status::Fail, reason.clone())
            .advise("put a certificate and its key where the settings say, or take SSL_MODE out"),
        Certificate::Valid { until, local, trusted } => {
            let left = until.duration_since(now);
            let days = left.as_hours() / 24;
            let month = SignedDuration::from_hours(30 * 24);
            match (left, local) {
                (left, false) if left.is_negative() => {
                    check(Status::Fail, "expired".to_owned()).advise("renew it, then nself restart")
                }
                (left, false) if left < month => {
                    check(Status::Warn, format!("expires in {days} days")).advise("renew it, then nself restart")
                }
                (left, true) if left < month => {
                    check(Status::Warn, "due for renewal".to_owned()).advise("nself restart")
                }
                _ if *trusted == Some(false) => {
                    check(Status::Warn, format!("valid for {days} days, but browsers here do not trust it"))
                        .advise("nself trust install")
                }
                _ => Check::ok("certificate", format!("valid for {days} days")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_the_days_it_has_left() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let days = |days: i64| now + SignedDuration::from_hours(days * 24);
        let status = |until, local, trusted| certificate(&Certificate::Valid { until, local, trusted }, now).status;
        assert_eq!(status(days(90), false, None), Status::Ok);
        assert_eq!(status(days(10), false, None), Status::Warn);
        assert_eq!(status(days(-1), false, None), Status::Fail);
        assert_eq!(status(days(-1), true, None), Status::Warn, "nself renews its own");
        assert_eq!(status(days(90), true, Some(false)), Status::Warn);
        assert_eq!(certificate(&Certificate::Off, now).status, Status::Ok);
    }

    #[test]
    fn a_taken_port_names_who_has_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let check = taken("x".to_owned(), "POSTGRES_PORT", port);
        assert!(check.found.contains(&format!("process {}", std::process::id())), "{check:?}");
        assert!(check.fix.unwrap().command.contains("POSTGRES_PORT"));
    }
}
