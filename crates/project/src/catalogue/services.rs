//! Functions, mail, search, MLflow and the admin console.

use super::identity::LEVELS;
use super::{Group, Kind, Required, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[
    Group { title: "Functions", settings: FUNCTIONS },
    Group { title: "Mail", settings: MAIL },
    Group { title: "Search", settings: SEARCH },
    Group { title: "MLflow", settings: MLFLOW },
    Group { title: "Admin", settings: ADMIN },
];

const FUNCTIONS: &[Setting] = &[
    Setting::new("FUNCTIONS_ENABLED", Kind::Flag, "Run functions").default("false"),
    Setting::new("FUNCTIONS_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("FUNCTIONS_PORT", Kind::Port, "Port on this machine").default("3008"),
    Setting::new("FUNCTIONS_ROUTE", Kind::Route, "Sub-domain").default("functions"),
];

const MAIL: &[Setting] = &[
    Setting::new("EMAIL_PROVIDER", Kind::Text, "Who sends mail: mailpit, smtp, sendgrid, postmark, mailgun, ses, …")
        .default("mailpit"),
    Setting::new("EMAIL_FROM", Kind::Email, "From address").default("noreply@${BASE_DOMAIN}"),
    Setting::new("MAILPIT_ENABLED", Kind::Flag, "Catch mail here instead of sending it")
        .defaults("true", "true", "false"),
    Setting::new("MAILPIT_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("MAILPIT_SMTP_PORT", Kind::Port, "Port mail is sent to").default("1025"),
    Setting::new("MAILPIT_UI_PORT", Kind::Port, "Port of its page").default("8025"),
    Setting::new("MAILPIT_ROUTE", Kind::Route, "Sub-domain of its page").default("mail").aliases(&["MAIL_ROUTE"]),
    Setting::new("MAILPIT_MAX_MESSAGES", Kind::Integer { min: 0, max: 10_000_000 }, "Messages kept").default("500"),
    Setting::new("MAILPIT_ACCEPT_ANY_AUTH", Kind::Flag, "Accept any login").defaults("1", "0", "0"),
    Setting::new("SMTP_HOST", Kind::Text, "Mail server"),
    Setting::new("SMTP_PORT", Kind::Port, "Its port").default("587"),
    Setting::new("SMTP_USER", Kind::Text, "Its user").aliases(&["SMTP_USERNAME"]),
    Setting::new("SMTP_PASS", Kind::Secret(Strength::External), "Its password").aliases(&["SMTP_PASSWORD"]),
    Setting::new("SMTP_SECURE", Kind::Flag, "TLS to it").default("true"),
    Setting::new("SMTP_FROM", Kind::Email, "From address").default("noreply@nself.org"),
    Setting::new("SMTP_CA_FILE", Kind::Path, "Certificate of a further authority for TLS to it, PEM"),
    Setting::new(
        "EMAIL_API_URL",
        Kind::Url,
        "The provider's HTTP API, where it is not the usual one: https://api.eu.mailgun.net",
    ),
    Setting::new("SENDGRID_API_KEY", Kind::Secret(Strength::External), "Key of SendGrid"),
    Setting::new("POSTMARK_API_KEY", Kind::Secret(Strength::External), "Key of Postmark"),
    Setting::new("POSTMARK_MESSAGE_STREAM", Kind::Text, "Message stream at Postmark").default("outbound"),
    Setting::new("MAILGUN_API_KEY", Kind::Secret(Strength::External), "Key of Mailgun"),
    Setting::new("MAILGUN_DOMAIN", Kind::Domain, "Domain at Mailgun"),
    Setting::new("AWS_ACCESS_KEY_ID", Kind::Text, "AWS key (SES, S3)"),
    Setting::new("AWS_SECRET_ACCESS_KEY", Kind::Secret(Strength::External), "AWS secret"),
    Setting::new("AWS_SESSION_TOKEN", Kind::Secret(Strength::External), "Token of temporary AWS keys"),
    Setting::new("AWS_REGION", Kind::Text, "AWS region").default("us-east-1"),
    Setting::new("SES_CONFIGURATION_SET", Kind::Text, "Configuration set at Amazon SES"),
];

const SEARCH: &[Setting] = &[
    Setting::new("SEARCH_ENABLED", Kind::Flag, "Run search").default("false"),
    Setting::new(
        "SEARCH_PROVIDER",
        Kind::Choice(&["meilisearch", "typesense", "elasticsearch", "opensearch", "zinc", "sonic", "postgres"]),
        "Search engine",
    )
    .default("meilisearch")
    .aliases(&["SEARCH_ENGINE"]),
    Setting::new("SEARCH_PORT", Kind::Port, "Port; the engine's own when not set"),
    Setting::new("SEARCH_API_KEY", Kind::Secret(Strength::Key), "Key of the search API"),
    Setting::new("SEARCH_ROUTE", Kind::Route, "Sub-domain").default("search").aliases(&["MEILISEARCH_ROUTE"]),
    Setting::new("SEARCH_INDEX_PREFIX", Kind::Text, "Prefix of index names"),
    Setting::new("SEARCH_AUTO_INDEX", Kind::Flag, "Index what is in the database").default("true"),
    Setting::new("SEARCH_LANGUAGE", Kind::Text, "Language of the texts").default("en"),
    Setting::new("MEILISEARCH_ENABLED", Kind::Flag, "Run MeiliSearch").default("false"),
    Setting::new("MEILISEARCH_VERSION", Kind::Text, "Image tag").default("v1.5"),
    Setting::new("MEILISEARCH_PORT", Kind::Port, "Port").default("7700"),
    Setting::new("MEILISEARCH_MASTER_KEY", Kind::Secret(Strength::Key), "Master key")
        .required(Required::With(&["MEILISEARCH_ENABLED"])),
    Setting::new("MEILI_ENV", Kind::Choice(&["development", "production"]), "Mode").defaults(
        "development",
        "production",
        "production",
    ),
    Setting::new("MEILI_NO_ANALYTICS", Kind::Flag, "No analytics").default("true"),
    Setting::new("TYPESENSE_ENABLED", Kind::Flag, "Run Typesense").default("false"),
    Setting::new("TYPESENSE_VERSION", Kind::Text, "Image tag").default("27.1"),
    Setting::new("TYPESENSE_PORT", Kind::Port, "Port").default("8108"),
    Setting::new("TYPESENSE_API_KEY", Kind::Secret(Strength::Key), "Key")
        .required(Required::With(&["TYPESENSE_ENABLED"])),
    Setting::new("TYPESENSE_ENABLE_CORS", Kind::Flag, "CORS").default("true"),
    Setting::new("TYPESENSE_LOG_LEVEL", LEVELS, "Log level").default("info"),
    Setting::new("ELASTICSEARCH_ENABLED", Kind::Flag, "Run Elasticsearch").default("false"),
    Setting::new("ELASTICSEARCH_VERSION", Kind::Text, "Image tag").default("8.11.0"),
    Setting::new("ELASTICSEARCH_PORT", Kind::Port, "Port").default("9200"),
    Setting::new("ELASTICSEARCH_PASSWORD", Kind::Secret(Strength::Password), "Password")
        .required(Required::With(&["ELASTICSEARCH_ENABLED"])),
    Setting::new("OPENSEARCH_ENABLED", Kind::Flag, "Run OpenSearch").default("false"),
    Setting::new("OPENSEARCH_VERSION", Kind::Text, "Image tag").default("2.11.0"),
    Setting::new("OPENSEARCH_PORT", Kind::Port, "Port").default("9200"),
    Setting::new("OPENSEARCH_PASSWORD", Kind::Secret(Strength::Password), "Password")
        .required(Required::With(&["OPENSEARCH_ENABLED"])),
    Setting::new("ZINC_PORT", Kind::Port, "Port of Zinc").default("4080"),
    Setting::new("ZINC_ADMIN_USER", Kind::Text, "User of Zinc").default("admin"),
    Setting::new("ZINC_ADMIN_PASSWORD", Kind::Secret(Strength::Password), "Password of Zinc"),
    Setting::new("SONIC_PORT", Kind::Port, "Port of Sonic").default("1491"),
    Setting::new("SONIC_PASSWORD", Kind::Secret(Strength::Password), "Password of Sonic"),
];

const MLFLOW: &[Setting] = &[
    Setting::new("MLFLOW_ENABLED", Kind::Flag, "Run MLflow").default("false"),
    Setting::new("MLFLOW_VERSION", Kind::Text, "Version").default("2.9.2"),
    Setting::new("MLFLOW_PORT", Kind::Port, "Port").default("5000"),
    Setting::new("MLFLOW_ROUTE", Kind::Route, "Sub-domain").default("mlflow"),
    Setting::new("MLFLOW_DB_NAME", Kind::Text, "Its database").default("mlflow"),
    Setting::new("MLFLOW_ARTIFACTS_BUCKET", Kind::Text, "Its bucket").default("mlflow-artifacts"),
    Setting::new("MLFLOW_AUTH_ENABLED", Kind::Flag, "Ask for a login").default("false"),
    Setting::new("MLFLOW_AUTH_USERNAME", Kind::Text, "User").default("admin"),
    Setting::new("MLFLOW_AUTH_PASSWORD", Kind::Secret(Strength::Password), "Password")
        .required(Required::With(&["MLFLOW_AUTH_ENABLED"])),
];

const ADMIN: &[Setting] = &[
    Setting::new("NSELF_ADMIN_ENABLED", Kind::Flag, "Run the admin page").default("false").aliases(&["NADMIN_ENABLED"]),
    Setting::new("NSELF_ADMIN_VERSION", Kind::Text, "Image tag").default("latest"),
    Setting::new("NSELF_ADMIN_PORT", Kind::Port, "Port").default("3021"),
    Setting::new("NSELF_ADMIN_ROUTE", Kind::Route, "Sub-domain").default("admin"),
    Setting::new("NSELF_ADMIN_DEV", Kind::Flag, "Route the admin page to a dev server on this machine")
        .default("false"),
    Setting::new("NSELF_ADMIN_DEV_PORT", Kind::Port, "Port of that dev server").default("3025"),
    Setting::new("NSELF_ADMIN_DEV_PATH", Kind::Path, "Folder of its source"),
    Setting::new("NSELF_ADMIN_LOCAL_PATH", Kind::Path, "Build its image from this folder"),
    Setting::new("NSELF_CLI_LOCAL_PATH", Kind::Path, "Program file to mount into it"),
    Setting::new("ADMIN_SECRET_KEY", Kind::Secret(Strength::Key), "Signs sessions of the admin page")
        .required(Required::With(&["NSELF_ADMIN_ENABLED"])),
    Setting::new("ADMIN_USERNAME", Kind::Text, "User of the admin page").default("admin"),
    Setting::new("ADMIN_PASSWORD", Kind::Secret(Strength::Password), "Password of the admin page, for setting up"),
    Setting::new("ADMIN_PASSWORD_HASH", Kind::Secret(Strength::External), "Hash of that password"),
];
