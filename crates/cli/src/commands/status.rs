use project::Exit;
use runtimes::embedded::{self, Control};
use serde::Serialize;
use stack::Group;
use stack::control::{Reply, Request};
use stack::status::{ServerStatus, ServiceStatus, State};
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Show what every service is doing
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself status\n  nself status --watch\n  nself status postgres --json")]
pub struct Args {
    /// Only this service
    service: Option<String>,
    /// Show it again at every change, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Show ports, processes and memory
    #[arg(short, long, alias = "show-ports")]
    detailed: bool,
    /// table or json
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"])]
    format: Option<String>,
    #[command(flatten)]
    accepted: super::accepted::Status,
}

#[derive(Debug, Serialize)]
pub struct StatusReport {
    timestamp: jiff::Timestamp,
    project: String,
    environment: String,
    running: bool,
    server: Option<ServerStatus>,
    services: Vec<ServiceStatus>,
    #[serde(skip)]
    detailed: bool,
}

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        page.line(format!(
            "{} {}",
            page.paint(Style::Bold, &self.project),
            page.paint(Style::Dim, &format!("({})", self.environment))
        ));
        services(page, &self.services, self.detailed);
        page.blank();
        match &self.server {
            Some(server) => {
                let uptime = jiff::Timestamp::now().as_second() - server.started_at.as_second();
                page.line(format!(
                    "{}  up {}",
                    page.paint(Style::Link, &server.url),
                    seconds(u64::try_from(uptime).unwrap_or(0))
                ));
            }
            None => page.line("Not running. Start it with: nself start"),
        }
    }

    fn exit(&self) -> Exit {
        let red =
            |service: &ServiceStatus| matches!(service.state, State::Failed | State::Unhealthy | State::Restarting);
        if self.services.iter().any(red) { Exit::Unhealthy } else { Exit::Ok }
    }
}

/// The table of services that `status` and `start` share.
pub fn services(page: &mut Page, services: &[ServiceStatus], detailed: bool) {
    let rows: Vec<Vec<(String, Style)>> = services
        .iter()
        .map(|service| {
            let mut row = vec![
                (service.name.clone(), Style::Plain),
                (word(service.state), style(service.state)),
                (group(service.group).to_owned(), Style::Dim),
            ];
            if detailed {
                let ports: Vec<String> = service.ports.iter().map(u16::to_string).collect();
                row.push((ports.join(" "), Style::Plain));
                row.push((service.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()), Style::Dim));
                row.push((service.memory_bytes.map_or_else(|| "-".to_owned(), megabytes), Style::Dim));
                row.push((service.restarts.to_string(), Style::Dim));
            }
            let note = service.detail.clone().or_else(|| service.url.clone()).unwrap_or_default();
            row.push((note, Style::Dim));
            row
        })
        .collect();
    let header: &[&str] = if detailed {
        &["service", "state", "group", "ports", "process", "memory", "restarts", ""]
    } else {
        &["service", "state", "group", ""]
    };
    page.table(header, &rows);
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

fn word(state: State) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn style(state: State) -> Style {
    match state {
        State::Ready => Style::Good,
        State::External | State::Stopped => Style::Dim,
        State::Failed | State::Unhealthy => Style::Bad,
        _ => Style::Warning,
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::Required => "required",
        Group::Optional => "optional",
        Group::Monitoring => "monitoring",
        Group::Custom => "custom",
        Group::Frontend => "frontend",
    }
}

fn seconds(total: u64) -> String {
    match total {
        0..60 => format!("{total} s"),
        60..3600 => format!("{} min", total / 60),
        3600..86_400 => format!("{} h {} min", total / 3600, total % 3600 / 60),
        _ => format!("{} d {} h", total / 86_400, total % 86_400 / 3600),
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if args.watch {
        return watch(cx, &args);
    }
    let report = report(cx, &args)?;
    if args.format.as_deref() == Some("json") {
        return Ok(Box::new(super::AsJson(report)));
    }
    Ok(Box::new(report))
}

fn report(cx: &Context, args: &Args) -> Result<StatusReport, terminal::Failure> {
    let project = cx.project()?;
    let mut report = match embedded::status(&project) {
        Ok(status) => StatusReport {
            timestamp: status.timestamp,
            project: status.project,
            environment: status.environment,
            running: true,
            server: Some(status.server),
            services: status.services,
            detailed: args.detailed,
        },
        Err(runtimes::Error::NotRunning) => stopped(cx, args.detailed)?,
        Err(error) => return Err(error.into()),
    };
    select(&mut report.services, args.service.as_deref())?;
    Ok(report)
}

fn select(services: &mut Vec<ServiceStatus>, name: Option<&str>) -> Result<(), runtimes::Error> {
    let Some(name) = name else { return Ok(()) };
    let known: Vec<String> = services.iter().map(|service| service.name.clone()).collect();
    services.retain(|service| service.name == name);
    if services.is_empty() {
        return Err(runtimes::Error::UnknownService { name: name.to_owned(), known });
    }
    Ok(())
}

/// The report of a stack that does not run: what the plan would start.
fn stopped(cx: &Context, detailed: bool) -> Result<StatusReport, terminal::Failure> {
    let plan = cx.plan()?;
    let now = jiff::Timestamp::now();
    let services = plan.services.iter().map(|service| ServiceStatus {
        name: service.name.clone(),
        kind: service.kind,
        group: service.group,
        state: if matches!(service.run, stack::Run::External) { State::External } else { State::Stopped },
        detail: None,
        pid: None,
        since: now,
        restarts: 0,
        memory_bytes: None,
        ports: service.ports.iter().map(|port| port.number).collect(),
        url: None,
    });
    Ok(StatusReport {
        timestamp: now,
        project: plan.project.clone(),
        environment: plan.environment.clone(),
        running: false,
        server: None,
        services: services.collect(),
        detailed,
    })
}

fn watch(cx: &Context, args: &Args) -> Outcome {
    let project = cx.project()?;
    let mut control = Control::connect(&project)?;
    let mut reply = control.ask(&Request::Events)?;
    loop {
        if let Reply::Status { status } = reply {
            let mut services = status.services;
            select(&mut services, args.service.as_deref())?;
            let report = StatusReport {
                timestamp: status.timestamp,
                project: status.project,
                environment: status.environment,
                running: true,
                server: Some(status.server),
                services,
                detailed: args.detailed,
            };
            cx.terminal.show(&report);
        }
        reply = match control.next_reply() {
            Ok(reply) => reply,
            // The stack has been stopped: the last word.
            Err(runtimes::Error::NotRunning) => return Ok(Box::new(report(cx, args)?)),
            Err(error) => return Err(error.into()),
        };
    }
}
