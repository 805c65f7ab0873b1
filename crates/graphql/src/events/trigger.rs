//! The SQL that puts a change of a row into the outbox: a trigger function for each event trigger and operation, named
//! as Hasura names it.

use std::fmt::{self, Write as _};

use metadata::{Columns, EventTrigger, QualifiedName};
use postgres::Ident;

use super::Op;

/// What the trigger functions are made in.
pub(super) const SCHEMA: &str = "hdb_catalog";

/// Types whose rows `<>` compares. Rows with others may make PostgreSQL raise an error, which costs every update a
/// savepoint to catch.
const COMPARABLE: [&str; 29] = [
    "bit",
    "bool",
    "bpchar",
    "bytea",
    "char",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "jsonb",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "oid",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varbit",
    "varchar",
];

/// A column as the functions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// `pg_catalog` for the built-in ones.
    pub type_schema: String,
    pub type_name: String,
}

/// One function and the trigger that calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TriggerFunction {
    /// Of both, without quotes.
    pub name: String,
    pub table: QualifiedName,
    pub op: Op,
    /// As `pg_proc.prosrc` holds it.
    pub body: String,
    /// Fires for replicated changes too.
    pub always: bool,
}

/// `notify_hasura_<trigger>_INSERT`.
pub(super) fn function_name(trigger: &str, op: Op) -> String {
    format!("notify_hasura_{trigger}_{op}")
}

impl TriggerFunction {
    /// One for each operation that the trigger listens to. An operation with a column that the table does not have
    /// gets none.
    pub fn all(trigger: &EventTrigger, table: &QualifiedName, columns: &[Column], stringify: bool) -> Vec<Self> {
        let definition = &trigger.definition;
        let operations =
            [(Op::Insert, &definition.insert), (Op::Update, &definition.update), (Op::Delete, &definition.delete)];
        let made = operations.into_iter().filter_map(|(op, operation)| {
            let operation = operation.as_ref()?;
            let listened = chosen(columns, &operation.columns)?;
            let sent = chosen(columns, operation.payload.as_ref().unwrap_or(&Columns::All))?;
            let function = Self {
                name: function_name(&trigger.name, op),
                table: table.clone(),
                op,
                body: body(&trigger.name, table, op, &listened, &sent, stringify),
                always: trigger.trigger_on_replication == Some(true),
            };
            Some(function)
        });
        made.collect()
    }

    /// `"hdb_catalog"."notify_hasura_…"`.
    fn qualified(&self) -> postgres::Qualified {
        Ident::new(SCHEMA).dot(&self.name)
    }

    pub fn create_function(&self) -> String {
        let tag = quote_tag(&self.body);
        let function = self.qualified();
        format!("CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {tag}{}{tag}", self.body)
    }

    pub fn create_trigger(&self) -> String {
        let (name, table, function) = (Ident::new(&self.name), qualified(&self.table), self.qualified());
        let op = self.op;
        format!("CREATE TRIGGER {name} AFTER {op} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
    }

    /// Whether it fires on a replica.
    pub fn set_replication(&self) -> String {
        let always = if self.always { " ALWAYS" } else { "" };
        format!("ALTER TABLE {} ENABLE{always} TRIGGER {}", qualified(&self.table), Ident::new(&self.name))
    }
}

/// Takes the trigger with it.
pub(super) fn drop_function(name: &str) -> String {
    format!("DROP FUNCTION IF EXISTS {}() CASCADE", Ident::new(SCHEMA).dot(name))
}

fn qualified(table: &QualifiedName) -> postgres::Qualified {
    Ident::new(&table.schema).dot(&table.name)
}

fn chosen<'a>(columns: &'a [Column], wanted: &Columns) -> Option<Vec<&'a Column>> {
    match wanted {
        Columns::All => Some(columns.iter().collect()),
        Columns::Some(names) => names.iter().map(|name| columns.iter().find(|column| column.name == *name)).collect(),
    }
}

fn body(
    trigger: &str,
    table: &QualifiedName,
    op: Op,
    listened: &[&Column],
    sent: &[&Column],
    stringify: bool,
) -> String {
    let row = |record: &str| format!("row_to_json({})", row(record, sent, stringify));
    let old = if op == Op::Insert { "NULL".to_owned() } else { row("OLD") };
    let new = if op == Op::Delete { "NULL".to_owned() } else { row("NEW") };
    let write = format!(
        "PERFORM hdb_catalog.insert_event_log(CAST({} AS text), CAST({} AS text), CAST({} AS text), TG_OP,\n      \
         json_build_object('old', {old}, 'new', {new}));",
        Literal(&table.schema),
        Literal(&table.name),
        Literal(trigger),
    );
    let mut out = String::from("\n  /* Written by nself from the event trigger's definition. */\n");
    if op == Op::Update {
        guarded(&mut out, &write, listened);
    } else {
        let _ = write!(out, "  BEGIN\n    {write}\n    RETURN NULL;\n  END\n");
    }
    out
}

/// Writes only when a column that is listened to has changed.
fn guarded(out: &mut String, write: &str, listened: &[&Column]) {
    let (old, new) = (row("OLD", listened, false), row("NEW", listened, false));
    let _ = write!(
        out,
        "  DECLARE\n    _old record := row({old});\n    _new record := row({new});\n    _changed boolean;\n  BEGIN\n"
    );
    let comparable = |column: &&&Column| {
        let name = column.type_name.strip_prefix('_').unwrap_or(&column.type_name);
        column.type_schema == "pg_catalog" && COMPARABLE.contains(&name)
    };
    if listened.iter().filter(comparable).count() == listened.len() {
        out.push_str("    _changed := _old <> _new;\n");
    } else {
        out.push_str(
            "    BEGIN\n      _changed := _old <> _new;\n    EXCEPTION WHEN undefined_function THEN\n      \
             _changed := _old *<> _new;\n    END;\n",
        );
    }
    let _ = write!(out, "    IF _changed THEN\n      {write}\n    END IF;\n    RETURN NULL;\n  END\n");
}

/// The columns of `OLD` or `NEW` as one record.
fn row(record: &str, columns: &[&Column], stringify: bool) -> String {
    let mut out = String::from("(SELECT \"e\" FROM (SELECT ");
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let name = Ident::new(&column.name);
        let schema = Ident::new(&column.type_schema);
        let _ = match column.type_name.as_str() {
            "geometry" | "geography" => write!(out, "{schema}.ST_AsGeoJSON({record}.{name}, 15, 4)::json AS {name}"),
            "int8" | "numeric" | "float8" if stringify => write!(out, "{record}.{name}::text AS {name}"),
            _ => write!(out, "{record}.{name}"),
        };
    }
    out.push_str(") AS \"e\")");
    out
}

/// A text as SQL writes it, whatever `standard_conforming_strings` says.
struct Literal<'a>(&'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\'', "''");
        if escaped.contains('\\') {
            return write!(out, "E'{}'", escaped.replace('\\', "\\\\"));
        }
        write!(out, "'{escaped}'")
    }
}

/// A dollar quote that does not occur in the text: names of columns may hold anything.
fn quote_tag(text: &str) -> String {
    let mut tag = "$nself$".to_owned();
    let mut number = 0;
    while text.contains(&tag) {
        number += 1;
        tag = format!("$nself{number}$");
    }
    tag
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn columns() -> Vec<Column> {
        let column = |name: &str, schema: &str, typed: &str| Column {
            name: name.to_owned(),
            type_schema: schema.to_owned(),
            type_name: typed.to_owned(),
        };
        vec![
            column("id", "pg_catalog", "int8"),
            column("we\"ird $nself$", "pg_catalog", "text"),
            column("at", "gis", "geometry"),
            column("data", "pg_catalog", "json"),
        ]
    }

    fn trigger(definition: serde_json::Value) -> EventTrigger {
        serde_json::from_value(json!({"name": "t1", "webhook": "http://h", "definition": definition})).unwrap()
    }

    #[test]
    fn each_operation_has_its_function_and_hostile_names_stay_names() {
        let trigger = trigger(json!({"insert": {"columns": "*"}, "delete": {"columns": "*", "payload": ["id"]}}));
        let table = QualifiedName::new("public", "it's");
        let found = TriggerFunction::all(&trigger, &table, &columns(), true);
        let [insert, delete] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (insert.name.as_str(), delete.name.as_str()),
            ("notify_hasura_t1_INSERT", "notify_hasura_t1_DELETE")
        );
        assert!(insert.body.contains("CAST('it''s' AS text)"), "{}", insert.body);
        assert!(insert.body.contains("NEW.\"id\"::text AS \"id\", NEW.\"we\"\"ird $nself$\""), "{}", insert.body);
        assert!(insert.body.contains("\"gis\".ST_AsGeoJSON(NEW.\"at\", 15, 4)::json AS \"at\""), "{}", insert.body);
        assert!(insert.create_function().contains("AS $nself1$"));
        assert!(
            delete
                .body
                .contains("row_to_json((SELECT \"e\" FROM (SELECT OLD.\"id\"::text AS \"id\") AS \"e\")), 'new', NULL")
        );
        assert_eq!(
            insert.create_trigger(),
            "CREATE TRIGGER \"notify_hasura_t1_INSERT\" AFTER INSERT ON \"public\".\"it's\" \
             FOR EACH ROW EXECUTE FUNCTION \"hdb_catalog\".\"notify_hasura_t1_INSERT\"()"
        );
    }

    #[test]
    fn an_update_pays_for_a_savepoint_only_where_a_type_has_no_equality() {
        let table = QualifiedName::new("public", "t");
        let body = |columns: serde_json::Value| {
            let trigger = trigger(json!({"update": {"columns": columns}}));
            TriggerFunction::all(&trigger, &table, &self::columns(), false).remove(0).body
        };
        assert!(!body(json!(["id"])).contains("EXCEPTION"));
        assert!(body(json!("*")).contains("_old *<> _new"));
    }

    #[test]
    fn a_column_that_is_gone_leaves_its_operation_out() {
        let trigger = trigger(json!({"insert": {"columns": "*"}, "update": {"columns": ["gone"]}}));
        let found = TriggerFunction::all(&trigger, &QualifiedName::new("public", "t"), &columns(), false);
        assert_eq!(found.iter().map(|function| function.op).collect::<Vec<_>>(), [Op::Insert]);
    }
}
