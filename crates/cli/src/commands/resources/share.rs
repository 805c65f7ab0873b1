//! Who gets how much: a pure function of the machine and the plan.
//!
//! The Bash tool's rule, made to add up: 80 % of memory and cores are shared out by priority (PostgreSQL 10, GraphQL 8,
//! down to 4), the rest is the system's. Half of a limit is reserved. What the settings say of a service wins.

use postgres::tune::Machine;
use serde::Serialize;
use stack::{Plan, Run, Service};

/// Part of the machine that is shared out.
const SHARED: f64 = 0.8;
const MB: u64 = 1 << 20;

/// One service's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    pub service: String,
    pub priority: u8,
    /// Bytes for each replica.
    pub memory_limit: u64,
    pub memory_reserved: u64,
    /// Thousandths of a core for each replica.
    pub cpu_limit: u32,
    pub cpu_reserved: u32,
    pub replicas: u32,
    /// The settings gave the memory limit.
    pub set_by_user: bool,
}

/// Shares the machine out among the plan's services, in the plan's order. Services that somebody else starts get nothing.
pub fn shares(machine: &Machine, plan: &Plan) -> Vec<Share> {
    let run: Vec<&Service> = plan.services.iter().filter(|service| !matches!(service.run, Run::External)).collect();
    let weight =
        |service: &Service| u64::from(service.resources.priority) * u64::from(service.resources.replicas.max(1));
    let total: u64 = run.iter().map(|service| weight(service)).sum::<u64>().max(1);
    run.iter().map(|service| share(machine, service, total)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of what a machine has, rounded down"
)]
fn share(machine: &Machine, service: &Service, total: u64) -> Share {
    let resources = &service.resources;
    let part = SHARED * f64::from(resources.priority) / total as f64;
    let memory = (machine.memory as f64 * part) as u64 / MB * MB;
    let memory_limit = resources.memory_bytes.unwrap_or(memory.max(least(resources.priority)));
    let cpu = (f64::from(machine.cores) * 1000.0 * part) as u32;
    let cpu_limit = resources.cpu_millicores.unwrap_or(cpu.max(50));
    Share {
        service: service.name.clone(),
        priority: resources.priority,
        memory_limit,
        memory_reserved: memory_limit / 2,
        cpu_limit,
        cpu_reserved: cpu_limit / 2,
        replicas: resources.replicas.max(1),
        set_by_user: resources.memory_bytes.is_some(),
    }
}

/// The least memory with which a service of this priority starts at all: the Bash tool's 512, 256, 128 and 64 MB.
pub fn least(priority: u8) -> u64 {
    MB * match priority {
        9.. => 512,
        7..=8 => 256,
        5..=6 => 128,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use project::{EnvName, Settings};

    use super::*;

    fn plan(more: &[(&str, &str)]) -> Plan {
        let own = [("PROJECT_NAME", "shop"), ("POSTGRES_PASSWORD", "a-long-password-for-tests-0123456789")];
        let secret = [("HASURA_GRAPHQL_ADMIN_SECRET", "a-long-secret-for-tests-0123456789-abcdefgh")];
        let pairs =
            own.iter().chain(&secret).chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Plan::new(&Settings::from_pairs(EnvName::dev(), pairs).unwrap()).unwrap()
    }

    #[test]
    fn the_parts_add_up_to_four_fifths() {
        let machine = Machine { memory: 64 << 30, cores: 16, ssd: true };
        let shares = shares(&machine, &plan(&[]));
        let memory: u64 = shares.iter().map(|share| share.memory_limit * u64::from(share.replicas)).sum();
        let cores: u32 = shares.iter().map(|share| share.cpu_limit * share.replicas).sum();
        assert!(memory <= machine.memory / 10 * 8 && memory > machine.memory / 10 * 7, "{memory}");
        assert!(cores <= 12_800 && cores > 12_000, "{cores}");
        let of = |name: &str| shares.iter().find(|share| share.service == name).unwrap().memory_limit;
        assert!(of("postgres") > of("hasura"), "by priority");
    }

    #[test]
    fn the_settings_win() {
        let machine = Machine { memory: 8 << 30, cores: 4, ssd: true };
        let shares = shares(&machine, &plan(&[("POSTGRES_MEMORY", "3G")]));
        let postgres = shares.iter().find(|share| share.service == "postgres").unwrap();
        assert_eq!((postgres.memory_limit, postgres.memory_reserved, postgres.set_by_user), (3 << 30, 3 << 29, true));
    }
}
