//! Catalog and metadata to model.

use std::collections::HashMap;
use std::sync::Arc;

use metadata::{Metadata, NamingConvention, QualifiedName, SourceCustomization};
use postgres::Ident;
use postgres::catalog::{self, Catalog};
use serde_json::json;

use super::grant::Granter;
use super::inconsistency::{Inconsistency, SOURCE, full};
use super::naming::is_name;
use super::relationship::Resolver;
use super::scalar::cast;
use super::{
    Column, Convention, EnumTableValue, Extras, Family, Member, Model, Mutability, Naming, Relationship, RootNames,
    Scalar, ScalarId, Table, TableId, UniqueKey, auto, enumeration, root,
};

/// A table that the model is to have.
#[derive(Clone, Copy)]
pub(super) struct Tracked<'a> {
    pub id: TableId,
    pub source: &'a catalog::Table,
    /// None for a table that is tracked by itself.
    pub metadata: Option<&'a metadata::Table>,
    pub made: Made,
}

/// How much of a table is built, and not taken from the model before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Made {
    Nothing,
    Permissions,
    Everything,
}

impl Model {
    /// What there is to ask, with all that the metadata says about it. What does not fit is left out and told in
    /// [`Model::inconsistencies`]; names that several objects want in [`Model::conflicts`].
    pub fn build(catalog: &Catalog, metadata: &Metadata, extras: &Extras) -> Self {
        let mut builder = Builder::new(catalog, metadata, extras);
        let tables = metadata.source(SOURCE).map_or(&[][..], |source| &source.tables);
        let tracked = builder.add_tables(tables, extras);
        builder.model.stages.columns = builder.model.scalars.len();
        builder.add_parts(&tracked, metadata);
        builder.finish(&tracked, metadata, extras)
    }

    /// The model of everything in `schemas`, without metadata.
    pub fn new(catalog: &Catalog, schemas: &[String], stringify_numeric: bool) -> Self {
        let auto = super::AutoTrack { schemas: schemas.to_vec(), ..super::AutoTrack::default() };
        let extras = Extras { auto: Some(auto), stringify_numeric, ..Extras::default() };
        Self::build(catalog, &Metadata::empty(), &extras)
    }

    fn grant(&mut self, tracked: &[Tracked<'_>]) {
        let mut filters = HashMap::new();
        for found in tracked {
            if found.made < Made::Permissions {
                self.roles.extend(self.tables[found.id].permissions.keys().cloned());
                continue;
            }
            let Some(metadata) = found.metadata else { continue };
            filters.clear();
            let mut granter = Granter {
                model: self,
                table: found.id,
                name: &metadata.table,
                found: HashMap::new(),
                inconsistencies: Vec::new(),
                filters: std::mem::take(&mut filters),
            };
            granter.all(metadata);
            let Granter { found: permissions, inconsistencies, filters: kept, .. } = granter;
            filters = kept;
            self.roles.extend(permissions.keys().cloned());
            let table = Arc::make_mut(&mut self.tables[found.id]);
            table.permissions = permissions;
            table.flawed |= !inconsistencies.is_empty();
            self.inconsistencies.extend(inconsistencies);
        }
        let callers: Vec<_> = self.functions.iter().flat_map(|function| function.permissions.iter().cloned()).collect();
        self.roles.extend(callers);
    }
}

fn naming(customization: Option<&SourceCustomization>, default: Convention) -> Naming {
    let Some(found) = customization else { return Naming { convention: default, ..Naming::default() } };
    let convention = match found.naming_convention {
        Some(NamingConvention::HasuraDefault) => Convention::HasuraDefault,
        Some(NamingConvention::GraphqlDefault) => Convention::GraphqlDefault,
        None => default,
    };
    let roots = found.root_fields.clone().unwrap_or_default();
    let types = found.type_names.clone().unwrap_or_default();
    Naming {
        convention,
        type_prefix: types.prefix.unwrap_or_default(),
        type_suffix: types.suffix.unwrap_or_default(),
        root_prefix: roots.prefix.unwrap_or_default(),
        root_suffix: roots.suffix.unwrap_or_default(),
        namespace: roots.namespace.filter(|name| is_name(name)),
    }
}

/// A model in the making.
pub(super) struct Builder<'a> {
    pub catalog: &'a Catalog,
    pub model: Model,
}

impl<'a> Builder<'a> {
    /// A model without tables.
    pub fn new(catalog: &'a Catalog, metadata: &Metadata, extras: &Extras) -> Self {
        let customization = metadata.source(SOURCE).map(|source| &source.customization);
        let model = Model {
            naming: naming(customization, extras.naming_convention),
            stringify_numeric: extras.stringify_numeric,
            infer_function_permissions: extras.infer_function_permissions,
            hidden_from: metadata.graphql_schema_introspection.disabled_for_roles.iter().cloned().collect(),
            ..Model::default()
        };
        Self { catalog, model }
    }

    /// What tables have beside their columns, and functions.
    pub fn add_parts(&mut self, tracked: &[Tracked<'_>], metadata: &Metadata) {
        self.refer_to_enums(tracked);
        self.add_relationships(tracked);
        for found in made(tracked) {
            if let Some(metadata) = found.metadata {
                self.add_computed(found.id, &metadata.computed_fields, &metadata.table);
            }
        }
        self.add_functions(metadata.source(SOURCE).map_or(&[], |source| &source.functions));
        self.model.stages.database = self.model.scalars.len();
        for found in made(tracked) {
            self.add_members(found.id);
        }
    }

    /// What needs all tables and functions: permissions, root fields, and what is not the database's.
    pub fn finish(self, tracked: &[Tracked<'_>], metadata: &Metadata, extras: &Extras) -> Model {
        let mut model = self.model;
        model.grant(tracked);
        let granted = tracked.iter().filter(|found| found.made >= Made::Permissions).map(|found| found.id);
        model.inherit(metadata, &granted.collect::<Vec<_>>());
        model.add_roots();
        model.add_foreign(metadata, &extras.introspections, extras.remote_schema_permissions);
        model
    }

    /// Tables that the metadata names, then those that are tracked by themselves.
    fn add_tables(&mut self, tables: &'a [Arc<metadata::Table>], extras: &Extras) -> Vec<Tracked<'a>> {
        let mut tracked = Vec::new();
        let catalog = self.catalog;
        for metadata in tables {
            let name = &metadata.table;
            let added = match catalog.table(&name.schema, &name.name) {
                None => Err(format!("no such table/view exists in source: \"{name}\"")),
                Some(source) => self.add_table(source, Some(metadata), extras).map(|id| (id, source)),
            };
            match added {
                Ok((id, source)) => {
                    tracked.push(Tracked { id, source, metadata: Some(metadata), made: Made::Everything });
                }
                Err(reason) => self.model.inconsistencies.push(Inconsistency::of_table(name, reason)),
            }
        }
        let Some(auto) = &extras.auto else { return tracked };
        let mentioned: std::collections::HashSet<&QualifiedName> = tables.iter().map(|table| &table.table).collect();
        for source in &catalog.tables {
            let name = QualifiedName::new(&source.schema, &source.name);
            let wanted = auto.schemas.contains(&source.schema)
                && source.partition_of.is_none()
                && source.extension.is_none()
                && !auto.hidden.contains(&name)
                && !mentioned.contains(&name);
            if !wanted {
                continue;
            }
            match self.add_table(source, None, extras) {
                Ok(id) => tracked.push(Tracked { id, source, metadata: None, made: Made::Everything }),
                Err(reason) => {
                    tracing::info!(schema = source.schema, table = source.name, reason, "left out of GraphQL")
                }
            }
        }
        tracked
    }

    /// A table's or function's name in GraphQL, unless the metadata gives another.
    pub(super) fn default_name(&self, name: &QualifiedName) -> String {
        match name.schema.as_str() {
            "public" => name.name.clone(),
            schema => format!("{schema}_{}", name.name),
        }
    }

    /// # Errors
    /// Why it cannot be served.
    pub fn add_table(
        &mut self,
        source: &catalog::Table,
        metadata: Option<&metadata::Table>,
        extras: &Extras,
    ) -> Result<TableId, String> {
        let name = QualifiedName::new(&source.schema, &source.name);
        if self.model.tables_by_relation.contains_key(&name) {
            return Err("multiple declarations exist for the table".to_owned());
        }
        let renamed;
        let metadata = match metadata {
            None if self.is_taken(&self.default_name(&name)) => {
                renamed = self.renamed(&name)?;
                Some(&renamed)
            }
            given => given,
        };
        let table = self.table(source, metadata, extras)?;
        let id = self.model.tables.len();
        self.model.tables_by_name.entry(table.name.clone()).or_insert(id);
        self.model.tables_by_relation.insert(name, id);
        self.model.tables.push(Arc::new(table));
        Ok(id)
    }

    /// Whether another table is called so, or has the root field that a table of this name would have.
    fn is_taken(&self, name: &str) -> bool {
        let base = self.model.naming.type_base(name, false);
        let mut given = self.model.tables.iter().filter(|table| table.given).map(|table| &table.root_names);
        self.model.tables_by_name.contains_key(&base)
            || given.any(|names| names.select == name || names.select_by_pk == name)
    }

    /// A table that is tracked by itself gives way to one that the metadata has given its name. It is called as tables
    /// outside `public` are.
    ///
    /// # Errors
    /// That name is taken too.
    fn renamed(&self, name: &QualifiedName) -> Result<metadata::Table, String> {
        let other = format!("{}_{}", name.schema, name.name);
        if self.is_taken(&other) {
            return Err(format!("other tables are called {} and {other}", self.default_name(name)));
        }
        let mut table = metadata::Table::new(name.clone());
        table.configuration.custom_name = Some(other);
        Ok(table)
    }

    /// A table with its columns.
    ///
    /// # Errors
    /// Why it cannot be served.
    pub fn table(
        &mut self,
        source: &catalog::Table,
        metadata: Option<&metadata::Table>,
        extras: &Extras,
    ) -> Result<Table, String> {
        let name = QualifiedName::new(&source.schema, &source.name);
        let no_config = metadata::TableConfig::default();
        let config = metadata.map_or(&no_config, |metadata| &metadata.configuration);
        let plain = config.custom_name.clone().unwrap_or_else(|| self.default_name(&name));
        if !is_name(&plain) {
            return Err(format!(
                "cannot include \"{plain}\" in the GraphQL schema because it is not a valid GraphQL identifier"
            ));
        }
        let given = config.custom_name.is_some();
        let base = self.model.naming.type_base(&plain, given);
        let enum_values = match metadata.filter(|metadata| metadata.is_enum) {
            None => None,
            Some(_) => {
                let values = extras.enums.get(&name).cloned().unwrap_or_default();
                if let Some(objection) = enumeration::objection(&name, source, &values) {
                    return Err(objection);
                }
                Some(values)
            }
        };
        let columns: Vec<Column> = source.columns.iter().map(|column| self.column(column, config)).collect();
        let unique_keys = unique_keys(source, &columns);
        let primary_key = unique_keys.iter().find(|key| key.is_primary).map(|key| key.columns.clone());
        let primary_key = primary_key.filter(|key| key.iter().all(|&column| columns[column].visible));
        Ok(Table {
            schema_name: source.schema.clone(),
            table_name: source.name.clone(),
            relation: format!("{}.{}", Ident::new(&source.schema), Ident::new(&source.name)),
            comment: comment(config.comment.as_ref(), source.comment.as_ref()),
            primary_key: primary_key.unwrap_or_default(),
            unique_keys,
            columns,
            mutability: Mutability {
                insertable: source.is_insertable(),
                updatable: source.is_updatable(),
                deletable: source.is_deletable(),
            },
            enum_values,
            root_names: RootNames::new(&self.model.naming, &plain, given, &config.custom_root_fields),
            root_comments: root::comments(&config.custom_root_fields),
            name: base,
            given,
            ..Table::default()
        })
    }

    fn column(&mut self, source: &catalog::Column, config: &metadata::TableConfig) -> Column {
        let typed = self.base_type(&source.r#type);
        let scalar = self.scalar(&typed);
        let config = config.column_config.get(&source.name);
        let custom = config.and_then(|config| config.custom_name.clone());
        let name = custom.unwrap_or_else(|| self.model.naming.member(&source.name));
        Column {
            visible: is_name(&name) && scalar.is_some(),
            name,
            sql_name: source.name.clone(),
            ident: Ident::new(&source.name).to_string(),
            comment: comment(config.and_then(|config| config.comment.as_ref()), source.comment.as_ref()),
            // PostgreSQL promises nothing about a view's columns.
            not_null: source.not_null,
            has_default: source.has_default(),
            generated: source.generated.is_some(),
            identity: source.identity.map(|identity| identity == catalog::Identity::Always),
            scalar: scalar.unwrap_or_else(|| self.unnamed(&typed)),
            cast: cast(&typed),
            enum_of: None,
        }
    }

    /// Columns whose foreign key leads to an enum table hold its values.
    fn refer_to_enums(&mut self, tracked: &[Tracked<'_>]) {
        if self.model.tables.iter().all(|table| table.enum_values.is_none()) {
            return;
        }
        for &Tracked { id, source, .. } in made(tracked) {
            for key in &source.foreign_keys {
                let [column] = key.columns.as_slice() else { continue };
                let references = QualifiedName::new(&key.references.schema, &key.references.name);
                let target = self.model.tables_by_relation.get(&references).copied();
                let target = target.filter(|&target| self.model.tables[target].enum_values.is_some());
                let position = self.model.tables[id].column_of_sql(column);
                if let (Some(target), Some(position)) = (target, position) {
                    let scalar = self.enum_scalar(target);
                    let column = &mut Arc::make_mut(&mut self.model.tables[id]).columns[position];
                    (column.enum_of, column.scalar) = (Some(target), scalar);
                }
            }
        }
    }

    fn enum_scalar(&mut self, id: TableId) -> ScalarId {
        let table = &self.model.tables[id];
        let name = self.model.naming.derived(&table.name, "enum");
        let named = |found: &EnumTableValue| EnumTableValue {
            name: self.model.naming.value(&found.value).into_owned(),
            ..found.clone()
        };
        let values = table.enum_values.as_ref().map(|values| values.iter().map(named).collect());
        self.intern(Scalar { name, family: Family::EnumTable, item: None, comment: None, values })
    }

    fn add_relationships(&mut self, tracked: &[Tracked<'_>]) {
        let positions: HashMap<(&str, &str), TableId> =
            tracked.iter().map(|found| ((&*found.source.schema, &*found.source.name), found.id)).collect();
        for found in made(tracked) {
            let relationships = match found.metadata {
                None => auto::of_table(&self.model, self.catalog, found.source, &positions),
                Some(metadata) => self.named_relationships(*found, metadata),
            };
            Arc::make_mut(&mut self.model.tables[found.id]).relationships = relationships;
        }
    }

    fn named_relationships(&mut self, found: Tracked<'_>, metadata: &metadata::Table) -> Vec<Relationship> {
        let resolver = Resolver { catalog: self.catalog, model: &self.model, table: found.source, id: found.id };
        let objects = metadata.object_relationships.iter().map(|found| {
            let definition = (&found.name, json!(found.using), &found.comment);
            ("object_relation", definition, resolver.object(found))
        });
        let arrays = metadata.array_relationships.iter().map(|found| {
            let definition = (&found.name, json!(found.using), &found.comment);
            ("array_relation", definition, resolver.array(found))
        });
        let mut relationships: Vec<Relationship> = Vec::new();
        let mut problems = Vec::new();
        for (kind, (name, using, comment), resolved) in objects.chain(arrays) {
            let resolved = resolved.and_then(|resolved| match relationships.iter().any(|other| other.name == *name) {
                true => Err(format!("conflicting definitions for field \"{name}\"")),
                false => free_of_columns(&self.model.tables[found.id], resolved),
            });
            match resolved {
                Ok(resolved) => relationships.push(resolved),
                Err(reason) => {
                    let definition = json!({
                        "using": using, "name": name, "source": SOURCE, "comment": comment,
                        "table": full(&metadata.table),
                    });
                    problems.push(Inconsistency::on_table(kind, name, &metadata.table, reason, definition));
                }
            }
        }
        Arc::make_mut(&mut self.model.tables[found.id]).flawed |= !problems.is_empty();
        self.model.inconsistencies.extend(problems);
        relationships
    }

    /// The fields of a table's type: columns, relationships, computed fields. What comes first keeps a name.
    fn add_members(&mut self, id: TableId) {
        let naming = &self.model.naming;
        let table = Arc::make_mut(&mut self.model.tables[id]);
        let mut members = HashMap::with_capacity(table.columns.len() + 2 * table.relationships.len());
        for (index, column) in table.columns.iter().enumerate().filter(|(_, column)| column.visible) {
            members.entry(column.name.clone()).or_insert(Member::Column(index));
        }
        for (index, relationship) in table.relationships.iter().enumerate() {
            members.entry(relationship.name.clone()).or_insert(Member::Relationship(index));
        }
        for (index, computed) in table.computed.iter().enumerate() {
            members.entry(computed.name.clone()).or_insert(Member::Computed(index));
        }
        for (index, relationship) in table.relationships.iter().enumerate().filter(|(_, found)| !found.single) {
            let name = naming.derived(&relationship.name, "aggregate");
            members.entry(name).or_insert(Member::Aggregate(index));
        }
        table.members = members;
    }
}

/// Those that are built anew.
fn made<'t, 'a>(tracked: &'t [Tracked<'a>]) -> impl Iterator<Item = &'t Tracked<'a>> {
    tracked.iter().filter(|found| found.made == Made::Everything)
}

/// The primary key and the UNIQUE constraints.
fn unique_keys(source: &catalog::Table, columns: &[Column]) -> Vec<UniqueKey> {
    let position = |name: &String| columns.iter().position(|column| column.sql_name == *name);
    let keys = source.primary_key.iter().map(|key| (key, true));
    keys.chain(source.unique_keys.iter().map(|key| (key, false)))
        .filter_map(|(key, is_primary)| {
            let columns = key.columns.iter().map(position).collect::<Option<_>>()?;
            Some(UniqueKey { name: key.name.clone(), columns, is_primary })
        })
        .collect()
}

/// The metadata's comment before the database's; an empty one stands for none.
fn comment(given: Option<&String>, own: Option<&String>) -> Option<String> {
    given.or(own).filter(|text| !text.is_empty()).cloned()
}

/// # Errors
/// A column has the relationship's name.
fn free_of_columns(table: &Table, relationship: Relationship) -> Result<Relationship, String> {
    let name = &relationship.name;
    if table.columns.iter().any(|column| column.sql_name == *name) {
        return Err("field definition conflicts with postgres column".to_owned());
    }
    let aggregate = (!relationship.single).then(|| format!("{name}_aggregate"));
    let clash = |column: &&Column| column.name == *name || Some(&column.name) == aggregate.as_ref();
    match table.columns.iter().find(clash) {
        Some(column) => {
            let column = &column.sql_name;
            Err(format!("field definition conflicts with custom field name for postgres column \"{column}\""))
        }
        None => Ok(relationship),
    }
}
