//! The catalog of a schema with one of everything, read from a real server.

use postgres::catalog::{
    Action, ArgumentMode, Catalog, CheckOption, Column, Enabled, FunctionKind, Identity, Name, PolicyCommand, Strategy,
    Table, TableKind, Timing, TriggerEvent, TypeDefinition, TypeKind, Volatility,
};
use testkit::{Postgres, TestDatabase};
use tokio_postgres::Client;

const RICH: &str = include_str!("catalog/rich.sql");

async fn rich() -> (TestDatabase, Client, Catalog) {
    let database = Postgres::shared().db().await;
    let client = database.client().await;
    client.batch_execute(RICH).await.unwrap();
    let catalog = Catalog::read(&client, &["shop", "Odd Names", "public"]).await.unwrap();
    (database, client, catalog)
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    catalog.table("shop", name).unwrap_or_else(|| panic!("shop.{name} is missing"))
}

fn column<'a>(catalog: &'a Catalog, of: &str, name: &str) -> &'a Column {
    table(catalog, of).column(name).unwrap_or_else(|| panic!("shop.{of}.{name} is missing"))
}

fn names<'a, T>(list: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    list.iter().map(name).collect()
}

#[tokio::test]
async fn tables_and_columns() {
    let (_database, _client, catalog) = rich().await;
    assert_eq!(names(&catalog.schemas, |schema| &schema.name), ["Odd Names", "public", "shop"]);
    assert_eq!(catalog.schema("shop").unwrap().comment.as_deref(), Some("The shop"));
    assert!(catalog.table("hidden", "secrets").is_none());
    assert!(catalog.table("Odd Names", "Select \"it\"").unwrap().column("ünï").is_some());

    let customers = table(&catalog, "customers");
    assert_eq!((customers.kind, customers.comment.as_deref()), (TableKind::Table, Some("People who \"buy\"")));
    assert!(customers.row_security && !customers.force_row_security);
    let positions: Vec<i16> = customers.columns.iter().map(|column| column.position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11], "a dropped column leaves a gap");

    let id = column(&catalog, "customers", "id");
    assert_eq!((id.identity, id.not_null, id.r#type.sql.as_str()), (Some(Identity::Always), true, "bigint"));
    assert_eq!(id.sequence, Some(Name { schema: "shop".into(), name: "customers_id_seq".into() }));
    let email = column(&catalog, "customers", "email");
    assert_eq!((email.r#type.kind, email.r#type.sql.as_str()), (TypeKind::Domain, "shop.email"));
    let name = column(&catalog, "customers", "name");
    assert_eq!(name.collation.as_deref(), Some("pg_catalog.\"C\""));
    assert_eq!((name.comment.as_deref(), name.statistics), (Some("As they write it"), Some(200)));
    let balance = column(&catalog, "customers", "balance");
    assert_eq!((balance.r#type.sql.as_str(), balance.default.as_deref()), ("numeric(12,2)", Some("0")));
    assert!(balance.r#type.modifier.is_some() && balance.has_default());
    let tags = column(&catalog, "customers", "tags");
    assert_eq!(tags.r#type.element.as_ref().unwrap().name, "text");
    assert_eq!((tags.r#type.kind, tags.r#type.dimensions), (TypeKind::Array, 1));
    let history = column(&catalog, "customers", "history").r#type.element.as_ref().unwrap();
    assert_eq!((history.kind, history.sql.as_str()), (TypeKind::Enum, "shop.status"));
    let shout = column(&catalog, "customers", "shout");
    assert_eq!(shout.generated.as_ref().unwrap().expression, "upper(name)");
    assert!(shout.generated.as_ref().unwrap().stored && shout.default.is_none());
    assert_eq!(shout.storage.as_deref(), Some("external"));
    assert_eq!(column(&catalog, "customers", "born").default.as_deref(), Some("'2000-01-31'::date"));

    let orders = table(&catalog, "orders");
    assert_eq!(orders.options["fillfactor"], "70");
    assert_eq!(column(&catalog, "orders", "id").default.as_deref(), Some("nextval('shop.orders_id_seq'::regclass)"));
    assert_eq!(column(&catalog, "orders", "status").default.as_deref(), Some("'new'::shop.status"));
    assert!(table(&catalog, "child").unlogged);
    assert_eq!(table(&catalog, "child").inherits, [Name { schema: "shop".into(), name: "base".into() }]);
    assert!(!column(&catalog, "child", "a").local && table(&catalog, "child").checks[0].inherited);
}

#[tokio::test]
async fn keys_and_checks() {
    let (_database, _client, catalog) = rich().await;
    let customers = table(&catalog, "customers");
    assert_eq!(customers.primary_key.as_ref().unwrap().columns, ["id"]);
    let unique = &customers.unique_keys[0];
    assert_eq!((unique.name.as_str(), unique.deferrable, unique.deferred), ("customers_email_key", true, true));
    assert!(customers.is_unique(&["nick"]) && customers.is_unique(&["email"]) && !customers.is_unique(&["name"]));
    assert_eq!(customers.checks[0].expression, "(balance >= (0)::numeric)");
    assert_eq!(customers.checks[0].columns, ["balance"]);

    let orders = table(&catalog, "orders");
    let key = &orders.foreign_keys[0];
    assert_eq!((key.on_delete, key.on_update), (Action::Cascade, Action::Restrict));
    assert_eq!(
        (key.columns.as_slice(), key.referenced_columns.as_slice()),
        (&["customer_id".to_owned()][..], &["id".to_owned()][..])
    );
    assert!(key.deferrable && !key.deferred && key.validated);
    assert!(!orders.checks[0].validated);
    assert_eq!(orders.exclusions[0].definition, "EXCLUDE USING gist (during WITH &&)");

    let lines = table(&catalog, "lines");
    assert_eq!(lines.primary_key.as_ref().unwrap().columns, ["order_id", "number"]);
    assert_eq!(lines.primary_key.as_ref().unwrap().include, ["parent_order"]);
    let (late, parent) = (&lines.foreign_keys[0], &lines.foreign_keys[1]);
    assert_eq!((late.name.as_str(), late.on_delete, late.validated), ("lines_order_fk", Action::SetNull, false));
    assert!(parent.match_full && parent.columns == ["parent_order", "parent_number"]);
    assert_eq!(parent.referenced_columns, ["order_id", "number"]);

    let mut referencing: Vec<_> = catalog.referencing(orders).map(|(table, key)| (&*table.name, &*key.name)).collect();
    referencing.sort_unstable();
    assert_eq!(referencing, [("lines", "lines_order_fk")]);
    let notes = &table(&catalog, "event_notes").foreign_keys;
    assert_eq!(notes.len(), 1, "the copies for each partition are not keys of their own");
}

#[tokio::test]
async fn indexes_triggers_policies_and_grants() {
    let (_database, _client, catalog) = rich().await;
    let customers = table(&catalog, "customers");
    let index = |name: &str| customers.indexes.iter().find(|index| index.name == name).unwrap();
    let by_name = index("customers_name_idx");
    assert_eq!(by_name.keys[0].expression.as_deref(), Some("lower(name)"));
    assert_eq!(by_name.keys[0].opclass.as_deref(), Some("pg_catalog.text_pattern_ops"));
    assert!(by_name.keys[0].descending && !by_name.keys[0].nulls_first && by_name.column_names().is_none());
    assert_eq!((by_name.include.as_slice(), by_name.valid), (&["balance".to_owned()][..], true));
    assert_eq!(by_name.predicate.as_deref(), Some("(balance > (0)::numeric)"));
    let by_tag = index("customers_tags_idx");
    assert_eq!((by_tag.method.as_str(), by_tag.comment.as_deref()), ("gin", Some("By tag")));
    assert_eq!(by_tag.options["fastupdate"], "off");
    assert_eq!(index("customers_email_key").constraint.as_deref(), Some("customers_email_key"));
    assert!(index("customers_pkey").primary);
    assert!(
        index("customers_nick_idx").definition.starts_with("CREATE UNIQUE INDEX customers_nick_idx ON shop.customers")
    );

    let orders = table(&catalog, "orders");
    let late = &orders.triggers[0];
    assert!(late.constraint && late.deferred && late.row);
    let touch = &orders.triggers[1];
    assert_eq!((touch.timing, touch.enabled, touch.row), (Timing::Before, Enabled::Disabled, true));
    assert_eq!(touch.events, [TriggerEvent::Insert, TriggerEvent::Update]);
    assert_eq!(touch.columns, ["status", "note"]);
    assert_eq!(touch.function.name, "touch");
    assert!(table(&catalog, "events_2024").triggers[0].inherited && !table(&catalog, "events").triggers[0].inherited);

    let own = customers.policies.iter().find(|policy| policy.name == "own_row").unwrap();
    assert_eq!((own.command, own.permissive, own.roles.len()), (PolicyCommand::Update, false, 1));
    assert_eq!((own.using.as_deref(), own.check.as_deref()), (Some("(id > 1)"), Some("(id > 2)")));
    let see = customers.policies.iter().find(|policy| policy.name == "see").unwrap();
    assert_eq!((see.roles.as_slice(), see.command), (&["public".to_owned()][..], PolicyCommand::Select));

    let granted = |grants: &[postgres::catalog::Grant]| {
        grants.iter().filter(|grant| grant.role == "public").map(|grant| grant.privilege.clone()).collect::<Vec<_>>()
    };
    assert_eq!(granted(&orders.grants), ["SELECT"]);
    assert_eq!(granted(&column(&catalog, "orders", "note").grants), ["UPDATE"]);
    assert_eq!(granted(&catalog.schema("shop").unwrap().grants), ["USAGE"]);
    assert_eq!(
        (catalog.default_privileges[0].object.as_str(), catalog.default_privileges[0].schema.as_deref()),
        ("table", Some("shop"))
    );
}

#[tokio::test]
async fn partitions_and_sequences() {
    let (_database, _client, catalog) = rich().await;
    let events = table(&catalog, "events");
    let partitioning = events.partitioning.as_ref().unwrap();
    assert_eq!((events.kind, partitioning.strategy), (TableKind::Partitioned, Strategy::Range));
    assert_eq!((partitioning.key.as_str(), partitioning.columns.as_slice()), ("RANGE (at)", &["at".to_owned()][..]));
    let part = table(&catalog, "events_2024").partition_of.as_ref().unwrap();
    assert_eq!(part.parent.name, "events");
    assert_eq!(part.bound, "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00')");
    assert_eq!(table(&catalog, "events_rest").partition_of.as_ref().unwrap().bound, "DEFAULT");
    assert!(table(&catalog, "events_2024").inherits.is_empty());
    assert!(table(&catalog, "events_2024").indexes.iter().all(|index| index.inherited));

    let invoice = catalog.sequence("shop", "invoice").unwrap();
    assert_eq!((invoice.data_type.as_str(), invoice.start, invoice.increment), ("integer", 15, 10));
    assert_eq!((invoice.minimum, invoice.maximum, invoice.cycle), (5, 5000, true));
    assert!(invoice.owned_by.is_none());
    let serial = catalog.sequence("shop", "orders_id_seq").unwrap().owned_by.as_ref().unwrap();
    assert_eq!((serial.table.as_str(), serial.column.as_str(), serial.identity), ("orders", "id", false));
    let identity = catalog.sequence("shop", "customers_id_seq").unwrap();
    assert!(identity.owned_by.as_ref().unwrap().identity && identity.cache == 5);
}

#[tokio::test]
async fn types_functions_and_the_rest() {
    let (_database, _client, catalog) = rich().await;
    let named = |name: &str| catalog.type_named("shop", name).unwrap();
    assert_eq!(named("status").comment.as_deref(), Some("Where an order is"));
    let TypeDefinition::Enum { values } = &named("status").definition else { panic!() };
    assert_eq!(values, &["new", "paid", "packed", "sent"]);
    let TypeDefinition::Domain { base, not_null, default, checks, .. } = &named("email").definition else { panic!() };
    assert_eq!((base.sql.as_str(), *not_null), ("character varying(320)", true));
    assert_eq!(default.as_deref(), Some("'nobody@example.org'::character varying"));
    assert_eq!(
        (checks[0].name.as_str(), checks[0].expression.as_str()),
        ("email_shape", "((VALUE)::text ~ '@'::text)")
    );
    let TypeDefinition::Composite { fields } = &named("address").definition else { panic!() };
    assert_eq!(fields.iter().map(|field| &*field.r#type.sql).collect::<Vec<_>>(), ["text", "character(5)", "text[]"]);
    let TypeDefinition::Range { subtype, multirange, difference, .. } = &named("price_range").definition else {
        panic!()
    };
    assert_eq!((subtype.name.as_str(), multirange.as_deref()), ("float8", Some("price_multirange")));
    assert_eq!(difference.as_deref(), Some("float8mi"));
    let citext = catalog.type_named("public", "citext").unwrap();
    assert_eq!((&citext.definition, citext.extension.as_deref()), (&TypeDefinition::Base, Some("citext")));
    assert_eq!(catalog.extension("citext").unwrap().schema, "public");

    let add = catalog.functions_named("shop", "add");
    assert_eq!(names(add, |function| &function.signature), ["integer, integer", "text, text[]"]);
    assert_eq!((add[0].volatility, add[0].strict), (Volatility::Immutable, true));
    assert_eq!((add[0].arguments[1].has_default, add[0].arguments[1].default.as_deref()), (true, Some("1")));
    assert!(!add[0].arguments[0].has_default);
    assert_eq!(add[1].arguments[1].mode, ArgumentMode::Variadic);
    let find = &catalog.functions_named("shop", "find")[0];
    assert!(find.returns_set && find.inputs().count() == 1);
    assert_eq!(find.outputs().map(|out| out.name.as_deref().unwrap()).collect::<Vec<_>>(), ["id", "name"]);
    let top = &catalog.functions_named("shop", "top")[0];
    assert!(top.security_definer && top.settings == ["search_path=\"\""] && top.rows == 10.0);
    assert_eq!(top.arguments[1].mode, ArgumentMode::Table);
    let computed = &catalog.functions_named("shop", "orders_of")[0];
    assert_eq!((computed.inputs().next().unwrap().r#type.kind, computed.body.as_deref()), (TypeKind::Composite, None));
    assert_eq!(computed.returns.as_ref().unwrap().name, "orders");
    assert!(computed.definition.as_ref().unwrap().contains("BEGIN ATOMIC"));
    let tidy = &catalog.functions_named("shop", "tidy")[0];
    assert_eq!(
        (tidy.kind, tidy.returns.is_none(), tidy.body.as_deref()),
        (FunctionKind::Procedure, true, Some("BEGIN END"))
    );
    assert_eq!(catalog.functions_named("shop", "join_all")[0].kind, FunctionKind::Aggregate);
    assert!(catalog.functions_named("shop", "nothing").is_empty());

    assert_eq!(
        (catalog.event_triggers[0].name.as_str(), catalog.event_triggers[0].tags.as_slice()),
        ("watch_ddl", &["CREATE TABLE".to_owned()][..])
    );
    assert_eq!(catalog.statistics[0].table.name, "orders");
    let feed = &catalog.publications[0];
    assert_eq!(feed.tables.iter().map(|table| &*table.name).collect::<Vec<_>>(), ["lines", "orders"]);
    assert!(feed.insert && feed.update && !feed.delete && !feed.all_tables);
}

#[tokio::test]
async fn views_know_where_their_columns_come_from() {
    let (_database, _client, catalog) = rich().await;
    let origin = |view: &str, name: &str| {
        let origin = column(&catalog, view, name).origin.as_ref()?;
        Some((format!("{}.{}.{}", origin.schema, origin.table, origin.column), origin.nullable))
    };
    let from = |name: &str, nullable| Some((name.to_owned(), nullable));
    assert_eq!(origin("open_orders", "status"), from("shop.orders.status", false));
    assert_eq!(origin("overview", "name"), from("shop.customers.name", false));
    assert_eq!(origin("overview", "last_order"), from("shop.orders.id", true), "nullable side of a left join");
    assert_eq!(origin("overview", "secret"), from("hidden.secrets.value", false), "a schema that was not asked for");
    assert_eq!(origin("overview", "loud"), None, "an expression");
    assert_eq!(origin("above", "who"), from("shop.customers.id", false), "through another view");
    assert_eq!(origin("above", "last_order"), from("shop.orders.id", true));
    assert_eq!(origin("above", "loud"), from("shop.overview.loud", true), "as far as it can be followed");
    assert_eq!(origin("both", "id"), None, "a set operation");
    assert_eq!(origin("totals", "customer_id"), from("shop.orders.customer_id", true), "a grouping set");
    assert_eq!(origin("cached", "customer_id"), from("shop.orders.customer_id", false));
    assert_eq!(origin("joined", "customer_id"), from("shop.orders.customer_id", false), "USING");
    assert_eq!(origin("joined", "name"), from("shop.customers.name", false));
    assert_eq!(origin("with_cte", "total"), from("shop.orders.total", true));
    assert_eq!(origin("full_join", "left_name"), from("shop.customers.name", true));
    assert_eq!(origin("full_join", "right_id"), from("shop.orders.id", true));

    let open = table(&catalog, "open_orders");
    let view = open.view.as_ref().unwrap();
    assert_eq!(view.security_invoker, catalog.server_version >= 150_000, "the option exists since 15");
    assert!(!view.security_barrier);
    assert_eq!(view.check_option, Some(CheckOption::Local));
    assert!(open.is_insertable() && open.is_updatable() && open.is_deletable());
    assert!(view.definition.contains("shop.orders"));
    let overview = table(&catalog, "overview");
    assert!(overview.view.as_ref().unwrap().security_barrier && !overview.is_insertable());
    let reads: Vec<_> = overview.view.as_ref().unwrap().depends_on.iter().map(|name| &*name.name).collect();
    assert_eq!(reads, ["secrets", "customers", "orders"]);
    let cached = table(&catalog, "cached");
    assert_eq!((cached.kind, cached.view.as_ref().unwrap().populated), (TableKind::MaterialisedView, false));
    assert_eq!(cached.indexes[0].name, "cached_customer_idx");
}

#[tokio::test]
async fn reading_changes_nothing_and_survives_a_trip_through_json() {
    let (_database, client, catalog) = rich().await;
    client.batch_execute("BEGIN; SET LOCAL search_path = shop; SET LOCAL timezone = 'Asia/Tokyo'; CREATE TABLE only_here (id integer)").await.unwrap();
    let inside = Catalog::read(&client, &["shop"]).await.unwrap();
    assert!(inside.table("shop", "only_here").is_some(), "the transaction's own changes are seen");
    let row =
        client.query_one("SELECT current_setting('search_path'), current_setting('timezone')", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("shop", "Asia/Tokyo"));
    client.batch_execute("ROLLBACK").await.unwrap();
    let row = client
        .query_one(
            "SELECT current_setting('search_path'), current_setting('jit'), current_setting('enable_nestloop')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(2)), ("\"$user\", public", "on"));

    let json = serde_json::to_string(&catalog).unwrap();
    assert!(!json.contains("\"oid\""), "object ids differ between databases");
    let back: Catalog = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    assert!(back.table("shop", "orders").is_some());

    let everything = Catalog::read(&client, &[]).await.unwrap();
    assert!(everything.table("hidden", "secrets").is_some() && everything.table("pg_catalog", "pg_class").is_none());
    let nothing = Catalog::read(&client, &["it's \"not\" there\\"]).await.unwrap();
    assert!(nothing.tables.is_empty() && nothing.schemas.is_empty());
    client.batch_execute("CREATE TABLE shop.a1 (); CREATE TABLE shop.\"B1\" ()").await.unwrap();
    let again = Catalog::read(&client, &["shop"]).await.unwrap();
    assert_eq!(again.tables[0].name, "B1", "sorted by bytes, whatever the database's collation");
}

#[tokio::test]
async fn hundreds_of_tables_are_read_whole() {
    let database = Postgres::shared().db().await;
    let client = database.client().await;
    client.batch_execute(include_str!("catalog/many.sql")).await.unwrap();
    let catalog = Catalog::read(&client, &["public"]).await.unwrap();
    assert_eq!(catalog.tables.len(), 220);
    assert_eq!(catalog.table("public", "t200").unwrap().columns.len(), 10);
    let view = catalog.table("public", "v200").unwrap();
    assert_eq!((view.kind, view.columns.len()), (TableKind::View, 3));
}
