//! Limits and log rules of services.

use project::Settings;

use crate::{Log, Resources};

/// Memory and cores of one of nself's own services; `prefix` is its name in settings, for example `POSTGRES`.
pub(crate) fn resources(settings: &Settings, prefix: &str, priority: u8) -> Resources {
    let positive = |name: &str| settings.integer(name).and_then(|number| u64::try_from(number).ok());
    let megabytes = positive(&format!("{prefix}_MEMORY_MB")).map(|megabytes| megabytes.saturating_mul(1 << 20));
    let millicores = positive(&format!("{prefix}_CPU_MILLICORES")).and_then(|number| u32::try_from(number).ok());
    Resources {
        priority,
        memory_bytes: megabytes.or_else(|| settings.bytes(&format!("{prefix}_MEMORY"))),
        cpu_millicores: millicores.or_else(|| settings.millicores(&format!("{prefix}_CPU"))),
        replicas: 1,
    }
}

/// Log rules; `level` is the service's own level, where it has one.
pub(crate) fn log(settings: &Settings, level: Option<&str>) -> Log {
    let level = level.or_else(|| settings.text("LOG_LEVEL")).unwrap_or("info").to_ascii_lowercase();
    let days = settings.integer("LOG_RETENTION_DAYS").and_then(|days| u32::try_from(days).ok());
    Log {
        level: if level == "warning" { "warn".to_owned() } else { level },
        max_bytes: settings.bytes("LOG_MAX_SIZE").unwrap_or(100 << 20),
        keep_days: days.unwrap_or(7),
        compress: settings.flag("LOG_COMPRESS"),
    }
}
