//! The gateway's inputs: free ports, a certificate, and what stands behind each route before its service has started.

use gateway::Certificates;
use project::Project;
use stack::{Plan, Run, Service};

use crate::Error;

/// Refuses taken ports of the front door with the name of whoever has them.
pub fn check_ports(plan: &Plan) -> Result<(), Error> {
    let http = Some((plan.gateway.http_port, "GATEWAY_PORT"));
    let https = plan.gateway.https_port.map(|port| (port, "GATEWAY_SSL_PORT"));
    for (port, setting) in [http, https].into_iter().flatten() {
        if !project::ports::is_free(plan.gateway.bind, port) {
            return Err(Error::PortTaken {
                port,
                service: "gateway".to_owned(),
                setting: setting.to_owned(),
                owner: project::ports::owner(port),
            });
        }
    }
    Ok(())
}

/// What stands behind a service's routes before it has started.
pub fn waiting(service: &Service) -> gateway::Backend {
    let port = service.ports.first().map(|port| port.number);
    match (&service.run, port) {
        (Run::Command { .. } | Run::External, Some(port)) => {
            gateway::Backend::Upstream(vec![std::net::SocketAddr::from(([127, 0, 0, 1], port))])
        }
        _ => gateway::Backend::Unavailable(format!("{} is starting", service.name)),
    }
}

/// The certificate of https: the user's own, or one of the local authority.
pub fn certificates(project: &Project, plan: &Plan) -> Result<Option<Certificates>, Error> {
    if plan.gateway.https_port.is_none() {
        return Ok(None);
    }
    match &plan.gateway.tls {
        stack::Tls::Off => Ok(None),
        stack::Tls::Custom { certificate, key } => {
            let inside = |path: &std::path::Path| project.root().join(path);
            Ok(Some(Certificates::files(&inside(certificate), &inside(key))?))
        }
        stack::Tls::Local => {
            let Some(directory) = gateway::Authority::default_directory() else {
                tracing::warn!("https is off: there is no home folder to keep the local authority in");
                return Ok(None);
            };
            let names = gateway::names(&plan.base_domain, &plan.routes);
            let authority = gateway::Authority::load_or_create(&directory)?;
            Ok(Some(Certificates::local(authority, &names, &project.certs_dir())?))
        }
    }
}
