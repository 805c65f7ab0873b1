use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use project::ports::is_free;
use project::{Exit, Project, Settings};
use runtimes::embedded;
use serde::Serialize;
use stack::status::{StackStatus, State};
use stack::{Deferred, Plan};
use terminal::{Failure, Page, Style, Terminal, View};

use crate::{Context, Outcome};

/// Start the stack and wait until it answers
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself start\n  nself start postgres hasura\n  nself start --auto-ports --timeout 60\n  nself start --foreground"
)]
pub struct Args {
    /// Only these services and what they depend on
    services: Vec<String>,
    /// Stay in the foreground and print the logs; Ctrl-C stops the stack
    #[arg(long)]
    foreground: bool,
    /// Stop a running stack first, so that everything starts anew; data stays
    #[arg(long, alias = "force-recreate")]
    fresh: bool,
    /// Return as soon as the required services answer
    #[arg(long)]
    quick: bool,
    /// Seconds to wait for readiness (default: NSELF_HEALTH_CHECK_TIMEOUT)
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Return without waiting for readiness
    #[arg(long)]
    skip_health_checks: bool,
    /// Pick free ports for those that are taken, and write them to the settings
    #[arg(long)]
    auto_ports: bool,
    #[command(flatten)]
    accepted: super::accepted::Start,
    #[command(flatten)]
    words: super::accepted::Words,
}

impl Args {
    /// A plain start, as `restart` does it.
    pub fn again(timeout: Option<u64>) -> Self {
        Self {
            services: Vec::new(),
            foreground: false,
            fresh: false,
            quick: false,
            timeout,
            skip_health_checks: false,
            auto_ports: false,
            accepted: super::accepted::Start::default(),
            words: super::accepted::Words::default(),
        }
    }
}

#[derive(Debug, Serialize)]
struct StartReport {
    status: StackStatus,
    /// Name and address, for people to open.
    urls: Vec<(String, String)>,
    milliseconds: u128,
    ports_changed: Vec<PortChange>,
    deferred: Vec<Deferred>,
}

/// A port that `--auto-ports` moved.
#[derive(Debug, Serialize)]
pub struct PortChange {
    setting: String,
    from: u16,
    to: u16,
}

impl View for StartReport {
    fn text(&self, page: &mut Page) {
        for change in &self.ports_changed {
            page.line(format!("{} is now {} ({} was taken)", change.setting, change.to, change.from));
        }
        super::status::services(page, &self.status.services, false);
        for deferred in &self.deferred {
            page.styled(Style::Warning, format!("{}: {} ({})", deferred.name, deferred.reason, deferred.setting));
        }
        page.blank();
        page.line(format!(
            "{} is up at {} {}",
            page.paint(Style::Bold, &self.status.project),
            page.paint(Style::Link, &self.status.server.url),
            page.paint(Style::Dim, &format!("({} ms)", self.milliseconds))
        ));
        page.next(&[
            ("nself urls", "every address of the stack"),
            ("nself console open", "services and logs in the browser"),
            ("nself db migrate", "apply the project's migrations"),
            ("nself stop", "stop it; the data stays"),
        ]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    args.accepted.warn(&cx.terminal);
    let began = Instant::now();
    let project = cx.project()?;
    operations::restore::resume(&project)?;
    if args.fresh {
        embedded::stop(&project, super::stop::limit(cx, None))?;
    }
    for made in project::secrets::ensure(&project, cx.env.as_deref())?.made {
        cx.terminal.progress(&format!("made a secret: {}", made.name));
    }
    let ports_changed = if args.auto_ports { free_ports(cx, &project)? } else { Vec::new() };
    let settings = cx.settings()?;
    let plan = Plan::new(&settings)?;
    check_names(&plan, &args.services)?;
    runtimes::build::apply(&project, &plan)?;
    if args.foreground {
        return super::serve::foreground(cx, &project, settings, plan, args.services);
    }
    explain_interrupt(cx.terminal);
    let status = embedded::start(&project, &start_options(cx, &args, &settings), |name, state, detail| {
        if matches!(state, State::Restarting | State::Unhealthy) {
            cx.terminal.warn(&format!("{name}: {}", detail.unwrap_or("not healthy")));
        }
    })?;
    let urls = plan.urls().into_iter().map(|url| (url.service, url.http)).collect();
    Ok(Box::new(StartReport {
        status,
        urls,
        milliseconds: began.elapsed().as_millis(),
        ports_changed,
        deferred: plan.deferred,
    }))
}

/// From here on Ctrl-C says what state it leaves behind: the server is on its own by then.
fn explain_interrupt(terminal: Terminal) {
    let mut interrupt = SigSet::empty();
    interrupt.add(Signal::SIGINT);
    if interrupt.thread_block().is_ok() {
        std::thread::spawn(move || {
            if interrupt.wait().is_ok() {
                terminal.progress(
                    "\nThe stack goes on starting in the background: nself status shows it, nself stop ends it.",
                );
                std::process::exit(Exit::Interrupted as i32);
            }
        });
    }
}

fn start_options(cx: &Context, args: &Args, settings: &Settings) -> embedded::Start {
    let setting = settings.duration("NSELF_HEALTH_CHECK_TIMEOUT").unwrap_or(Duration::from_secs(120));
    embedded::Start {
        environment: cx.env.clone(),
        limit: args.timeout.map_or(setting, Duration::from_secs),
        services: args.services.clone(),
        quick: args.quick,
        skip_health_checks: args.skip_health_checks || settings.flag("NSELF_SKIP_HEALTH_CHECKS"),
    }
}

fn check_names(plan: &Plan, names: &[String]) -> Result<(), runtimes::Error> {
    match names.iter().find(|name| plan.service(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(runtimes::Error::UnknownService {
            name: name.clone(),
            known: plan.services.iter().map(|service| service.name.clone()).collect(),
        }),
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Moves every taken port of a stopped stack to a free one and writes it where the settings had it.
fn free_ports(cx: &Context, project: &Project) -> Result<Vec<PortChange>, Failure> {
    if embedded::is_running(project) {
        return Ok(Vec::new());
    }
    let settings = cx.settings()?;
    let plan = Plan::new(&settings)?;
    let mut wanted: Vec<(String, u16)> = vec![("GATEWAY_PORT".to_owned(), plan.gateway.http_port)];
    wanted.extend(plan.gateway.https_port.map(|port| ("GATEWAY_SSL_PORT".to_owned(), port)));
    let ours = plan.services.iter().filter(|service| !matches!(service.run, stack::Run::External));
    wanted.extend(ours.flat_map(|service| &service.ports).map(|port| (port.setting.clone(), port.number)));
    let mut used: Vec<u16> = wanted.iter().map(|(_, port)| *port).collect();
    let mut changes = Vec::new();
    for (setting, from) in wanted {
        if is_free(LOOPBACK, from) {
            continue;
        }
        let to = (from.saturating_add(1)..=u16::MAX).find(|port| !used.contains(port) && is_free(LOOPBACK, *port));
        let Some(to) = to else { continue };
        used.push(to);
        project::config::set(project, cx.env.as_deref(), &setting, &to.to_string())?;
        changes.push(PortChange { setting, from, to });
    }
    Ok(changes)
}
