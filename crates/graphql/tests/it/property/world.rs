//! A random database: tables with odd names, keys that lead in circles, relationships, rows and roles.

use serde_json::{Map, Value as Json, json};

use super::condition::{Condition, Scope};
use super::value::{Kind, MOODS, Rng, Value, is_name, quoted};

pub type Row = Vec<Value>;

#[derive(Debug, Clone)]
pub struct World {
    pub tables: Vec<Table>,
    pub roles: Vec<Role>,
}

#[derive(Debug, Clone)]
pub struct Table {
    pub schema: &'static str,
    pub sql: String,
    /// What its fields and types are called.
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Vec<usize>,
    pub foreign: Vec<Foreign>,
    pub relationships: Vec<Relationship>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub sql: String,
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
    pub default: Value,
}

#[derive(Debug, Clone)]
pub struct Foreign {
    pub columns: Vec<usize>,
    pub target: usize,
    pub unique: bool,
}

#[derive(Debug, Clone)]
pub struct Relationship {
    pub name: String,
    pub target: usize,
    /// Columns here and there.
    pub pairs: Vec<(usize, usize)>,
    pub single: bool,
    pub using: Json,
}

/// What a role may, for each table.
#[derive(Debug, Clone, Default)]
pub struct Role {
    pub name: String,
    pub select: Vec<Option<Select>>,
    pub insert: Vec<Option<Write>>,
    pub update: Vec<Option<Write>>,
    pub delete: Vec<Option<Condition>>,
}

#[derive(Debug, Clone)]
pub struct Select {
    pub columns: Vec<usize>,
    pub filter: Condition,
    pub limit: Option<usize>,
    pub aggregations: bool,
}

/// A permission to insert or to update.
#[derive(Debug, Clone)]
pub struct Write {
    pub columns: Vec<usize>,
    /// An update's.
    pub filter: Condition,
    pub check: Option<Condition>,
    pub presets: Vec<(usize, Value)>,
}

const TABLES: [&str; 12] = [
    "user",
    "order",
    "select",
    "Mixed",
    "with space",
    "quo\"te",
    "ünï",
    "tab'le",
    "$dollar",
    "plain",
    "type",
    "group_by",
];
const COLUMNS: [&str; 14] = [
    "name", "order", "limit", "Upper", "sp ace", "q\"uote", "ä", "$1", "x'y", "count", "sum", "nodes", "_private",
    "a.b",
];

impl Column {
    fn new(sql: &str, kind: Kind, nullable: bool, at: usize) -> Self {
        let name = if is_name(sql) { sql.to_owned() } else { format!("c{at}") };
        Self { sql: sql.to_owned(), name, kind, nullable, default: Value::Null }
    }
}

impl World {
    pub fn random(rng: &mut Rng) -> Self {
        let names = rng.shuffled(&TABLES);
        let count = 2 + rng.below(4);
        let mut tables: Vec<Table> = (0..count).map(|at| Table::random(rng, at, names[at])).collect();
        for from in 0..count {
            for number in 0..rng.below(3) {
                let target = rng.below(count);
                reference(rng, &mut tables, from, target, number);
            }
        }
        for number in 0..rng.below(3) {
            manual(rng, &mut tables, number);
        }
        let mut world = Self { tables, roles: Vec::new() };
        world.fill(rng);
        for name in ["one", "two"] {
            let role = world.role(rng, name);
            world.roles.push(role);
        }
        world
    }

    fn fill(&mut self, rng: &mut Rng) {
        for table in &mut self.tables {
            for number in 0..rng.below(7) {
                let mut row: Row = table.columns.iter().map(|column| column.random(rng)).collect();
                let key = &table.key;
                // Whatever else the key has: its first column tells rows apart.
                row[key[0]] = match table.columns[key[0]].kind {
                    Kind::Int => Value::Int(i64::try_from(number).unwrap() + 1),
                    _ => Value::Text(["a", "B'", "", "\"x", "é", "n\\", "z z"][number].to_owned()),
                };
                table.rows.push(row);
            }
        }
        for at in 0..self.tables.len() {
            for foreign in self.tables[at].foreign.clone() {
                let mut left: Vec<Row> = self.tables[foreign.target].keys();
                for row in 0..self.tables[at].rows.len() {
                    let key = match left.len() {
                        0 => None,
                        _ if rng.percent(25) => None,
                        count if foreign.unique => Some(left.remove(rng.below(count))),
                        count => Some(left[rng.below(count)].clone()),
                    };
                    for (index, &column) in foreign.columns.iter().enumerate() {
                        let value = key.as_ref().map_or(Value::Null, |key| key[index].clone());
                        self.tables[at].rows[row][column] = value;
                    }
                }
            }
        }
    }

    fn role(&self, rng: &mut Rng, name: &str) -> Role {
        let mut role = Role { name: name.to_owned(), ..Role::default() };
        for at in 0..self.tables.len() {
            let table = &self.tables[at];
            let all: Vec<usize> = (0..table.columns.len()).collect();
            let scope = Scope::permission(self, at);
            role.select.push(rng.percent(85).then(|| {
                let mut columns: Vec<usize> = rng.some(&all, all.len());
                columns.extend(&table.key);
                columns.sort_unstable();
                columns.dedup();
                Select {
                    columns,
                    filter: scope.random(rng, 3),
                    limit: rng.percent(25).then(|| rng.below(4)),
                    aggregations: rng.percent(80),
                }
            }));
            let mut write = |chance: usize| {
                rng.percent(chance).then(|| {
                    let presets = rng.some(&all, 1);
                    let preset = |column: &usize| !table.key.contains(column) && !table.is_foreign(*column);
                    let presets = presets.into_iter().filter(preset);
                    let presets = presets.map(|column| (column, table.columns[column].kind.random(rng))).collect();
                    let columns = if rng.percent(70) { all.clone() } else { rng.some(&all, all.len()) };
                    Write { columns, filter: scope.random(rng, 2), check: Some(scope.random(rng, 1)), presets }
                })
            };
            let (insert, mut update) = (write(80), write(80));
            if let Some(update) = update.as_mut().filter(|_| rng.percent(40)) {
                update.check = None;
            }
            role.insert.push(insert);
            role.update.push(update);
            role.delete.push(rng.percent(80).then(|| scope.random(rng, 2)));
        }
        role
    }

    /// What makes the tables and their rows.
    pub fn sql(&self) -> String {
        let mut sql = String::from(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other;",
        );
        let moods: Vec<String> = MOODS.iter().map(|mood| format!("'{}'", mood.replace('\'', "''"))).collect();
        sql += &format!("CREATE TYPE public.mood AS ENUM ({});\n", moods.join(", "));
        for table in &self.tables {
            let columns = table.columns.iter().map(|column| {
                let null = if column.nullable { "" } else { " NOT NULL" };
                let default =
                    if column.default.is_null() { String::new() } else { format!(" DEFAULT {}", column.default.sql()) };
                format!("{} {}{null}{default}", quoted(&column.sql), column.kind.sql())
            });
            let key = format!("CONSTRAINT {} PRIMARY KEY ({})", quoted(&table.constraint()), table.list(&table.key));
            let unique = table.foreign.iter().filter(|foreign| foreign.unique);
            let unique = unique.map(|foreign| format!("UNIQUE ({})", table.list(&foreign.columns)));
            let parts: Vec<String> = columns.chain([key]).chain(unique).collect();
            sql += &format!("CREATE TABLE {} ({});\n", table.relation(), parts.join(", "));
            for row in &table.rows {
                let values: Vec<String> = row.iter().map(Value::sql).collect();
                sql += &format!("INSERT INTO {} VALUES ({});\n", table.relation(), values.join(", "));
            }
        }
        for table in &self.tables {
            for foreign in &table.foreign {
                let target = &self.tables[foreign.target];
                let (here, there) = (table.list(&foreign.columns), target.list(&target.key));
                let relation = target.relation();
                sql += &format!(
                    "ALTER TABLE {} ADD FOREIGN KEY ({here}) REFERENCES {relation} ({there});\n",
                    table.relation()
                );
            }
        }
        sql
    }

    pub fn metadata(&self) -> Json {
        let tables: Vec<Json> = (0..self.tables.len()).map(|at| self.table_metadata(at)).collect();
        json!({
            "version": 3,
            "sources": [{ "name": "default", "kind": "postgres", "tables": tables,
                "configuration": { "connection_info": { "database_url": { "from_env": "HASURA_GRAPHQL_DATABASE_URL" } } } }],
            "inherited_roles": [{ "role_name": "both", "role_set": ["one", "two"] }],
        })
    }

    fn table_metadata(&self, at: usize) -> Json {
        let table = &self.tables[at];
        let renamed = table.columns.iter().filter(|column| column.sql != column.name);
        let renamed: Map<String, Json> =
            renamed.map(|column| (column.sql.clone(), json!({ "custom_name": column.name }))).collect();
        let mut configuration = json!({ "column_config": renamed });
        if table.name != table.default_name() {
            configuration["custom_name"] = json!(table.name);
        }
        let relationships = |single: bool| {
            let found = table.relationships.iter().filter(|found| found.single == single);
            found.map(|found| json!({ "name": found.name, "using": found.using })).collect::<Vec<_>>()
        };
        let names = |columns: &[usize]| columns.iter().map(|&at| table.columns[at].sql.clone()).collect::<Vec<_>>();
        let condition = |condition: &Condition| condition.json(&Scope::permission(self, at));
        let presets = |write: &Write| {
            let presets =
                write.presets.iter().map(|(column, value)| (table.columns[*column].sql.clone(), value.json()));
            Json::Object(presets.collect())
        };
        let permissions = |of: &dyn Fn(&Role) -> Option<Json>| {
            let found =
                self.roles.iter().filter_map(|role| Some(json!({ "role": role.name, "permission": of(role)? })));
            found.collect::<Vec<_>>()
        };
        json!({
            "table": table.qualified(),
            "configuration": configuration,
            "object_relationships": relationships(true),
            "array_relationships": relationships(false),
            "select_permissions": permissions(&|role| role.select[at].as_ref().map(|found| {
                let mut permission = json!({ "columns": names(&found.columns), "filter": condition(&found.filter),
                    "allow_aggregations": found.aggregations });
                if let Some(limit) = found.limit {
                    permission["limit"] = json!(limit);
                }
                permission
            })),
            "insert_permissions": permissions(&|role| role.insert[at].as_ref().map(|found| json!({
                "columns": names(&found.columns), "check": found.check.as_ref().map(condition), "set": presets(found) }))),
            "update_permissions": permissions(&|role| role.update[at].as_ref().map(|found| json!({
                "columns": names(&found.columns), "filter": condition(&found.filter),
                "check": found.check.as_ref().map(condition), "set": presets(found) }))),
            "delete_permissions": permissions(&|role| role.delete[at].as_ref().map(|found| json!({ "filter": condition(found) }))),
        })
    }

    /// Positions of the rows of the relationship's target that belong to `row`.
    pub fn related(&self, table: usize, row: &Row, relationship: usize) -> Vec<usize> {
        let found = &self.tables[table].relationships[relationship];
        let same = |other: &Row| {
            found
                .pairs
                .iter()
                .all(|&(here, there)| row[here].compared(&other[there]) == Some(std::cmp::Ordering::Equal))
        };
        let rows = self.tables[found.target].rows.iter().enumerate();
        rows.filter(|(_, other)| same(other)).map(|(at, _)| at).collect()
    }
}

impl Column {
    pub fn random(&self, rng: &mut Rng) -> Value {
        if self.nullable && rng.percent(25) { Value::Null } else { self.kind.random(rng) }
    }
}

impl Table {
    fn random(rng: &mut Rng, at: usize, sql: &str) -> Self {
        let keys: &[(&str, Kind)] = match rng.below(4) {
            0 => &[("id", Kind::Int), ("part two", Kind::Text)],
            1 => &[("Key", Kind::Text)],
            _ => &[("id", Kind::Int)],
        };
        let mut columns: Vec<Column> = Vec::new();
        for (name, kind) in keys {
            columns.push(Column::new(name, *kind, false, columns.len()));
        }
        let names = rng.shuffled(&COLUMNS);
        for name in names.iter().take(1 + rng.below(5)) {
            let mut column = Column::new(name, *rng.pick(&Kind::ALL), rng.percent(70), columns.len());
            if rng.percent(40) {
                column.default = column.kind.random(rng);
            }
            columns.push(column);
        }
        let key = (0..keys.len()).collect();
        let schema = if rng.percent(30) { "other" } else { "public" };
        let mut table = Self {
            schema,
            sql: sql.to_owned(),
            name: String::new(),
            columns,
            key,
            foreign: Vec::new(),
            relationships: Vec::new(),
            rows: Vec::new(),
        };
        let plain = table.default_name();
        table.name = if is_name(&plain) && rng.percent(75) { plain } else { format!("Custom_{at}") };
        table
    }

    fn default_name(&self) -> String {
        if self.schema == "public" { self.sql.clone() } else { format!("{}_{}", self.schema, self.sql) }
    }

    fn qualified(&self) -> Json {
        json!({ "schema": self.schema, "name": self.sql })
    }

    pub fn relation(&self) -> String {
        format!("{}.{}", self.schema, quoted(&self.sql))
    }

    /// Of its primary key.
    pub fn constraint(&self) -> String {
        format!("{}_key", self.name)
    }

    pub fn list(&self, columns: &[usize]) -> String {
        columns.iter().map(|&at| quoted(&self.columns[at].sql)).collect::<Vec<_>>().join(", ")
    }

    pub fn is_foreign(&self, column: usize) -> bool {
        self.foreign.iter().any(|foreign| foreign.columns.contains(&column))
    }

    /// Whether there is a value wherever one has to be.
    pub fn filled(&self, row: &Row) -> bool {
        self.columns.iter().zip(row).all(|(column, value)| column.nullable || !value.is_null())
    }

    pub fn keys(&self) -> Vec<Row> {
        self.rows.iter().map(|row| self.key_of(row)).collect()
    }

    pub fn key_of(&self, row: &Row) -> Row {
        self.key.iter().map(|&at| row[at].clone()).collect()
    }
}

/// A foreign key with its relationships in both directions.
fn reference(rng: &mut Rng, tables: &mut [Table], from: usize, target: usize, number: usize) {
    let key: Vec<usize> = tables[target].key.clone();
    let kinds: Vec<Kind> = key.iter().map(|&at| tables[target].columns[at].kind).collect();
    let mut columns = Vec::new();
    for (part, kind) in kinds.into_iter().enumerate() {
        columns.push(tables[from].columns.len());
        let name = if rng.percent(50) { format!("ref {number} {part}") } else { format!("ref_{number}_{part}") };
        let column = Column::new(&name, kind, true, tables[from].columns.len());
        tables[from].columns.push(column);
    }
    let unique = rng.percent(25);
    let names: Vec<String> = columns.iter().map(|&at| tables[from].columns[at].sql.clone()).collect();
    let pairs: Vec<(usize, usize)> = columns.iter().copied().zip(key.iter().copied()).collect();
    let one = names.len() == 1;
    tables[from].relationships.push(Relationship {
        name: format!("to_{from}_{number}"),
        target,
        pairs: pairs.clone(),
        single: true,
        using: json!({ "foreign_key_constraint_on": if one { json!(names[0]) } else { json!(names) } }),
    });
    let mut remote = json!({ "table": tables[from].qualified() });
    if one {
        remote["column"] = json!(names[0]);
    } else {
        remote["columns"] = json!(names);
    }
    tables[target].relationships.push(Relationship {
        name: format!("of_{from}_{number}"),
        target: from,
        pairs: pairs.iter().map(|&(here, there)| (there, here)).collect(),
        single: unique,
        using: json!({ "foreign_key_constraint_on": remote }),
    });
    tables[from].foreign.push(Foreign { columns, target, unique });
}

/// A relationship that no key stands behind.
fn manual(rng: &mut Rng, tables: &mut [Table], number: usize) {
    let (from, target) = (rng.below(tables.len()), rng.below(tables.len()));
    let mut pairs = Vec::new();
    for (here, column) in tables[from].columns.iter().enumerate() {
        for (there, other) in tables[target].columns.iter().enumerate() {
            if column.kind == other.kind && matches!(column.kind, Kind::Int | Kind::Text | Kind::Mood | Kind::Numeric) {
                pairs.push((here, there));
            }
        }
    }
    if pairs.is_empty() {
        return;
    }
    let pair = *rng.pick(&pairs);
    let single = tables[target].key == [pair.1];
    let mapping: Map<String, Json> =
        [(tables[from].columns[pair.0].sql.clone(), json!(tables[target].columns[pair.1].sql))].into_iter().collect();
    let using =
        json!({ "manual_configuration": { "remote_table": tables[target].qualified(), "column_mapping": mapping } });
    tables[from].relationships.push(Relationship {
        name: format!("by_{number}"),
        target,
        pairs: vec![pair],
        single,
        using,
    });
}
