//! What settings may ask for and this version does not have. Only what the user turned on is named: a default that
//! stands for a later version must not nag.

use project::Settings;

use super::draft::Draft;

/// Service, its switch, what it is.
const LATER: &[(&str, &str, &str)] = &[
    ("redis", "REDIS_ENABLED", "Redis"),
    ("bullmq", "BULLMQ_ENABLED", "job queues"),
    ("bullmq-ui", "BULLMQ_UI_ENABLED", "the page of the job queues"),
    ("functions", "FUNCTIONS_ENABLED", "the functions runtime"),
    ("search", "SEARCH_ENABLED", "search"),
    ("meilisearch", "MEILISEARCH_ENABLED", "MeiliSearch"),
    ("typesense", "TYPESENSE_ENABLED", "Typesense"),
    ("elasticsearch", "ELASTICSEARCH_ENABLED", "Elasticsearch"),
    ("opensearch", "OPENSEARCH_ENABLED", "OpenSearch"),
    ("mlflow", "MLFLOW_ENABLED", "MLflow"),
    ("nself-admin", "NSELF_ADMIN_ENABLED", "the admin page; `nself console open` shows services and logs"),
    ("pgbouncer", "PGBOUNCER_ENABLED", "the connection pooler"),
    ("monitoring", "MONITORING_ENABLED", "the monitoring bundle"),
    ("prometheus", "PROMETHEUS_ENABLED", "Prometheus"),
    ("grafana", "GRAFANA_ENABLED", "Grafana"),
    ("loki", "LOKI_ENABLED", "Loki"),
    ("promtail", "PROMTAIL_ENABLED", "Promtail"),
    ("tempo", "TEMPO_ENABLED", "Tempo"),
    ("alertmanager", "ALERTMANAGER_ENABLED", "Alertmanager"),
    ("cadvisor", "CADVISOR_ENABLED", "cAdvisor"),
    ("node-exporter", "NODE_EXPORTER_ENABLED", "the node exporter"),
    ("postgres-exporter", "POSTGRES_EXPORTER_ENABLED", "the PostgreSQL exporter"),
    ("redis-exporter", "REDIS_EXPORTER_ENABLED", "the Redis exporter"),
    ("remote-schemas", "REMOTE_SCHEMAS_ENABLED", "remote schemas"),
    ("backup", "BACKUP_ENABLED", "scheduled backups"),
];

pub(crate) fn add(settings: &Settings, draft: &mut Draft) {
    for (name, setting, what) in LATER {
        if settings.is_set(setting) && settings.flag(setting) {
            draft.defer(
                name,
                setting,
                format!("this version does not have {what}"),
                format!("nself config set {setting} false, or leave it for a later version"),
            );
        }
    }
}
