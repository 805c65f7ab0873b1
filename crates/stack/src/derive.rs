//! From settings to a plan. Each part of the settings adds what it asks for to a [`Draft`], which refuses what
//! contradicts something already there.

mod backend;
mod builtin;
mod custom;
mod deferred;
mod domains;
mod draft;
mod environment;
mod front_door;
mod frontend;
mod limits;

use project::Settings;

use crate::{Error, Plan, order};
use domains::Domains;
use draft::Draft;

impl Plan {
    /// Everything these settings ask for. Addresses in the services' environment are those of this machine.
    ///
    /// # Errors
    /// When settings contradict each other: a port, a route or a name given twice, a custom service or a route that
    /// says nothing usable, a certificate that is missing.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let domains = Domains::new(settings);
        let mut draft = Draft::default();
        let mut gateway = front_door::gateway(settings, &domains, &mut draft)?;
        backend::add(settings, &domains, &mut draft)?;
        builtin::add(settings, &domains, &mut draft)?;
        backend::add_console(settings, &domains, &mut draft)?;
        custom::add(settings, &domains, &mut gateway, &mut draft)?;
        frontend::add(settings, &domains, &mut gateway, &mut draft)?;
        deferred::add(settings, &mut draft);
        let Draft { services, mut routes, mut deferred, .. } = draft;
        routes.sort_by(|a, b| {
            let key =
                |route: &crate::Route| (route.host.clone(), std::cmp::Reverse(route.path.len()), route.path.clone());
            key(a).cmp(&key(b))
        });
        deferred.sort_by(|a, b| (&a.name, &a.setting).cmp(&(&b.name, &b.setting)));
        Ok(Self {
            project: settings.text("PROJECT_NAME").unwrap_or("myproject").to_owned(),
            environment: settings.environment().to_string(),
            tier: settings.tier(),
            base_domain: domains.base().to_owned(),
            gateway,
            services: order::sort(services)?,
            routes,
            deferred,
        })
    }
}
