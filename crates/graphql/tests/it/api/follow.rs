//! A schema that follows another is the one that would be built from nothing, whatever was done in between.

use graphql::api::{Endpoint, answer};
use graphql::{Request, Session};
use serde_json::{Value, json};

use super::Shop;
use crate::support::database_with;

const SQL: &str = "
    CREATE SCHEMA other;
    CREATE TABLE author (id serial PRIMARY KEY, name text UNIQUE, age int, color text);
    CREATE TABLE article (id serial PRIMARY KEY, title text, author_id int REFERENCES author, editor_id int REFERENCES author);
    CREATE TABLE color (value text PRIMARY KEY, comment text);
    CREATE TABLE other.note (id int PRIMARY KEY, article_id int REFERENCES article, body jsonb, at timestamptz);
    CREATE TABLE other.place (id int PRIMARY KEY, spot point, path numeric[]);
    CREATE VIEW shown AS SELECT id, title, author_id FROM article;
    ALTER TABLE author ADD FOREIGN KEY (color) REFERENCES color;
    INSERT INTO color VALUES ('red', 'warm'), ('blue', NULL);
    INSERT INTO author (name, age, color) VALUES ('Ada', 36, 'red'), ('Bea', 40, 'blue');
    INSERT INTO article (title, author_id, editor_id) VALUES ('one', 1, 2), ('two', 2, 1);
    CREATE FUNCTION label(a author) RETURNS text STABLE LANGUAGE sql AS 'SELECT a.name';
    CREATE FUNCTION works(a author) RETURNS SETOF article STABLE LANGUAGE sql AS 'SELECT * FROM article';
    CREATE FUNCTION find(term text, since interval) RETURNS SETOF article STABLE LANGUAGE sql AS 'SELECT * FROM article';";

const TABLES: [(&str, &str); 6] = [
    ("public", "author"),
    ("public", "article"),
    ("public", "color"),
    ("other", "note"),
    ("other", "place"),
    ("public", "shown"),
];
const ROLES: [&str; 4] = ["reader", "writer", "both", "all"];

/// What administrators and roles ask; some of it fits at any time.
const QUERIES: [&str; 6] = [
    "{ author(order_by: {id: asc}) { id name works { id title } written { id } label } }",
    "{ article(where: {writer: {name: {_eq: \"Ada\"}}}) { id title writer { name written { title } } } }",
    "{ article_aggregate { aggregate { count } } other_note { id article { title } } }",
    "{ find(args: {term: \"o\", since: \"1 day\"}) { title } shown { title author_id } }",
    "{ writers { id naming: name } color { value } author_by_pk(id: 1) { color } }",
    "{ other_place { id spot path } }",
];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn table(&mut self) -> Value {
        let (schema, name) = self.one(&TABLES);
        json!({"schema": schema, "name": name})
    }

    fn metadata_command(&mut self) -> Value {
        let (table, role) = (self.table(), self.one(&ROLES));
        let (kind, args) = match self.below(15) {
            0..=2 => ("pg_track_table", json!({"table": table})),
            3 => ("pg_untrack_table", json!({"table": table, "cascade": self.below(2) == 0})),
            4 | 5 => return self.relationship(),
            6 => {
                let (from, to) = (self.one(&["writer", "works", "written"]), self.one(&["scribe", "works", "writer"]));
                ("pg_rename_relationship", json!({"table": table, "name": from, "new_name": to}))
            }
            7 => {
                let name = self.one(&["writer", "works", "written", "scribe", "article"]);
                ("pg_drop_relationship", json!({"table": table, "relationship": name, "cascade": true}))
            }
            8 | 9 => return self.permission(),
            10 => {
                let kind = self.one(&["pg_drop_select_permission", "pg_drop_insert_permission"]);
                (kind, json!({"table": table, "role": role}))
            }
            11 => {
                let configuration = self.one(&[
                    json!({}),
                    json!({"custom_name": "writers"}),
                    json!({"column_config": {"name": {"custom_name": "called", "comment": "how"}}, "comment": "mine"}),
                    json!({"custom_root_fields": {"select": "everything", "insert": {"comment": "one more"}}}),
                ]);
                ("pg_set_table_customization", json!({"table": table, "configuration": configuration}))
            }
            12 => ("pg_set_table_is_enum", json!({"table": "color", "is_enum": self.below(2) == 0})),
            13 => return self.function(),
            _ => match self.below(3) {
                0 => ("drop_inherited_role", json!({"role_name": "both"})),
                1 => ("add_inherited_role", json!({"role_name": "both", "role_set": ["reader", "writer"]})),
                _ => ("add_inherited_role", json!({"role_name": "all", "role_set": ["both", "reader"]})),
            },
        };
        json!({"type": kind, "args": args})
    }

    fn relationship(&mut self) -> Value {
        let foreign = |table: &str, schema: &str, column: &str| {
            let table = json!({"schema": schema, "name": table});
            json!({"foreign_key_constraint_on": {"table": table, "column": column}})
        };
        let manual = json!({"manual_configuration": {
            "remote_table": {"schema": "public", "name": "author"}, "column_mapping": {"author_id": "id"}}});
        let (kind, table, name, using) = self.one(&[
            ("object", "article", "writer", json!({"foreign_key_constraint_on": "author_id"})),
            ("object", "article", "editor", json!({"foreign_key_constraint_on": "editor_id"})),
            ("array", "author", "works", foreign("article", "public", "author_id")),
            ("array", "author", "written", foreign("article", "public", "editor_id")),
            ("array", "article", "notes", foreign("note", "other", "article_id")),
            ("object", "shown", "writer", manual),
        ]);
        let kind = format!("pg_create_{kind}_relationship");
        json!({"type": kind, "args": {"table": table, "name": name, "using": using}})
    }

    fn permission(&mut self) -> Value {
        let (role, table) = (self.one(&ROLES), self.one(&["author", "article", "shown"]));
        let filter = self.one(&[
            json!({}),
            json!({"id": {"_gt": 0}}),
            json!({"writer": {"works": {"editor": {"name": {"_eq": "X-Hasura-Name"}}}}}),
            json!({"works": {"writer": {"name": {"_eq": "Ada"}}}}),
            json!({"_exists": {"_table": {"schema": "public", "name": "article"}, "_where": {"writer": {"id": 1}}}}),
            json!({"label": {"_eq": "Ada"}}),
            json!({"written": {"writer": {"written": {}}}}),
        ]);
        let (kind, permission) = match self.below(3) {
            0 => ("insert", json!({"check": filter, "columns": "*", "set": {"id": "X-Hasura-User-Id"}})),
            1 => ("update", json!({"filter": filter, "columns": ["id"], "check": {}})),
            _ => {
                let aggregations = self.below(2) == 0;
                ("select", json!({"columns": "*", "filter": filter, "allow_aggregations": aggregations}))
            }
        };
        let args = json!({"table": table, "role": role, "permission": permission});
        json!({"type": format!("pg_create_{kind}_permission"), "args": args})
    }

    fn function(&mut self) -> Value {
        let field = |name: &str| {
            let definition = json!({"function": {"schema": "public", "name": name}});
            json!({"table": "author", "name": name, "definition": definition})
        };
        let (kind, args) = match self.below(5) {
            0 => ("pg_track_function", json!({"function": "find"})),
            1 => ("pg_untrack_function", json!({"function": "find"})),
            2 => ("pg_add_computed_field", field("label")),
            3 => ("pg_add_computed_field", field("works")),
            _ => ("pg_drop_computed_field", json!({"table": "author", "name": "label", "cascade": true})),
        };
        json!({"type": kind, "args": args})
    }

    fn statement(&mut self) -> &'static str {
        self.one(&[
            "ALTER TABLE article RENAME COLUMN title TO heading",
            "ALTER TABLE article RENAME COLUMN heading TO title",
            "ALTER TABLE author ADD COLUMN IF NOT EXISTS born date",
            "ALTER TABLE author DROP COLUMN IF EXISTS born CASCADE",
            "INSERT INTO color VALUES ('green') ON CONFLICT DO NOTHING",
            "COMMENT ON TABLE author IS 'who writes'",
            "ALTER TABLE other.note RENAME TO remark",
            "ALTER TABLE other.remark RENAME TO note",
        ])
    }
}

impl Shop {
    /// Something at random; it may be refused, but must not fail.
    async fn anything(&self, dice: &mut Dice) {
        let admin = Session::admin();
        let (_, body) = match dice.below(12) {
            0 => self.run_sql(dice.statement(), true).await,
            1 => {
                let steps = json!([dice.metadata_command(), dice.metadata_command()]);
                let bulk = json!({"type": "bulk_keep_going", "args": steps});
                self.post(Endpoint::Metadata, &admin, bulk).await
            }
            2 if dice.below(4) == 0 => self.break_something(dice).await,
            _ => self.post(Endpoint::Metadata, &admin, dice.metadata_command()).await,
        };
        // A failed assertion of the builder, too, comes out so.
        assert_ne!(body["error"], "internal error");
    }

    /// Metadata with a relationship that leads nowhere.
    async fn break_something(&self, dice: &mut Dice) -> (u16, Value) {
        let mut metadata = self.export().await;
        let tables = metadata["sources"][0]["tables"].as_array_mut().unwrap();
        if !tables.is_empty() {
            let place = dice.below(tables.len());
            let using = json!({"foreign_key_constraint_on": "nothing"});
            tables[place]["object_relationships"] = json!([{"name": "lost", "using": using}]);
        }
        let args = json!({"allow_inconsistent_metadata": true, "metadata": metadata});
        let body = json!({"type": "replace_metadata", "version": 2, "args": args});
        self.post(Endpoint::Metadata, &Session::admin(), body).await
    }

    /// All that can be seen of the schema.
    async fn seen(&self, handle: &graphql::Handle) -> Vec<String> {
        let inconsistent = json!({"type": "get_inconsistent_metadata", "args": {}}).to_string();
        let inconsistent = answer(handle, &Session::admin(), Endpoint::Metadata, inconsistent.as_bytes()).await;
        let mut seen = vec![handle.schema_sdl(), String::from_utf8_lossy(&inconsistent.body).into_owned()];
        for role in ["admin", "reader", "writer", "both", "all"] {
            let session = Session::role(role).with("x-hasura-user-id", "1").with("x-hasura-name", "Ada");
            let fields = "{ __schema { types { name fields { name } inputFields { name } } } }";
            for query in QUERIES.into_iter().chain([fields]) {
                seen.push(format!("{role} {query} {}", {
                    match handle.execute(&session, &Request::new(query)).await {
                        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
                        Err(failure) => format!("{failure:?}"),
                    }
                }));
            }
        }
        seen
    }
}

#[tokio::test]
async fn a_schema_that_follows_is_the_one_from_nothing() {
    // Then the builder compares the two itself, whole, at every step.
    const { assert!(cfg!(debug_assertions)) };
    for (auto_track, seed) in [(false, 1), (false, 2), (true, 3)] {
        let shop = database_with(SQL, |options| options.auto_track = auto_track).await;
        let options = graphql::Options::new(postgres::Pool::new(shop.database.config(), 2));
        let other = graphql::Service::start(options).await.unwrap();
        let mut dice = Dice(seed);
        for step in 0..60 {
            shop.anything(&mut dice).await;
            if step % 10 == 9 {
                other.reload().await.unwrap();
                let (followed, fresh) = (shop.seen(&shop.handle).await, shop.seen(&other).await);
                for (followed, fresh) in followed.iter().zip(&fresh) {
                    assert_eq!(followed, fresh, "seed {seed}, step {step}");
                }
            }
        }
    }
}
