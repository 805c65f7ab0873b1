//! From references to values: the environment of a service as its process gets it.

use project::Settings;

use crate::{EnvValue, Service};

impl Service {
    /// The service's environment with its secrets filled in. For a process's environment only: never print, log or
    /// store it.
    pub fn resolve_environment(&self, settings: &Settings) -> Vec<(String, String)> {
        self.environment
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    EnvValue::Plain(text) => text.clone(),
                    EnvValue::Secret { secret, template } => fill(template, &value_of(settings, secret)),
                };
                (name.clone(), value)
            })
            .collect()
    }
}

fn fill(template: &str, value: &str) -> String {
    if template.contains("://") {
        template.replacen("{}", &percent(value), 1)
    } else {
        template.replacen("{}", value, 1)
    }
}

/// What a reference of [`EnvValue::Secret`] stands for; empty when it is gone.
fn value_of(settings: &Settings, reference: &str) -> String {
    let part = reference.strip_suffix(']').and_then(|reference| reference.split_once('['));
    match part {
        Some((project::toml::FILE, path)) => {
            let (service, name) = path.split_once('.').unwrap_or((path, ""));
            let service = settings.toml().services.get(service);
            service.and_then(|service| service.environment.get(name)).cloned().unwrap_or_default()
        }
        Some((list, name)) => {
            let entries = settings.list(list);
            let pair = entries.iter().filter_map(|entry| entry.split_once('=')).find(|(key, _)| key.trim() == name);
            pair.map(|(_, value)| value.to_owned()).unwrap_or_default()
        }
        None => settings.secret(reference).map(|secret| secret.expose().to_owned()).unwrap_or_default(),
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, section 2.3.
pub(crate) fn percent(text: &str) -> String {
    use std::fmt::Write;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_url_cannot_break_out_of_its_place() {
        assert_eq!(
            fill("postgres://shop:{}@127.0.0.1/db", "a/b@c:d%{}"),
            "postgres://shop:a%2Fb%40c%3Ad%25%7B%7D@127.0.0.1/db"
        );
        assert_eq!(fill("{}", "a/b@c"), "a/b@c");
    }
}
