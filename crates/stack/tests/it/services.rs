use stack::{Group, Kind, Probe, Run};

use crate::{plan, plan_in, routes};

fn names(plan: &stack::Plan) -> Vec<&str> {
    plan.services.iter().map(|service| service.name.as_str()).collect()
}

#[test]
fn an_empty_project_is_a_database_an_api_its_services_and_a_console() {
    let plan = plan(&[]);
    assert_eq!(names(&plan), ["postgres", "hasura", "auth", "storage", "mailpit", "console"]);
    assert_eq!(plan.deferred, [], "defaults for later versions must not nag");
    let postgres = plan.service("postgres").unwrap();
    assert_eq!((postgres.ports[0].number, postgres.ports[0].public), (5432, false));
    assert_eq!(postgres.volumes[0].name, "postgres_data");
    assert_eq!(postgres.probe, Probe::Postgres);
    assert_eq!(postgres.run, Run::Postgres { image: "postgres:16-alpine".to_owned() });
    assert_eq!(postgres.version, None, "no wish means the newest installed");
    let stopped: Vec<&str> = plan.stop_order().into_iter().map(|service| service.name.as_str()).collect();
    assert_eq!(stopped, ["console", "mailpit", "storage", "auth", "hasura", "postgres"]);
}

#[test]
fn what_is_switched_on_and_missing_is_named_with_a_reason() {
    let plan =
        plan(&[("REDIS_ENABLED", "true"), ("REDIS_PASSWORD", "long-enough-for-redis"), ("FUNCTIONS_ENABLED", "true")]);
    let deferred: Vec<(&str, &str)> =
        plan.deferred.iter().map(|deferred| (deferred.name.as_str(), deferred.setting.as_str())).collect();
    assert_eq!(deferred, [("functions", "FUNCTIONS_ENABLED"), ("redis", "REDIS_ENABLED")]);
    assert!(plan.deferred[0].reason.contains("runtime") && plan.deferred[0].fix.contains("FUNCTIONS_ENABLED"));
}

#[test]
fn a_switch_takes_a_service_away() {
    let without = plan(&[("HASURA_ENABLED", "false")]);
    assert_eq!(names(&without), ["postgres", "auth", "mailpit", "console"]);
    assert_eq!(routes(&without, "hasura"), []);
    let without = plan(&[("POSTGRES_ENABLED", "false")]);
    assert_eq!(names(&without), ["console"]);
    assert_eq!(without.deferred[0].setting, "POSTGRES_ENABLED");
    // The console is off in prod until it is asked for.
    assert_eq!(names(&plan_in("prod", &[])), ["postgres", "hasura", "auth", "storage"]);
    assert_eq!(
        names(&plan_in("prod", &[("HASURA_GRAPHQL_ENABLE_CONSOLE", "true")])),
        ["postgres", "hasura", "auth", "storage", "console"]
    );
}

#[test]
fn auth_storage_and_mail_have_their_paths_hosts_and_needs() {
    let plan = plan(&[]);
    assert_eq!(routes(&plan, "auth"), [(None, "/v1/auth"), (Some("auth.localhost"), "/")]);
    assert_eq!(routes(&plan, "storage"), [(None, "/v1/storage"), (Some("storage.localhost"), "/")]);
    assert!(plan.service("minio").is_none(), "without keys there is no S3 API");
    let keys = [("S3_ACCESS_KEY", "shop"), ("S3_SECRET_KEY", "a secret of the S3 API")];
    assert_eq!(routes(&self::plan(&keys), "minio"), [(Some("s3.localhost"), "/")]);
    // Never on the base domain, where every unknown host name leads.
    assert_eq!(routes(&plan, "mailpit"), [(Some("mail.localhost"), "/")]);
    let auth = plan.routes.iter().find(|route| route.path == "/v1/auth").unwrap();
    assert_eq!((auth.rewrite.as_deref(), auth.zone.as_str(), auth.max_body_bytes), (Some("/"), "auth", Some(1 << 20)));
    let upload = plan.routes.iter().find(|route| route.path == "/v1/storage").unwrap();
    assert!(upload.max_body_bytes > Some(plan.gateway.max_body_bytes), "buckets say how large a file may be");
    assert_eq!(plan.service("storage").unwrap().depends_on, ["postgres", "hasura"]);
    let ports: Vec<u16> = plan.service("mailpit").unwrap().ports.iter().map(|port| port.number).collect();
    assert_eq!(ports, [1025, 8025]);
}

#[test]
fn without_a_key_that_signs_there_is_no_auth() {
    let foreign = ("HASURA_GRAPHQL_JWT_SECRET", r#"{"jwk_url":"https://login.example.com/keys"}"#);
    assert!(plan(&[foreign]).service("auth").is_none());
    assert_eq!(plan(&[foreign]).deferred, [], "nobody has asked for it");
    assert_eq!(plan(&[foreign, ("AUTH_ENABLED", "true")]).deferred[0].name, "auth");
    let own = ("HASURA_GRAPHQL_JWT_SECRET", r#"{"type":"HS256","key":"a key of tokens that is long enough"}"#);
    assert!(plan(&[own]).service("auth").is_some());
}

#[test]
fn limits_and_log_rules_come_from_their_settings() {
    let plan = plan(&[
        ("POSTGRES_MEMORY", "2G"),
        ("POSTGRES_CPU", "1.5"),
        ("HASURA_MEMORY", "2G"),
        ("HASURA_MEMORY_MB", "512"),
        ("HASURA_CPU_MILLICORES", "750"),
        ("LOG_MAX_SIZE", "10M"),
        ("LOG_RETENTION_DAYS", "3"),
        ("LOG_COMPRESS", "false"),
        ("LOG_LEVEL", "warning"),
        ("HASURA_LOG_LEVEL", "error"),
    ]);
    let (postgres, hasura) = (plan.service("postgres").unwrap(), plan.service("hasura").unwrap());
    assert_eq!(postgres.resources.memory_bytes, Some(2 << 30));
    assert_eq!(postgres.resources.cpu_millicores, Some(1500));
    assert_eq!(hasura.resources.memory_bytes, Some(512 << 20), "the override in MiB wins");
    assert_eq!(hasura.resources.cpu_millicores, Some(750));
    assert!(postgres.resources.priority > hasura.resources.priority);
    let log = &postgres.log;
    assert_eq!((log.level.as_str(), log.max_bytes, log.keep_days, log.compress), ("warn", 10 << 20, 3, false));
    assert_eq!(hasura.log.level, "error");
}

#[test]
fn frontends_are_routed_to_and_run_by_somebody_else() {
    let plan = plan(&[
        ("FRONTEND_APP_1_NAME", "web"),
        ("FRONTEND_APP_2_SYSTEM_NAME", "admin"),
        ("FRONTEND_APP_2_PORT", "3100"),
        ("FRONTEND_APP_2_ROUTE", "backoffice.${BASE_DOMAIN}"),
        ("FRONTEND_APP_3_ROUTE", "${BASE_DOMAIN}"),
        ("FRONTEND_APP_4_TABLE_PREFIX", "x_"),
        ("NEXTJS_APPS", "docs, blog:3200:b_, web:9999"),
    ]);
    let frontends: Vec<_> = plan.services.iter().filter(|service| service.kind == Kind::Frontend).collect();
    let seen: Vec<_> =
        frontends.iter().map(|service| (service.name.as_str(), service.ports[0].number, &service.run)).collect();
    assert_eq!(
        seen,
        [
            ("web", 3000, &Run::External),
            ("admin", 3100, &Run::External),
            ("app3", 3002, &Run::External),
            ("docs", 3004, &Run::External),
            ("blog", 3200, &Run::External),
        ]
    );
    assert_eq!(routes(&plan, "admin"), [(Some("backoffice.localhost"), "/")]);
    assert_eq!(routes(&plan, "app3"), [(None, "/")], "a frontend may take the base domain");
    assert!(routes(&plan, "hasura").contains(&(None, "/v1/graphql")), "and the API's paths stay the API's");
    assert!(frontends.iter().all(|service| service.group == Group::Frontend));
}

#[test]
fn a_frontend_with_an_api_of_its_own_has_two_addresses() {
    let plan = plan(&[("FRONTEND_APP_1_NAME", "web"), ("FRONTEND_APP_1_API_PORT", "4001")]);
    assert_eq!(routes(&plan, "web-api"), [(Some("api.web.localhost"), "/")]);
    assert_eq!(plan.service("web-api").unwrap().ports[0].number, 4001);
}
