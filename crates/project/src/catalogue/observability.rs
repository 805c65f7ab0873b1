//! Monitoring and alerts.

use super::{Group, Kind, Required, Setting, Strength};

pub(super) const GROUPS: &[Group] =
    &[Group { title: "Monitoring", settings: MONITORING }, Group { title: "Alerts", settings: ALERTS }];

const MONITORING: &[Setting] = &[
    Setting::new("MONITORING_ENABLED", Kind::Flag, "Run the whole monitoring bundle").default("false"),
    Setting::new(
        "MONITORING_PROFILE",
        Kind::Choice(&["auto", "minimal", "standard", "full", "custom"]),
        "Which parts of it",
    )
    .default("auto"),
    Setting::new("MONITORING_METRICS", Kind::Flag, "Part of a custom profile: metrics").default("true"),
    Setting::new("MONITORING_LOGS", Kind::Flag, "Part of a custom profile: logs").default("true"),
    Setting::new("MONITORING_TRACING", Kind::Flag, "Part of a custom profile: traces").default("true"),
    Setting::new("MONITORING_ALERTS", Kind::Flag, "Part of a custom profile: alerts").default("true"),
    Setting::new("MONITORING_EXPORTERS", Kind::Flag, "Part of a custom profile: exporters").default("false"),
    Setting::new("MONITORING_CPU_LIMIT", Kind::Cpu, "CPU of the whole bundle").default("2000m"),
    Setting::new("MONITORING_MEMORY_LIMIT", Kind::Bytes, "Memory of the whole bundle").default("4Gi"),
    Setting::new("PROMETHEUS_ENABLED", Kind::Flag, "Run Prometheus").default("false"),
    Setting::new("PROMETHEUS_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("PROMETHEUS_PORT", Kind::Port, "Port").default("9090"),
    Setting::new("PROMETHEUS_ROUTE", Kind::Route, "Sub-domain").default("prometheus"),
    Setting::new("PROMETHEUS_RETENTION", Kind::Duration, "How long metrics are kept").default("15d"),
    Setting::new("PROMETHEUS_SCRAPE_INTERVAL", Kind::Duration, "Time between two readings").default("15s"),
    Setting::new("GRAFANA_ENABLED", Kind::Flag, "Run Grafana").default("false"),
    Setting::new("GRAFANA_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("GRAFANA_PORT", Kind::Port, "Port").default("3000"),
    Setting::new("GRAFANA_ROUTE", Kind::Route, "Sub-domain").default("grafana"),
    Setting::new("GRAFANA_ADMIN_USER", Kind::Text, "User").default("admin"),
    Setting::new("GRAFANA_ADMIN_PASSWORD", Kind::Secret(Strength::Password), "Password")
        .required(Required::With(&["GRAFANA_ENABLED", "MONITORING_ENABLED"])),
    Setting::new("GRAFANA_PLUGINS", Kind::List, "Plugins to install"),
    Setting::new("GRAFANA_ROOT_URL", Kind::Url, "URL that browsers see").default("http://localhost:3000"),
    Setting::new("LOKI_ENABLED", Kind::Flag, "Run Loki").default("false"),
    Setting::new("LOKI_VERSION", Kind::Text, "Image tag").default("2.9.0"),
    Setting::new("LOKI_PORT", Kind::Port, "Port").default("3100"),
    Setting::new("LOKI_RETENTION", Kind::Duration, "How long logs are kept").default("7d"),
    Setting::new("PROMTAIL_ENABLED", Kind::Flag, "Run Promtail").default("false"),
    Setting::new("PROMTAIL_VERSION", Kind::Text, "Image tag").default("2.9.0"),
    Setting::new("TEMPO_ENABLED", Kind::Flag, "Run Tempo").default("false"),
    Setting::new("TEMPO_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("TEMPO_PORT", Kind::Port, "Port").default("3200"),
    Setting::new("TEMPO_RETENTION", Kind::Duration, "How long traces are kept").default("72h"),
    Setting::new("ALERTMANAGER_ENABLED", Kind::Flag, "Run Alertmanager").default("false"),
    Setting::new("ALERTMANAGER_PORT", Kind::Port, "Port").default("9093"),
    Setting::new("ALERTMANAGER_ROUTE", Kind::Route, "Sub-domain").default("alertmanager"),
    Setting::new("CADVISOR_ENABLED", Kind::Flag, "Run cAdvisor with the bundle").default("true"),
    Setting::new("CADVISOR_PORT", Kind::Port, "Port").default("8082"),
    Setting::new("NODE_EXPORTER_ENABLED", Kind::Flag, "Run the node exporter; with the bundle when not set"),
    Setting::new("NODE_EXPORTER_PORT", Kind::Port, "Port").default("9100"),
    Setting::new("POSTGRES_EXPORTER_ENABLED", Kind::Flag, "Run the PostgreSQL exporter; with the bundle when not set"),
    Setting::new("POSTGRES_EXPORTER_PORT", Kind::Port, "Port").default("9187"),
    Setting::new(
        "REDIS_EXPORTER_ENABLED",
        Kind::Flag,
        "Run the Redis exporter; with the bundle and Redis when not set",
    ),
    Setting::new("REDIS_EXPORTER_PORT", Kind::Port, "Port").default("9121"),
];

const ALERTS: &[Setting] = &[
    Setting::new("SLACK_WEBHOOK_URL", Kind::Secret(Strength::External), "Where alerts go in Slack"),
    Setting::new("ALERT_EMAIL_TO", Kind::Email, "Who gets alerts by mail").aliases(&["ALERT_EMAIL"]),
    Setting::new("ALERT_EMAIL_FROM", Kind::Email, "From address of alerts"),
    Setting::new("SENTRY_DSN", Kind::Secret(Strength::External), "Where services report errors"),
];
