use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use project::Exit;
use runtimes::embedded::{self, Control};
use serde::Serialize;
use stack::control::{Reply, Request};
use stack::status::{StackStatus, State};
use terminal::{Page, Style, View};

use crate::{Context, Error, Outcome};

/// Check the health of the stack, a service or an address
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself health\n  nself health service postgres\n  nself health endpoint http://localhost:8080/health\n  nself health watch"
)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Seconds that an endpoint may take to answer
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// How often an endpoint is tried
    #[arg(long, global = true, value_name = "TIMES", default_value_t = 3)]
    retries: u32,
    /// Seconds between the tries
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10)]
    interval: u64,
    /// Say it by the exit code alone
    #[arg(long, global = true)]
    quiet: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// All services (the default)
    #[command(after_help = "Example:\n  nself health check")]
    Check,
    /// One service
    #[command(after_help = "Example:\n  nself health service postgres")]
    Service { name: String },
    /// An HTTP address
    #[command(after_help = "Example:\n  nself health endpoint http://localhost:8080/health")]
    Endpoint { url: String },
    /// All services, again at every change
    #[command(after_help = "Example:\n  nself health watch")]
    Watch,
}

/// The report's shape is the Bash tool's.
#[derive(Debug, Serialize)]
struct HealthReport {
    timestamp: jiff::Timestamp,
    healthy: usize,
    unhealthy: usize,
    total: usize,
    services: Vec<Health>,
    #[serde(skip)]
    quiet: bool,
}

#[derive(Debug, Serialize)]
struct Health {
    service: String,
    /// healthy or unhealthy.
    status: &'static str,
    details: String,
    /// `None` for what is judged by the server and not asked again.
    response_time_ms: Option<u128>,
}

impl View for HealthReport {
    fn text(&self, page: &mut Page) {
        if self.quiet {
            return;
        }
        let rows: Vec<Vec<(String, Style)>> = self
            .services
            .iter()
            .map(|health| {
                let style = if health.status == "healthy" { Style::Good } else { Style::Bad };
                vec![
                    (health.service.clone(), Style::Plain),
                    (health.status.to_owned(), style),
                    (health.details.clone(), Style::Dim),
                ]
            })
            .collect();
        page.table(&["service", "health", ""], &rows);
        page.blank();
        page.line(format!("{} of {} healthy", self.healthy, self.total));
    }

    fn exit(&self) -> Exit {
        if self.unhealthy == 0 { Exit::Ok } else { Exit::Unhealthy }
    }
}

impl HealthReport {
    fn of(services: Vec<Health>) -> Self {
        let healthy = services.iter().filter(|health| health.status == "healthy").count();
        Self {
            timestamp: jiff::Timestamp::now(),
            healthy,
            unhealthy: services.len() - healthy,
            total: services.len(),
            services,
            quiet: false,
        }
    }

    fn of_stack(status: &StackStatus, only: Option<&str>) -> Self {
        let services = status
            .services
            .iter()
            .filter(|service| only.is_none_or(|name| service.name == name))
            .filter(|service| service.state != State::External)
            .map(|service| Health {
                service: service.name.clone(),
                status: if service.state == State::Ready { "healthy" } else { "unhealthy" },
                details: service.detail.clone().unwrap_or_default(),
                response_time_ms: None,
            });
        Self::of(services.collect())
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let only = match &args.what {
        Some(What::Endpoint { url }) => return endpoint(&args, url),
        Some(What::Watch) => return watch(cx),
        Some(What::Service { name }) => Some(name.as_str()),
        Some(What::Check) | None => None,
    };
    let status = embedded::status(&cx.project()?)?;
    if let Some(name) = only.filter(|name| status.services.iter().all(|service| service.name != **name)) {
        let known = status.services.iter().map(|service| service.name.clone()).collect();
        return Err(runtimes::Error::UnknownService { name: name.to_owned(), known }.into());
    }
    Ok(Box::new(HealthReport { quiet: args.quiet, ..HealthReport::of_stack(&status, only) }))
}

fn watch(cx: &Context) -> Outcome {
    let mut control = Control::connect(&cx.project()?)?;
    let mut reply = control.ask(&Request::Events)?;
    loop {
        if let Reply::Status { status } = reply {
            cx.terminal.show(&HealthReport::of_stack(&status, None));
        }
        reply = control.next_reply()?;
    }
}

fn endpoint(args: &Args, url: &str) -> Outcome {
    let bad = |why: &str| Error::Usage {
        message: format!("{url}: {why}"),
        fix: "write it as http://host:port/path".to_owned(),
    };
    let rest = url.strip_prefix("http://").ok_or_else(|| bad("only http:// addresses can be checked"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut answer = Err("never tried".to_owned());
    let began = Instant::now();
    for attempt in 0..args.retries.max(1) {
        if attempt > 0 {
            std::thread::sleep(Duration::from_secs(args.interval));
        }
        answer = get(&address, authority, path, Duration::from_secs(args.timeout));
        if answer.is_ok() {
            break;
        }
    }
    let (status, details) = match answer {
        Ok(code) => (if (200..400).contains(&code) { "healthy" } else { "unhealthy" }, format!("HTTP {code}")),
        Err(why) => ("unhealthy", why),
    };
    let health =
        Health { service: url.to_owned(), status, details, response_time_ms: Some(began.elapsed().as_millis()) };
    Ok(Box::new(HealthReport { quiet: args.quiet, ..HealthReport::of(vec![health]) }))
}

/// The status code that a GET answers with.
fn get(address: &str, host: &str, path: &str, limit: Duration) -> Result<u16, String> {
    let target = address.to_socket_addrs().map_err(|error| error.to_string())?.next();
    let target = target.ok_or_else(|| "the name has no address".to_owned())?;
    let mut stream = TcpStream::connect_timeout(&target, limit).map_err(|error| error.to_string())?;
    let talk = |stream: &mut TcpStream| -> std::io::Result<Vec<u8>> {
        stream.set_read_timeout(Some(limit))?;
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: nself\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut head = vec![0; 64];
        stream.read_exact(&mut head[..12])?;
        Ok(head)
    };
    let head = talk(&mut stream).map_err(|error| error.to_string())?;
    std::str::from_utf8(&head[9..12]).ok().and_then(|code| code.parse().ok()).ok_or_else(|| "no HTTP answer".to_owned())
}
