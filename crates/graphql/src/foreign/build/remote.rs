//! Remote schemas: the services' types under the names clients use, for each role.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use metadata::{RemoteSchema, RemoteSchemaDefinition};

use crate::foreign::customization::Customization;
use crate::foreign::document::{self, Document};
use crate::foreign::permission;
use crate::foreign::registry::{Body, Endpoint, Field, ForeignId, Remote, RemoteId, RemoteRoot, Url, View};
use crate::model::{Operation, Root};
use crate::schema::{TypeId, TypeRef};

use super::{Builder, Introspections, inputs, typed};

/// Hasura's default.
const TIMEOUT: Duration = Duration::from_secs(60);

const OPERATIONS: [Operation; 3] = [Operation::Query, Operation::Mutation, Operation::Subscription];

impl Endpoint {
    /// # Errors
    /// It has no URL, or two.
    pub fn new(definition: &RemoteSchemaDefinition) -> Result<Self, String> {
        let url = match (&definition.url, &definition.url_from_env) {
            (Some(url), None) => Url::Text(url.clone()),
            (None, Some(name)) => Url::FromEnv(name.clone()),
            (None, None) => return Err("both `url` and `url_from_env` can't be empty".to_owned()),
            (Some(_), Some(_)) => return Err("both `url` and `url_from_env` can't be present".to_owned()),
        };
        Ok(Self {
            url,
            headers: definition.headers.clone(),
            forward_client_headers: definition.forward_client_headers,
            timeout: definition.timeout_seconds.map_or(TIMEOUT, Duration::from_secs),
        })
    }
}

impl Builder<'_> {
    pub(super) fn remote_schemas(&mut self, introspections: &Introspections) {
        for schema in &self.metadata.remote_schemas {
            let document = match introspections.get(&schema.name) {
                Some(found) => found.document.clone(),
                None => Err("the schema has not been fetched".to_owned()),
            };
            let added = document.and_then(|document| self.remote_schema(schema, &document));
            if let Err(reason) = added {
                self.inconsistent("remote_schema", format!("remote_schema {}", schema.name), &reason, schema);
            }
        }
    }

    fn remote_schema(&mut self, schema: &RemoteSchema, document: &Document) -> Result<(), String> {
        let endpoint = Endpoint::new(&schema.definition)?;
        let customization = Customization::read(schema.definition.customization.as_ref())
            .map_err(|error| format!("the customization cannot be read: {error}"))?;
        let id = self.model.foreign.remotes.len();
        customization.check(document)?;
        self.check_names(document, &customization)?;
        let mut views = vec![self.view(None, document, &customization)];
        for permission in &schema.permissions {
            let sdl = permission.definition.get("schema").and_then(serde_json::Value::as_str).unwrap_or_default();
            match permission::check(sdl, document) {
                Ok(part) => views.push(self.view(Some(permission.role.as_str().into()), &part, &customization)),
                Err(reason) => {
                    let name = format!(
                        "remote_schema_permission {} permission in remote schema {}",
                        permission.role, schema.name
                    );
                    self.inconsistent("remote_schema_permission", name, &reason, permission);
                }
            }
        }
        self.inherit(&mut views, schema, document, &customization);
        self.model.foreign.remotes.push(Remote { name: schema.name.clone(), endpoint, customization, views });
        self.remote_roots(id)
    }

    /// A role that inherits gets its parents' part, when they have but one.
    fn inherit(&mut self, views: &mut Vec<View>, schema: &RemoteSchema, document: &Document, names: &Customization) {
        for inherited in &self.metadata.inherited_roles {
            let own = |role: &str| schema.permissions.iter().find(|permission| permission.role == role);
            if own(&inherited.role_name).is_some() {
                continue;
            }
            let mut parents = inherited.role_set.iter().filter_map(|parent| own(parent));
            let Some(first) = parents.next() else { continue };
            if parents.any(|other| other.definition != first.definition) {
                let name = format!(
                    "remote_schema_permission {} permission in remote schema {}",
                    inherited.role_name, schema.name
                );
                let reason = format!(
                    "Could not inherit permission for the role '{}' for the entity: 'remote schema {}'",
                    inherited.role_name, schema.name
                );
                self.inconsistent("inherited role permission inconsistency", name, &reason, first);
                continue;
            }
            let sdl = first.definition.get("schema").and_then(serde_json::Value::as_str).unwrap_or_default();
            if let Ok(part) = permission::check(sdl, document) {
                views.push(self.view(Some(inherited.role_name.as_str().into()), &part, names));
            }
        }
    }

    /// Two types of one name must not differ.
    fn check_names(&self, document: &Document, customization: &Customization) -> Result<(), String> {
        let roots = [&document.query, &document.mutation, &document.subscription];
        for (name, definition) in &document.types {
            let shown = customization.type_name(name);
            let is_root = roots.iter().any(|root| root.as_deref() == Some(name));
            let taken = self.model.tables_by_name.contains_key(&shown)
                || self.model.foreign.custom.get(&shown).is_some_and(|_| shown != "ID");
            let same = || self.same_fields(&shown, document.fields(name));
            let scalar = matches!(definition.body, document::Body::Scalar);
            let differs = || self.other_service_differs(&shown, &definition.body, customization, name);
            if !is_root && !scalar && (taken && !same() || differs()) {
                return Err(format!("Found conflicting definitions for GraphQL type '{shown}'."));
            }
        }
        Ok(())
    }

    /// Whether another service has a type of that name that is not the same.
    fn other_service_differs(
        &self,
        shown: &str,
        body: &document::Body,
        customization: &Customization,
        name: &str,
    ) -> bool {
        let mut others = self.model.foreign.remotes.iter().filter_map(|remote| remote.views.first()?.types.get(shown));
        others.any(|&other| {
            let other = &self.model.foreign.types[other];
            let names = |ids: &[ForeignId]| ids.iter().map(|&id| self.model.foreign.types[id].name.clone()).collect();
            let shown = |names: &[String]| names.iter().map(|name| customization.type_name(name)).collect();
            let theirs = |fields: &[Field]| -> BTreeSet<String> {
                fields.iter().map(|field| format!("{}: {}", field.name, self.base_name(&field.typed))).collect()
            };
            let own = |fields: &[document::Field]| -> BTreeSet<String> {
                let base = |field: &document::Field| customization.type_name(field.typed.inner_named_type());
                let own = |field: &document::Field| {
                    format!("{}: {}", customization.field_name(name, &field.name), base(field))
                };
                fields.iter().map(own).collect()
            };
            match (&other.body, body) {
                (Body::Enum(there), document::Body::Enum(here)) => {
                    let values = |values: &[document::EnumValue]| -> BTreeSet<String> {
                        values.iter().map(|value| value.name.clone()).collect()
                    };
                    values(there) != values(here)
                }
                (Body::Object { fields: there, .. }, document::Body::Object { fields: here, .. })
                | (Body::Interface { fields: there, .. }, document::Body::Interface { fields: here, .. }) => {
                    theirs(there) != own(here)
                }
                (Body::Union(there), document::Body::Union(here)) => {
                    let (there, here): (BTreeSet<String>, BTreeSet<String>) = (names(there), shown(here));
                    there != here
                }
                (Body::Input(there), document::Body::Input(here)) => {
                    let there: BTreeSet<&String> = there.iter().map(|input| &input.name).collect();
                    there != here.iter().map(|input| &input.name).collect()
                }
                _ => true,
            }
        })
    }

    /// The name of a type without its lists.
    fn base_name(&self, typed: &TypeRef) -> String {
        match typed.named() {
            TypeId::Foreign(id) => self.model.foreign.types[id].name.clone(),
            TypeId::Scalar(id) => self.model.scalars[id].name.clone(),
            TypeId::BuiltIn(name) => name.to_owned(),
            _ => String::new(),
        }
    }

    /// Whether a table's type has these fields, which is so when the service is an engine over the same tables.
    fn same_fields(&self, name: &str, fields: &[document::Field]) -> bool {
        let Some(&table) = self.model.tables_by_name.get(name) else { return false };
        !fields.is_empty() && fields.iter().all(|field| self.model.tables[table].any_member(&field.name).is_some())
    }

    fn view(&mut self, role: Option<Arc<str>>, document: &Document, customization: &Customization) -> View {
        let roots = [&document.query, &document.mutation, &document.subscription];
        let is_root = |name: &String| roots.iter().any(|root| root.as_ref() == Some(name));
        let mut by_remote_name: HashMap<String, ForeignId> = HashMap::new();
        for (name, definition) in &document.types {
            let shown = customization.type_name(name);
            let scalar = definition.body == document::Body::Scalar;
            if is_root(name) || (scalar && shown == *name && self.known_scalar(name).is_some()) {
                continue;
            }
            let id = self.add_type(shown, name, Body::Scalar);
            self.model.foreign.types[id].description.clone_from(&definition.description);
            by_remote_name.insert(name.clone(), id);
        }
        for (name, &id) in &by_remote_name {
            let body = self.body(name, &document.types[name].body, &by_remote_name, customization);
            self.model.foreign.types[id].body = body;
        }
        let fields = |root: &Option<String>| match root {
            Some(root) => self.fields(root, document.fields(root), &by_remote_name, customization),
            None => Vec::new(),
        };
        let (queries, mutations) = (fields(&document.query), fields(&document.mutation));
        let subscriptions = fields(&document.subscription);
        let types = by_remote_name.values().map(|&id| (self.model.foreign.types[id].name.clone(), id)).collect();
        View { role, types, by_remote_name, queries, mutations, subscriptions }
    }

    fn body(
        &self,
        name: &str,
        body: &document::Body,
        names: &HashMap<String, ForeignId>,
        customization: &Customization,
    ) -> Body {
        let ids = |list: &[String]| list.iter().filter_map(|name| names.get(name).copied()).collect();
        match body {
            document::Body::Scalar => Body::Scalar,
            document::Body::Enum(values) => Body::Enum(values.clone()),
            document::Body::Union(members) => Body::Union(ids(members)),
            document::Body::Input(found) => Body::Input(inputs(found, &mut |name| self.named(name, names))),
            document::Body::Object { fields, interfaces } => {
                Body::Object { fields: self.fields(name, fields, names, customization), interfaces: ids(interfaces) }
            }
            document::Body::Interface { fields, possible } => {
                Body::Interface { fields: self.fields(name, fields, names, customization), possible: ids(possible) }
            }
        }
    }

    fn named(&self, name: &str, names: &HashMap<String, ForeignId>) -> Option<TypeId> {
        names.get(name).map(|&id| TypeId::Foreign(id)).or_else(|| self.known_scalar(name))
    }

    fn fields(
        &self,
        parent: &str,
        fields: &[document::Field],
        names: &HashMap<String, ForeignId>,
        customization: &Customization,
    ) -> Vec<Field> {
        let field = |found: &document::Field| {
            Some(Field {
                name: customization.field_name(parent, &found.name),
                remote_name: found.name.clone(),
                description: found.description.clone(),
                arguments: inputs(&found.arguments, &mut |name| self.named(name, names)),
                typed: typed(&found.typed, &mut |name| self.named(name, names))?,
            })
        };
        fields.iter().filter_map(field).collect()
    }

    /// The service's fields beside the database's, or all under one.
    fn remote_roots(&mut self, remote: RemoteId) -> Result<(), String> {
        let found = &self.model.foreign.remotes[remote];
        let namespace = found.customization.root_fields_namespace.clone();
        let mut wanted = Vec::new();
        for operation in OPERATIONS {
            let fields = found.views.first().map_or(&[][..], |view| view.fields(operation));
            match &namespace {
                Some(name) if !fields.is_empty() => {
                    wanted.push(RemoteRoot { remote, operation, name: name.clone(), namespace: true });
                }
                Some(_) => {}
                None => wanted.extend(fields.iter().map(|field| RemoteRoot {
                    remote,
                    operation,
                    name: field.name.clone(),
                    namespace: false,
                })),
            }
        }
        let taken = wanted.iter().find(|root| self.model.roots.of(root.operation).contains_key(&root.name));
        if let Some(taken) = taken {
            let message = format!("Field cannot be overwritten by remote field '{}'", taken.name);
            self.model.foreign.remotes.pop();
            return Err(message);
        }
        for root in wanted {
            let id = self.model.foreign.remote_roots.len();
            if root.namespace {
                self.namespace(&root);
            }
            self.add_root(root.operation, &root.name, Root::Remote(id));
            self.model.foreign.remote_roots.push(root);
        }
        Ok(())
    }

    /// The type of the field that holds a service's root fields, for each view.
    fn namespace(&mut self, root: &RemoteRoot) {
        let name = namespace_type(root);
        for view in 0..self.model.foreign.remotes[root.remote].views.len() {
            let fields = self.model.foreign.remotes[root.remote].views[view].fields(root.operation).to_vec();
            let id = self.add_type(name.clone(), &name, Body::Object { fields, interfaces: Vec::new() });
            self.model.foreign.remotes[root.remote].views[view].types.insert(name.clone(), id);
        }
    }
}

/// `<namespace>_query`.
pub(crate) fn namespace_type(root: &RemoteRoot) -> String {
    let suffix = match root.operation {
        Operation::Query => "query",
        Operation::Mutation => "mutation",
        Operation::Subscription => "subscription",
    };
    format!("{}_{suffix}", root.name)
}

/// A type's use that may be null.
pub(crate) fn nullable(typed: &TypeRef) -> TypeRef {
    match typed {
        TypeRef::NonNull(inner) => (**inner).clone(),
        other => other.clone(),
    }
}
