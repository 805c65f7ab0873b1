use postgres::tune::{Machine, Tuning};
use project::Exit;
use serde::Serialize;
use stack::Plan;
use terminal::{Page, Style, View};

use super::calculate::{human, tuning};
use super::share::{Share, least, shares};
use crate::{Context, Outcome};

/// Look whether the limits fit this machine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself resources check\n  nself resources check --env prod\n  nself resources check --json"
)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct CheckReport {
    /// Bytes of this machine.
    memory: u64,
    /// Bytes that all limits come to.
    limits: u64,
    problems: Vec<String>,
}

impl View for CheckReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("Limits come to {} of {}.", human(self.limits), human(self.memory)));
        for problem in &self.problems {
            page.styled(Style::Warning, format!("  {problem}"));
        }
        if self.problems.is_empty() {
            page.styled(Style::Good, "Everything fits.");
        }
    }

    fn exit(&self) -> Exit {
        if self.problems.is_empty() { Exit::Ok } else { Exit::Unhealthy }
    }
}

/// What does not fit, in words with the setting to change.
fn problems(machine: &Machine, tuning: &Tuning, shares: &[Share]) -> Vec<String> {
    let mut problems = Vec::new();
    let all: u64 = shares.iter().map(|share| share.memory_limit * u64::from(share.replicas)).sum();
    if all > machine.memory {
        problems.push(format!(
            "the limits come to {}, this machine has {}: lower a <SERVICE>_MEMORY or turn a service off",
            human(all),
            human(machine.memory)
        ));
    }
    for share in shares.iter().filter(|share| share.memory_limit < least(share.priority)) {
        let (service, limit) = (share.service.to_uppercase().replace('-', "_"), human(share.memory_limit));
        problems.push(format!("{service}_MEMORY is {limit}; {} is the least", human(least(share.priority))));
    }
    if let Some(postgres) = shares.iter().find(|share| share.service == "postgres") {
        // Rarely does every connection sort at once; half of them may.
        let needed = tuning.shared_buffers + u64::from(tuning.max_connections) * tuning.work_mem / 2;
        if needed > postgres.memory_limit && postgres.set_by_user {
            problems.push(format!(
                "PostgreSQL can need {}, its limit is {}: lower POSTGRES_MAX_CONNECTIONS or POSTGRES_WORK_MEM",
                human(needed),
                human(postgres.memory_limit)
            ));
        }
    }
    problems
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let (project, settings) = (cx.project()?, cx.settings()?);
    let machine = Machine::detect(&project.data_dir());
    let shares = shares(&machine, &Plan::new(&settings)?);
    let limits = shares.iter().map(|share| share.memory_limit * u64::from(share.replicas)).sum();
    let problems = problems(&machine, &tuning(&machine, &settings), &shares);
    Ok(Box::new(CheckReport { memory: machine.memory, limits, problems }))
}

#[cfg(test)]
mod tests {
    use postgres::tune::{Overrides, Profile, tune};

    use super::*;

    fn share(service: &str, megabytes: u64, priority: u8) -> Share {
        Share {
            service: service.to_owned(),
            priority,
            memory_limit: megabytes << 20,
            memory_reserved: megabytes << 19,
            cpu_limit: 100,
            cpu_reserved: 50,
            replicas: 1,
            set_by_user: true,
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let machine = Machine { memory: 2 << 30, cores: 2, ssd: true };
        let tuning = tune(&machine, Profile::Server, &Overrides { work_mem: Some(64 << 20), ..Overrides::default() });
        let found =
            problems(&machine, &tuning, &[share("postgres", 1024, 10), share("graph-ql", 2048, 8), share("x", 16, 4)]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("the limits come to 3.0 GB"));
        assert!(found[1].starts_with("X_MEMORY is 16 MB"));
        assert!(found[2].contains("POSTGRES_WORK_MEM"));
        let modest = tune(&machine, Profile::Development, &Overrides::default());
        assert!(problems(&machine, &modest, &[share("postgres", 1024, 10)]).is_empty());
    }
}
