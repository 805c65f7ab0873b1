//! What the project is called and how it behaves in general.

use super::{Group, Kind, Setting};

pub(super) const GROUPS: &[Group] =
    &[Group { title: "Project", settings: PROJECT }, Group { title: "Development", settings: DEVELOPMENT }];

pub(super) const LEVELS: Kind = Kind::Choice(&["trace", "debug", "info", "warn", "warning", "error"]);

const PROJECT: &[Setting] = &[
    Setting::new("PROJECT_NAME", Kind::Name, "Name of the project; prefix of container, network and volume names")
        .default("myproject"),
    Setting::new("PROJECT_DESCRIPTION", Kind::Text, "What the project is, for people"),
    Setting::new("BASE_DOMAIN", Kind::Domain, "Parent of every route's domain. New projects get `localhost`")
        .default("local.nself.org"),
    Setting::new("DEV_DOMAIN", Kind::Domain, "Replaces BASE_DOMAIN in dev"),
    Setting::new("STAGING_DOMAIN", Kind::Domain, "Replaces BASE_DOMAIN in staging"),
    Setting::new("PROD_DOMAIN", Kind::Domain, "Replaces BASE_DOMAIN in prod").aliases(&["PRODUCTION_DOMAIN"]),
    Setting::new(
        "ENV",
        Kind::Name,
        "Environment when nothing else chooses one: dev, staging, prod or a folder of .environments/",
    )
    .default("dev"),
    Setting::new("ADMIN_EMAIL", Kind::Email, "Address of the person who runs this"),
    Setting::new("SUPPORT_EMAIL", Kind::Email, "Address in mails to users").default("support@${BASE_DOMAIN}"),
    Setting::new("COMPOSE_PROJECT_NAME", Kind::Name, "Name of the compose project").default("${PROJECT_NAME}"),
    Setting::new("DOCKER_NETWORK", Kind::Name, "Name of the container network").default("${PROJECT_NAME}_network"),
    Setting::new("FRONTEND_DIR", Kind::Path, "Root of the frontend in a monorepo").default("."),
];

const DEVELOPMENT: &[Setting] = &[
    Setting::new("DEBUG", Kind::Flag, "Verbose debugging; never prints secrets").default("false"),
    Setting::new("VERBOSE", Kind::Flag, "More output").default("false"),
    Setting::new("LOG_LEVEL", LEVELS, "Log level of services that have none of their own")
        .defaults("debug", "info", "warn"),
    Setting::new("ENABLE_HOT_RELOAD", Kind::Flag, "Tells services to reload when their code changes").default("false"),
    Setting::new("ENABLE_SOURCE_MAPS", Kind::Flag, "Tells services to make source maps").default("false"),
    Setting::new("SEED_DATA", Kind::Flag, "Load seeds at start, in dev").default("false"),
    Setting::new("SEED_DATABASE", Kind::Flag, "Seed flag that services see").defaults("true", "false", "false"),
    Setting::new("DEMO_USERS", Kind::Flag, "Create demo users").default("false"),
    Setting::new("DEMO_CONTENT", Kind::Flag, "Create demo content").default("false"),
    Setting::new("DB_ENV_SEEDS", Kind::Flag, "Use the seeds of the environment as well as the common ones")
        .default("true"),
    Setting::new("NODE_ENV", Kind::Text, "What Node services see").defaults("development", "production", "production"),
    Setting::new("RAILS_ENV", Kind::Text, "What Rails services see").defaults(
        "development",
        "production",
        "production",
    ),
    Setting::new("APP_ENV", Kind::Text, "What PHP services see").default("${ENV}"),
];
