//! Start order.

use std::collections::HashMap;

use crate::{Error, Service};

/// Puts every service after those it depends on. Otherwise the given order stays: among those that may come next the
/// earliest given is taken.
pub(crate) fn sort(services: Vec<Service>) -> Result<Vec<Service>, Error> {
    let positions: HashMap<&str, usize> =
        services.iter().enumerate().map(|(position, service)| (service.name.as_str(), position)).collect();
    let needs: Vec<Vec<usize>> = services
        .iter()
        .map(|service| service.depends_on.iter().filter_map(|name| positions.get(name.as_str()).copied()).collect())
        .collect();
    let mut placed = vec![false; services.len()];
    let mut order = Vec::with_capacity(services.len());
    while order.len() < services.len() {
        let ready = |position: &usize| !placed[*position] && needs[*position].iter().all(|need| placed[*need]);
        let Some(next) = (0..services.len()).find(ready) else {
            return Err(Error::Cycle(cycle(&services, &needs, &placed)));
        };
        placed[next] = true;
        order.push(next);
    }
    let mut services: Vec<Option<Service>> = services.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|position| services[position].take()).collect())
}

/// The names along one cycle, first and last the same. Everything not placed waits for something not placed, so
/// walking along such needs must come back to where it has been.
fn cycle(services: &[Service], needs: &[Vec<usize>], placed: &[bool]) -> Vec<String> {
    let open = |positions: &[usize]| positions.iter().copied().find(|position| !placed[*position]);
    let mut walk: Vec<usize> = Vec::new();
    let mut next = open(&(0..services.len()).collect::<Vec<_>>());
    while let Some(position) = next {
        if let Some(start) = walk.iter().position(|seen| *seen == position) {
            walk.drain(..start);
            walk.push(position);
            break;
        }
        walk.push(position);
        next = open(&needs[position]);
    }
    walk.into_iter().map(|position| services[position].name.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Group, Kind, Log, Probe, Resources, Run};

    fn service(name: &str, depends_on: &[&str]) -> Service {
        Service {
            name: name.to_owned(),
            kind: Kind::Custom,
            group: Group::Custom,
            version: None,
            run: Run::External,
            ports: Vec::new(),
            environment: Default::default(),
            depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
            probe: Probe::None,
            resources: Resources { priority: 5, memory_bytes: None, cpu_millicores: None, replicas: 1 },
            volumes: Vec::new(),
            log: Log { level: "info".to_owned(), max_bytes: 1, keep_days: 1, compress: false },
            metrics: None,
        }
    }

    fn names(services: &[Service]) -> Vec<&str> {
        services.iter().map(|service| service.name.as_str()).collect()
    }

    #[test]
    fn what_is_needed_comes_first() {
        let sorted = sort(vec![service("web", &["api"]), service("api", &["db"]), service("db", &[])]).unwrap();
        assert_eq!(names(&sorted), ["db", "api", "web"]);
    }

    #[test]
    fn the_given_order_stays_where_it_may() {
        let sorted = sort(vec![service("db", &[]), service("z", &["db"]), service("a", &["db"])]).unwrap();
        assert_eq!(names(&sorted), ["db", "z", "a"]);
    }

    #[test]
    fn a_cycle_is_shown_without_those_who_only_lead_to_it() {
        let services = vec![service("lead", &["a"]), service("a", &["b"]), service("b", &["c"]), service("c", &["a"])];
        let error = sort(services).unwrap_err();
        assert_eq!(error.to_string(), "services depend on each other in a circle: a → b → c → a");
    }

    #[test]
    fn a_service_that_needs_itself_is_a_cycle() {
        assert_eq!(sort(vec![service("a", &["a"])]), Err(Error::Cycle(vec!["a".to_owned(), "a".to_owned()])));
    }
}
