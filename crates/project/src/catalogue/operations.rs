//! Starting, stopping, logs, backups and roll-back.

use super::identity::LEVELS;
use super::{Group, Kind, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[
    Group { title: "Start and stop", settings: START },
    Group { title: "Logs", settings: LOGS },
    Group { title: "Backups", settings: BACKUPS },
    Group { title: "Roll-back", settings: ROLLBACK },
];

const START: &[Setting] = &[
    Setting::new(
        "NSELF_START_MODE",
        Kind::Choice(&["smart", "fresh", "force"]),
        "How `nself start` treats what runs already",
    )
    .default("smart"),
    Setting::new(
        "NSELF_HEALTH_CHECK_TIMEOUT",
        Kind::Integer { min: 1, max: 3600 },
        "Seconds `nself start` waits for every probe",
    )
    .default("120"),
    Setting::new("NSELF_HEALTH_CHECK_INTERVAL", Kind::Integer { min: 1, max: 60 }, "Seconds between two probes")
        .default("2"),
    Setting::new(
        "NSELF_HEALTH_CHECK_REQUIRED",
        Kind::Integer { min: 0, max: 100 },
        "Per cent of the services that must be healthy",
    )
    .default("80"),
    Setting::new("NSELF_SKIP_HEALTH_CHECKS", Kind::Flag, "Do not wait").default("false"),
    Setting::new("NSELF_DOCKER_BUILD_TIMEOUT", Kind::Integer { min: 1, max: 86400 }, "Seconds for building images")
        .default("300"),
    Setting::new("NSELF_PARALLEL_LIMIT", Kind::Integer { min: 1, max: 100 }, "Services started at once").default("5"),
    Setting::new(
        "NSELF_CLEANUP_ON_START",
        Kind::Choice(&["auto", "always", "never"]),
        "Remove what an earlier run left",
    )
    .default("auto"),
    Setting::new("NSELF_LOG_LEVEL", LEVELS, "How much nself itself says").default("info"),
    Setting::new("NSELF_STOP_TIMEOUT", Kind::Integer { min: 0, max: 3600 }, "Seconds a service may take to stop")
        .default("30"),
];

const LOGS: &[Setting] = &[
    Setting::new("LOG_RETENTION_DAYS", Kind::Integer { min: 0, max: 36500 }, "Days rotated logs are kept").default("7"),
    Setting::new("LOG_COMPRESS", Kind::Flag, "Compress rotated logs").default("true"),
    Setting::new("LOG_MAX_SIZE", Kind::Bytes, "Size at which a log is rotated").default("100M"),
    Setting::new("NSELF_AUDIT_ENABLED", Kind::Flag, "Keep a trail of commands").default("true"),
    Setting::new("NSELF_AUDIT_DIR", Kind::Path, "Where that trail is").default("~/.nself/audit"),
];

const BACKUPS: &[Setting] = &[
    Setting::new("BACKUP_ENABLED", Kind::Flag, "Make backups on a schedule")
        .default("false")
        .aliases(&["DB_BACKUP_ENABLED"]),
    Setting::new("BACKUP_DIR", Kind::Path, "Where backups go").default("./backups"),
    Setting::new("BACKUP_SCHEDULE", Kind::Cron, "When").default("0 2 * * *"),
    Setting::new("BACKUP_RETENTION_DAYS", Kind::Integer { min: 0, max: 36500 }, "Days a backup is kept")
        .default("30")
        .aliases(&["NSELF_BACKUP_RETENTION"]),
    Setting::new("BACKUP_RETENTION_COUNT", Kind::Integer { min: 0, max: 1_000_000 }, "Backups kept").default("10"),
    Setting::new("BACKUP_RETENTION_MIN", Kind::Integer { min: 0, max: 1_000_000 }, "Never fewer than this")
        .default("3"),
    Setting::new(
        "BACKUP_PROVIDER",
        Kind::Choice(&["s3", "minio", "b2", "gcs", "azure", "local"]),
        "Object store for backups",
    ),
    Setting::new(
        "BACKUP_CLOUD_PROVIDER",
        Kind::Choice(&["s3", "dropbox", "gdrive", "onedrive", "rclone"]),
        "Older choice of a cloud for backups",
    ),
    Setting::new("BACKUP_COMPRESS", Kind::Flag, "Compress backups").default("true"),
    Setting::new("BACKUP_ENCRYPT", Kind::Flag, "Encrypt backups").default("false"),
    Setting::new("BACKUP_ENCRYPTION_KEY", Kind::Secret(Strength::Key), "Key for encrypted backups")
        .required(super::Required::With(&["BACKUP_ENCRYPT"])),
    Setting::new("S3_BACKUP_BUCKET", Kind::Text, "Bucket for backups").default("backups"),
    Setting::new("S3_BACKUP_ENDPOINT", Kind::Url, "Endpoint").default("https://s3.amazonaws.com"),
    Setting::new("S3_BACKUP_ACCESS_KEY", Kind::Text, "Key"),
    Setting::new("S3_BACKUP_SECRET_KEY", Kind::Secret(Strength::External), "Secret"),
    Setting::new("S3_BACKUP_REGION", Kind::Text, "Region").default("us-east-1"),
    Setting::new("RCLONE_REMOTE", Kind::Text, "rclone remote"),
    Setting::new("RCLONE_PATH", Kind::Text, "Folder in it").default("nself-backups"),
];

const ROLLBACK: &[Setting] = &[
    Setting::new("ROLLBACK_DIR", Kind::Path, "Where snapshots for a roll-back go").default(".nself/rollback"),
    Setting::new("ROLLBACK_RETENTION", Kind::Integer { min: 0, max: 1000 }, "Snapshots kept").default("3"),
    Setting::new(
        "HEALTH_CHECK_TIMEOUT",
        Kind::Integer { min: 1, max: 3600 },
        "Seconds a deployment may take to become healthy",
    )
    .default("120"),
    Setting::new(
        "HEALTH_CHECK_INTERVAL",
        Kind::Integer { min: 1, max: 3600 },
        "Seconds between two probes of a deployment",
    )
    .default("5"),
    Setting::new(
        "HEALTH_CHECK_REQUIRED_PERCENT",
        Kind::Integer { min: 0, max: 100 },
        "Per cent of a deployment that must be healthy",
    )
    .default("80"),
];
