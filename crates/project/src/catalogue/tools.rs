//! The database toolchain, generated code and plugins.

use super::{Group, Kind, Setting, Strength};

pub(super) const GROUPS: &[Group] =
    &[Group { title: "Database tools", settings: DATABASE }, Group { title: "Plugins", settings: PLUGINS }];

const DATABASE: &[Setting] = &[
    Setting::new("NSELF_MIGRATIONS_DIR", Kind::Path, "Folder of migrations").default("nself/migrations"),
    Setting::new("NSELF_MIGRATION_LOCK_TIMEOUT", Kind::Duration, "How long a migration waits for a table in use")
        .default("10s"),
    Setting::new(
        "NSELF_MIGRATION_LOCK_RETRIES",
        Kind::Integer { min: 0, max: 1000 },
        "How often a migration is tried again that did not get its lock",
    )
    .default("3"),
    Setting::new(
        "NSELF_MIGRATION_STATEMENT_TIMEOUT",
        Kind::Duration,
        "How long one statement of a migration may run; 0 is without end",
    )
    .default("0"),
    Setting::new(
        "NSELF_MIGRATION_BACKUPS",
        Kind::Integer { min: 0, max: 1000 },
        "Copies of the database kept from before migrations that take data away; 0 makes none",
    )
    .default("10"),
    Setting::new("NSELF_SEEDS_DIR", Kind::Path, "Folder of seeds").default("nself/seeds"),
    Setting::new("NSELF_BACKUPS_DIR", Kind::Path, "Folder of database backups").default("_backups"),
    Setting::new("NSELF_SSH_CONFIG", Kind::Path, "ssh_config for tunnels to other environments' databases")
        .since("0.1"),
    Setting::new("NSELF_MOCK_SEED", Kind::Text, "Seed of mock data; the same seed gives the same rows"),
    Setting::new("NSELF_MOCK_COUNT", Kind::Integer { min: 0, max: i64::MAX }, "Rows of mock data a table")
        .default("100"),
    Setting::new("NSELF_MOCK_DIR", Kind::Path, "Folder of mock configurations").default("nself/mock"),
    Setting::new("NSELF_MOCK_VERBOSE", Kind::Flag, "Show rows that could not be inserted").default("false"),
    Setting::new("MOCK_SEED", Kind::Text, "Seed of `mock auto`").default("42"),
    Setting::new("MOCK_COUNT", Kind::Integer { min: 0, max: i64::MAX }, "Rows of `mock auto`").default("10"),
    Setting::new("NSELF_ANONYMIZE_RULES", Kind::Path, "File of rules for anonymising").default("nself/anonymize.yaml"),
    Setting::new(
        "NSELF_ANONYMIZE_KEY",
        Kind::Secret(Strength::External),
        "Key that replacements are made with, 32 characters or more; without it each project makes its own in \
         .nself/anonymize.key",
    ),
    Setting::new(
        "NSELF_ANONYMIZE_PASSWORD",
        Kind::Secret(Strength::External),
        "Password that every user has after anonymising; without it nobody has one",
    ),
    Setting::new("NSELF_PROD_USERS", Kind::List, "Users made in prod: `email:name:role,…`"),
    Setting::new("SEED_ADMIN_EMAIL", Kind::Email, "Older way to make an administrator in prod"),
    Setting::new("SEED_ADMIN_PASSWORD", Kind::Secret(Strength::Password), "Older way to make an administrator in prod"),
    Setting::new("CODEGEN_OUTPUT_DIR", Kind::Path, "Folder of generated code").default("./generated"),
    Setting::new("CODEGEN_TYPESCRIPT_ENABLED", Kind::Flag, "Generate TypeScript").default("true"),
    Setting::new("CODEGEN_REACT_ENABLED", Kind::Flag, "Generate React hooks").default("false"),
    Setting::new("CODEGEN_WATCH_MODE", Kind::Flag, "Generate again when the schema changes").default("false"),
    Setting::new("CODEGEN_INCLUDE_COMMENTS", Kind::Flag, "Put comments into generated code").default("true"),
];

const PLUGINS: &[Setting] = &[
    Setting::new("NSELF_PLUGIN_DIR", Kind::Path, "Folder of plugins").default("~/.nself/plugins"),
    Setting::new("NSELF_PLUGIN_REGISTRY", Kind::Url, "Where plugins come from").default("https://plugins.nself.org"),
    Setting::new("NSELF_PLUGIN_CACHE", Kind::Path, "Cache of downloads").default("~/.nself/cache/plugins"),
    Setting::new("NSELF_REGISTRY_CACHE_TTL", Kind::Duration, "How long the registry's answer is kept").default("300"),
    Setting::new("NSELF_REGISTRY_TOKEN", Kind::Secret(Strength::External), "Token for the registry"),
    Setting::new("NSELF_PLUGIN_RUNTIME", Kind::Path, "Folder of running plugins").default("~/.nself/runtime"),
    Setting::new("NSELF_CACHE_DIR", Kind::Path, "Build cache").default(".nself/cache"),
];
