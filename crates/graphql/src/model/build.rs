//! Catalog and metadata to model.

use std::collections::HashMap;

use metadata::{Metadata, NamingConvention, QualifiedName, SourceCustomization};
use postgres::Ident;
use postgres::catalog::{self, Catalog, TypeDefinition, TypeKind};
use serde_json::json;

use super::grant::Granter;
use super::inconsistency::{Inconsistency, SOURCE, full};
use super::naming::is_name;
use super::relationship::Resolver;
use super::{
    Column, Convention, EnumTableValue, Extras, Family, Member, Model, Mutability, Naming, Relationship, RootNames,
    Scalar, ScalarId, Table, TableId, UniqueKey, auto, enumeration, root,
};

/// A table that the model is to have.
#[derive(Clone, Copy)]
struct Tracked<'a> {
    id: TableId,
    source: &'a catalog::Table,
    /// None for a table that is tracked by itself.
    metadata: Option<&'a metadata::Table>,
}

impl Model {
    /// What there is to ask, with all that the metadata says about it. What does not fit is left out and told in
    /// [`Model::inconsistencies`]; names that several objects want in [`Model::conflicts`].
    pub fn build(catalog: &Catalog, metadata: &Metadata, extras: &Extras) -> Self {
        let source = metadata.source(SOURCE);
        let model = Self {
            naming: naming(source.map(|source| &source.customization), extras.naming_convention),
            stringify_numeric: extras.stringify_numeric,
            infer_function_permissions: extras.infer_function_permissions,
            hidden_from: metadata.graphql_schema_introspection.disabled_for_roles.iter().cloned().collect(),
            ..Self::default()
        };
        let mut builder = Builder { catalog, model };
        let tables = source.map_or(&[][..], |source| &source.tables);
        let tracked = builder.add_tables(tables, extras);
        builder.refer_to_enums();
        builder.add_relationships(&tracked);
        for found in &tracked {
            if let Some(metadata) = found.metadata {
                builder.add_computed(found.id, &metadata.computed_fields, &metadata.table);
            }
        }
        builder.add_functions(source.map_or(&[], |source| &source.functions));
        for found in &tracked {
            builder.add_members(*found);
        }
        let mut model = builder.model;
        model.grant(&tracked);
        model.inherit(metadata);
        model.add_roots();
        model.add_foreign(metadata, &extras.introspections, extras.remote_schema_permissions);
        model
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
            self.tables[found.id].permissions = permissions;
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
    /// Tables that the metadata names, then those that are tracked by themselves.
    fn add_tables(&mut self, tables: &'a [metadata::Table], extras: &Extras) -> Vec<Tracked<'a>> {
        let mut tracked = Vec::new();
        let catalog = self.catalog;
        for metadata in tables {
            let name = &metadata.table;
            let added = match catalog.table(&name.schema, &name.name) {
                None => Err(format!("no such table/view exists in source: \"{name}\"")),
                Some(source) => self.add_table(source, Some(metadata), extras).map(|id| (id, source)),
            };
            match added {
                Ok((id, source)) => tracked.push(Tracked { id, source, metadata: Some(metadata) }),
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
                Ok(id) => tracked.push(Tracked { id, source, metadata: None }),
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
    fn add_table(
        &mut self,
        source: &catalog::Table,
        metadata: Option<&metadata::Table>,
        extras: &Extras,
    ) -> Result<TableId, String> {
        let name = QualifiedName::new(&source.schema, &source.name);
        if self.model.tables_by_relation.contains_key(&name) {
            return Err("multiple declarations exist for the table".to_owned());
        }
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
        if self.model.tables_by_name.contains_key(&base) && metadata.is_none() {
            return Err(format!("another table is called {base}"));
        }
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
        let id = self.model.tables.len();
        self.model.tables_by_name.entry(base.clone()).or_insert(id);
        self.model.tables_by_relation.insert(name, id);
        self.model.tables.push(Table {
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
        });
        Ok(id)
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
    fn refer_to_enums(&mut self) {
        if self.model.tables.iter().all(|table| table.enum_values.is_none()) {
            return;
        }
        for id in 0..self.model.tables.len() {
            let table = &self.model.tables[id];
            let Some(source) = self.catalog.table(&table.schema_name, &table.table_name) else { continue };
            for key in &source.foreign_keys {
                let [column] = key.columns.as_slice() else { continue };
                let references = QualifiedName::new(&key.references.schema, &key.references.name);
                let target = self.model.tables_by_relation.get(&references).copied();
                let target = target.filter(|&target| self.model.tables[target].enum_values.is_some());
                let position = self.model.tables[id].column_of_sql(column);
                if let (Some(target), Some(position)) = (target, position) {
                    let scalar = self.enum_scalar(target);
                    let column = &mut self.model.tables[id].columns[position];
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
        for found in tracked {
            let relationships = match found.metadata {
                None => auto::of_table(&self.model, self.catalog, found.source, &positions),
                Some(metadata) => self.named_relationships(*found, metadata),
            };
            self.model.tables[found.id].relationships = relationships;
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
        self.model.inconsistencies.extend(problems);
        relationships
    }

    /// The fields of a table's type: columns, relationships, computed fields. What comes first keeps a name.
    fn add_members(&mut self, found: Tracked<'_>) {
        let naming = self.model.naming.clone();
        let table = &mut self.model.tables[found.id];
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

    /// The scalar of a type whose name GraphQL cannot spell; only expressions of permissions meet it.
    pub(super) fn unnamed(&mut self, typed: &catalog::TypeRef) -> ScalarId {
        let name = format!("{}.{}", typed.schema, typed.name);
        self.intern(Scalar { name, family: Family::Other, item: None, comment: None, values: None })
    }

    /// A domain's base type, since GraphQL clients care about the values; any other type itself.
    pub(super) fn base_type(&self, found: &catalog::TypeRef) -> catalog::TypeRef {
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

    pub(super) fn scalar(&mut self, typed: &catalog::TypeRef) -> Option<ScalarId> {
        if let Some(element) = &typed.element {
            let element = self.base_type(element);
            let item = self.scalar(&element)?;
            let name = format!("{}_array", self.model.scalars[item].name);
            return Some(self.intern(Scalar {
                name,
                family: Family::Array,
                item: Some(item),
                comment: None,
                values: None,
            }));
        }
        let comment = || {
            let found = self.catalog.type_named(&typed.schema, &typed.name);
            found.filter(|found| found.extension.is_none()).and_then(|found| found.comment.clone())
        };
        let scalar = match Family::of(&typed.name) {
            Some((family, name)) if typed.kind == TypeKind::Base => {
                Scalar { name: name.to_owned(), family, item: None, comment: None, values: None }
            }
            _ => {
                let family = if typed.kind == TypeKind::Enum { Family::Enum } else { Family::Other };
                let name = self.free_name(typed)?;
                Scalar { name, family, item: None, comment: comment(), values: None }
            }
        };
        for name in scalar.family.siblings() {
            let family = Family::of(name).map_or(Family::Other, |(family, _)| family);
            self.intern(Scalar { name: (*name).to_owned(), family, item: None, comment: None, values: None });
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
pub(super) fn cast(typed: &catalog::TypeRef) -> String {
    if let Some(element) = &typed.element {
        return format!("{}[]", cast(element));
    }
    match typed.schema.as_str() {
        "pg_catalog" => Ident::new(&typed.name).to_string(),
        schema => format!("{}.{}", Ident::new(schema), Ident::new(&typed.name)),
    }
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
