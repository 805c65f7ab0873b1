use std::collections::BTreeMap;

use project::Settings;
use serde::Serialize;
use stack::{Group, Kind, Plan, Url};
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Show where everything answers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself urls\n  nself urls --all\n  nself urls --diff prod\n  nself urls --json")]
pub struct Args {
    /// Also the second addresses of services, and every port
    #[arg(short, long)]
    all: bool,
    /// Only say whether a port, a route or a name is given twice
    #[arg(long)]
    check_conflicts: bool,
    /// Compare with the addresses of another environment
    #[arg(long, value_name = "ENV", conflicts_with = "check_conflicts")]
    diff: Option<String>,
}

#[derive(Debug, Serialize)]
struct UrlsReport {
    project: String,
    environment: String,
    urls: Vec<Url>,
    /// Connection URL of PostgreSQL, without its password.
    database: Option<String>,
    /// With `--all`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<PortLine>,
}

#[derive(Debug, Serialize)]
struct PortLine {
    port: u16,
    service: String,
    setting: String,
}

impl View for UrlsReport {
    fn text(&self, page: &mut Page) {
        let groups = [
            (Group::Required, "Required"),
            (Group::Optional, "Optional"),
            (Group::Monitoring, "Monitoring"),
            (Group::Custom, "Custom"),
            (Group::Frontend, "Frontend"),
        ];
        for (group, title) in groups {
            let of_group = self.urls.iter().filter(|url| url.group == group);
            let mut rows: Vec<(String, String)> =
                of_group.map(|url| (url.label.clone(), line(page, &url.http, url.https.as_deref()))).collect();
            if group == Group::Required {
                rows.extend(self.database.iter().map(|url| ("PostgreSQL".to_owned(), url.clone())));
            }
            if !rows.is_empty() {
                page.heading(title);
                page.pairs(&rows);
            }
        }
        if !self.ports.is_empty() {
            page.heading("Ports");
            let rows: Vec<Vec<(String, Style)>> = self
                .ports
                .iter()
                .map(|line| {
                    vec![
                        (line.port.to_string(), Style::Plain),
                        (line.service.clone(), Style::Plain),
                        (line.setting.clone(), Style::Dim),
                    ]
                })
                .collect();
            page.table(&["port", "service", "setting"], &rows);
        }
        page.next(&[("nself status", "which of them answer now"), ("nself console open", "the console in a browser")]);
    }
}

#[derive(Debug, Serialize)]
struct ConflictsReport {
    conflicts: Vec<String>,
    ports: usize,
    routes: usize,
}

impl View for ConflictsReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("No port, route or name is given twice ({} ports, {} routes).", self.ports, self.routes));
        page.next(&[
            ("nself build", "write what the runtime needs"),
            ("nself doctor", "whether other programs hold a port"),
        ]);
    }
}

#[derive(Debug, Serialize)]
struct DiffReport {
    here: String,
    there: String,
    differences: Vec<Difference>,
}

/// The addresses of one service here and there.
#[derive(Debug, Serialize)]
struct Difference {
    service: String,
    here: Vec<String>,
    there: Vec<String>,
}

impl View for DiffReport {
    fn text(&self, page: &mut Page) {
        if self.differences.is_empty() {
            page.line(format!("{} and {} have the same addresses.", self.here, self.there));
        } else {
            page.line(format!("- {}\n+ {}", self.here, self.there));
        }
        for difference in &self.differences {
            page.heading(&difference.service);
            for url in difference.here.iter().filter(|url| !difference.there.contains(url)) {
                page.styled(Style::Bad, format!("- {url}"));
            }
            for url in difference.there.iter().filter(|url| !difference.here.contains(url)) {
                page.styled(Style::Good, format!("+ {url}"));
            }
        }
        page.next(&[(format!("nself env diff {} {}", self.here, self.there), "the settings that differ".to_owned())]);
    }
}

fn line(page: &Page, http: &str, https: Option<&str>) -> String {
    let http = page.paint(Style::Link, http);
    https.map_or_else(|| http.clone(), |https| format!("{http}  {}", page.paint(Style::Dim, https)))
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let plan = Plan::new(&settings)?;
    if args.check_conflicts {
        return Ok(Box::new(ConflictsReport {
            conflicts: Vec::new(),
            ports: ports(&plan).len(),
            routes: plan.routes.len(),
        }));
    }
    if let Some(other) = &args.diff {
        let other = Plan::new(&cx.project()?.settings(Some(other))?)?;
        return Ok(Box::new(diff(&plan, &other)));
    }
    Ok(Box::new(UrlsReport {
        urls: plan.urls().into_iter().filter(|url| args.all || url.primary).collect(),
        database: database(&plan, &settings),
        ports: if args.all { ports(&plan) } else { Vec::new() },
        project: plan.project,
        environment: plan.environment,
    }))
}

fn database(plan: &Plan, settings: &Settings) -> Option<String> {
    let service = plan.services.iter().find(|service| service.kind == Kind::Postgres)?;
    let port = service.ports.first()?.number;
    let text = |name, otherwise| settings.text(name).unwrap_or(otherwise);
    Some(format!("postgres://{}@127.0.0.1:{port}/{}", text("POSTGRES_USER", "postgres"), text("POSTGRES_DB", "nhost")))
}

fn ports(plan: &Plan) -> Vec<PortLine> {
    let line = |port, service: &str, setting: &str| PortLine {
        port,
        service: service.to_owned(),
        setting: setting.to_owned(),
    };
    let mut ports = vec![line(plan.gateway.http_port, "gateway", "GATEWAY_PORT")];
    ports.extend(plan.gateway.https_port.map(|port| line(port, "gateway", "GATEWAY_SSL_PORT")));
    for service in &plan.services {
        ports.extend(service.ports.iter().map(|port| line(port.number, &service.name, &port.setting)));
    }
    ports.sort_by_key(|line| line.port);
    ports
}

fn diff(here: &Plan, there: &Plan) -> DiffReport {
    let mut services: BTreeMap<String, Difference> = BTreeMap::new();
    for (plan, is_here) in [(here, true), (there, false)] {
        for url in plan.urls() {
            let entry = services.entry(url.service.clone()).or_insert_with(|| Difference {
                service: url.service.clone(),
                here: Vec::new(),
                there: Vec::new(),
            });
            let side = if is_here { &mut entry.here } else { &mut entry.there };
            side.push(url.http);
            side.extend(url.https);
        }
    }
    DiffReport {
        here: here.environment.clone(),
        there: there.environment.clone(),
        differences: services.into_values().filter(|difference| difference.here != difference.there).collect(),
    }
}
