//! Catalog to model.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use postgres::Ident;
use postgres::catalog::{self, Catalog, TypeDefinition, TypeKind};

use super::relationship;
use super::{Column, Family, Member, Model, Mutability, Root, RootNames, Scalar, ScalarId, Table, TableId, UniqueKey};

impl Model {
    /// The model of the tables, views and foreign tables in `schemas`. Partitions are reached through their parent;
    /// what belongs to an extension, or has a name GraphQL cannot spell, is left out.
    pub fn new(catalog: &Catalog, schemas: &[String], stringify_numeric: bool) -> Self {
        let mut builder = Builder { catalog, model: Self { stringify_numeric, ..Self::default() } };
        let sources: Vec<&catalog::Table> = catalog
            .tables
            .iter()
            .filter(|table| schemas.contains(&table.schema))
            .filter(|table| table.partition_of.is_none() && table.extension.is_none())
            .filter(|table| builder.add_table(table))
            .collect();
        let positions: HashMap<(&str, &str), TableId> =
            sources.iter().enumerate().map(|(id, table)| ((&*table.schema, &*table.name), id)).collect();
        let mut model = builder.model;
        for (id, source) in sources.iter().enumerate() {
            let found = relationship::of_table(&model, catalog, source, &positions);
            model.add_relationships(id, found);
        }
        model.add_roots();
        model
    }

    fn add_relationships(&mut self, table: TableId, relationships: Vec<super::Relationship>) {
        let table = &mut self.tables[table];
        for (index, relationship) in relationships.iter().enumerate() {
            table.members.insert(relationship.name.clone(), Member::Relationship(index));
        }
        for (index, relationship) in relationships.iter().enumerate().filter(|(_, found)| !found.single) {
            let name = format!("{}_aggregate", relationship.name);
            table.members.entry(name).or_insert(Member::Aggregate(index));
        }
        table.relationships = relationships;
    }

    fn add_roots(&mut self) {
        // A table's own name wins over a name made from another's.
        for (id, table) in self.tables.iter().enumerate() {
            self.queries.insert(table.name.clone(), Root::Rows(id));
        }
        for (id, table) in self.tables.iter().enumerate() {
            let mut made = vec![(format!("{}_aggregate", table.name), Root::Aggregate(id))];
            if !table.primary_key.is_empty() {
                made.push((format!("{}_by_pk", table.name), Root::ByPrimaryKey(id)));
            }
            for (name, root) in made {
                match self.queries.entry(name) {
                    Entry::Vacant(free) => {
                        free.insert(root);
                    }
                    Entry::Occupied(taken) => {
                        tracing::info!(
                            field = taken.key(),
                            "a table has this name, so the field made from another is left out"
                        );
                    }
                }
            }
        }
        self.subscriptions = self.queries.clone();
    }
}

/// True for what GraphQL's grammar accepts as a name and leaves to users.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with("__")
}

impl RootNames {
    /// In Hasura's own naming convention.
    pub(super) fn of(name: &str) -> Self {
        Self {
            select: name.to_owned(),
            select_by_pk: format!("{name}_by_pk"),
            select_aggregate: format!("{name}_aggregate"),
            select_stream: format!("{name}_stream"),
            insert: format!("insert_{name}"),
            insert_one: format!("insert_{name}_one"),
            update: format!("update_{name}"),
            update_by_pk: format!("update_{name}_by_pk"),
            update_many: format!("update_{name}_many"),
            delete: format!("delete_{name}"),
            delete_by_pk: format!("delete_{name}_by_pk"),
        }
    }
}

struct Builder<'a> {
    catalog: &'a Catalog,
    model: Model,
}

impl Builder<'_> {
    /// False when the table is left out.
    fn add_table(&mut self, source: &catalog::Table) -> bool {
        let name = match source.schema.as_str() {
            "public" => source.name.clone(),
            schema => format!("{schema}_{}", source.name),
        };
        if !is_name(&name) || self.model.tables_by_name.contains_key(&name) {
            tracing::info!(schema = source.schema, table = source.name, "left out of GraphQL: its name cannot be used");
            return false;
        }
        let columns: Vec<Column> = source.columns.iter().map(|column| self.column(source, column)).collect();
        let position = |name: &String| columns.iter().position(|column| column.sql_name == *name);
        let keys = source.primary_key.iter().map(|key| (key, true));
        let keys = keys.chain(source.unique_keys.iter().map(|key| (key, false)));
        let unique_keys: Vec<UniqueKey> = keys
            .filter_map(|(key, is_primary)| {
                let columns = key.columns.iter().map(position).collect::<Option<_>>()?;
                Some(UniqueKey { name: key.name.clone(), columns, is_primary })
            })
            .collect();
        let primary_key = unique_keys.iter().find(|key| key.is_primary).map(|key| key.columns.clone());
        let primary_key = primary_key.filter(|key| key.iter().all(|&column| columns[column].visible));
        let members = columns.iter().enumerate().filter(|(_, column)| column.visible);
        let id = self.model.tables.len();
        self.model.tables_by_name.insert(name.clone(), id);
        self.model.tables_by_relation.insert((source.schema.clone(), source.name.clone()), id);
        self.model.tables.push(Table {
            schema_name: source.schema.clone(),
            table_name: source.name.clone(),
            relation: format!("{}.{}", Ident::new(&source.schema), Ident::new(&source.name)),
            comment: source.comment.clone(),
            primary_key: primary_key.unwrap_or_default(),
            unique_keys,
            members: members.map(|(at, found)| (found.name.clone(), Member::Column(at))).collect(),
            columns,
            mutability: Mutability {
                insertable: source.is_insertable(),
                updatable: source.is_updatable(),
                deletable: source.is_deletable(),
            },
            root_names: RootNames::of(&name),
            name,
            ..Table::default()
        });
        true
    }

    fn column(&mut self, table: &catalog::Table, source: &catalog::Column) -> Column {
        let typed = self.base_type(&source.r#type);
        let scalar = self.scalar(&typed);
        let visible = is_name(&source.name) && scalar.is_some();
        if !visible {
            let (schema, table, column) = (&table.schema, &table.name, &source.name);
            tracing::info!(schema, table, column, "left out of GraphQL: its name or its type's name cannot be used");
        }
        Column {
            name: source.name.clone(),
            sql_name: source.name.clone(),
            ident: Ident::new(&source.name).to_string(),
            comment: source.comment.clone(),
            // PostgreSQL promises nothing about a view's columns.
            not_null: source.not_null,
            has_default: source.has_default(),
            generated: source.generated.is_some(),
            identity: source.identity.map(|identity| identity == catalog::Identity::Always),
            scalar: scalar.unwrap_or_else(|| self.unnamed(&typed)),
            cast: cast(&typed),
            enum_of: None,
            visible,
        }
    }

    /// The scalar of a type whose name GraphQL cannot spell; only expressions of permissions meet it.
    fn unnamed(&mut self, typed: &catalog::TypeRef) -> ScalarId {
        let name = format!("{}.{}", typed.schema, typed.name);
        self.intern(Scalar { name, family: Family::Other, item: None, comment: None })
    }

    /// A domain's base type, since GraphQL clients care about the values; any other type itself.
    fn base_type(&self, found: &catalog::TypeRef) -> catalog::TypeRef {
        let mut current = found.clone();
        // Domains over domains end; the bound guards against a catalog that says otherwise.
        for _ in 0..32 {
            if current.kind != TypeKind::Domain {
                break;
            }
            match self.catalog.type_named(&current.schema, &current.name).map(|found| &found.definition) {
                Some(TypeDefinition::Domain { base, .. }) => current = base.clone(),
                _ => break,
            }
        }
        current
    }

    fn scalar(&mut self, typed: &catalog::TypeRef) -> Option<ScalarId> {
        if let Some(element) = &typed.element {
            let element = self.base_type(element);
            let item = self.scalar(&element)?;
            let name = format!("{}_array", self.model.scalars[item].name);
            return Some(self.intern(Scalar { name, family: Family::Array, item: Some(item), comment: None }));
        }
        let comment = || {
            let found = self.catalog.type_named(&typed.schema, &typed.name);
            found.filter(|found| found.extension.is_none()).and_then(|found| found.comment.clone())
        };
        let scalar = match Family::of(&typed.name) {
            Some((family, name)) if typed.kind == TypeKind::Base => {
                Scalar { name: name.to_owned(), family, item: None, comment: None }
            }
            _ => {
                let family = if typed.kind == TypeKind::Enum { Family::Enum } else { Family::Other };
                let name = self.free_name(typed)?;
                Scalar { name, family, item: None, comment: comment() }
            }
        };
        for name in scalar.family.siblings() {
            let family = Family::of(name).map_or(Family::Other, |(family, _)| family);
            self.intern(Scalar { name: (*name).to_owned(), family, item: None, comment: None });
        }
        Some(self.intern(scalar))
    }

    /// The type's own name unless GraphQL or another type has it already.
    fn free_name(&self, typed: &catalog::TypeRef) -> Option<String> {
        let built_in = super::BUILT_IN.contains(&typed.name.as_str()) || Family::of(&typed.name).is_some();
        let same_name = self
            .catalog
            .types
            .iter()
            .any(|other| other.name == typed.name && other.schema < typed.schema && typed.schema != "public");
        let name = if built_in || same_name { format!("{}_{}", typed.schema, typed.name) } else { typed.name.clone() };
        is_name(&name).then_some(name)
    }

    fn intern(&mut self, scalar: Scalar) -> ScalarId {
        if let Some(&found) = self.model.scalars_by_name.get(&scalar.name) {
            return found;
        }
        let id = self.model.scalars.len();
        self.model.scalars_by_name.insert(scalar.name.clone(), id);
        self.model.scalars.push(scalar);
        id
    }
}

/// A type's name for a cast. Without its modifier: a comparison with `'abcd'::varchar(3)` would cut the value.
fn cast(typed: &catalog::TypeRef) -> String {
    if let Some(element) = &typed.element {
        return format!("{}[]", cast(element));
    }
    match typed.schema.as_str() {
        "pg_catalog" => Ident::new(&typed.name).to_string(),
        schema => format!("{}.{}", Ident::new(schema), Ident::new(&typed.name)),
    }
}
