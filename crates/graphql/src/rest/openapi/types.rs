//! GraphQL types, as introspection tells them, to OpenAPI's schemas.

use std::collections::HashMap;

use apollo_compiler::ast::{
    Definition, Document, FragmentDefinition, OperationDefinition, OperationType, Selection, Type,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What [`Types::parse`] reads the answer of.
pub const INTROSPECTION: &str = "query Types { __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { kind name description fields(includeDeprecated: true) { name type { ...T } }
        inputFields { name type { ...T } } enumValues(includeDeprecated: true) { name } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// All types of a schema by name.
#[derive(Debug, Default)]
pub struct Types {
    types: HashMap<String, Described>,
    roots: HashMap<&'static str, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    kind: String,
    name: String,
    description: Option<String>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Field>>,
    enum_values: Option<Vec<Named>>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: TypeRef,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

impl TypeRef {
    fn to_type(&self) -> Option<Type> {
        match (self.kind.as_str(), &self.of_type) {
            ("NON_NULL", Some(inner)) => Some(inner.to_type()?.non_null()),
            ("LIST", Some(inner)) => Some(inner.to_type()?.list()),
            _ => Some(Type::Named(apollo_compiler::Name::new(self.name.as_deref()?).ok()?)),
        }
    }
}

impl Types {
    /// Of the answer to [`INTROSPECTION`].
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut body: Value = serde_json::from_slice(body).ok()?;
        let schema = body.get_mut("data")?.get_mut("__schema")?.take();
        let roots = [("query", "queryType"), ("mutation", "mutationType"), ("subscription", "subscriptionType")];
        let root = |(kind, key)| Some((kind, schema.get(key)?.get("name")?.as_str()?.to_owned()));
        let roots = roots.into_iter().filter_map(root).collect();
        let types: Vec<Described> = serde_json::from_value(schema.get("types")?.clone()).ok()?;
        let types = types.into_iter().map(|described| (described.name.clone(), described)).collect();
        Some(Self { types, roots })
    }
}

/// A scalar that OpenAPI has too.
pub(super) struct Scalar {
    pub kind: &'static str,
    pub pattern: Option<&'static str>,
    inline: bool,
}

pub(super) fn known_scalar(name: &str) -> Option<Scalar> {
    const UUID: &str = "[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89aAbB][a-f0-9]{3}-[a-f0-9]{12}";
    let (kind, pattern, inline) = match name.to_ascii_lowercase().as_str() {
        "int" => ("integer", None, true),
        "float" | "double" => ("number", None, true),
        "uuid" => ("string", Some(UUID), false),
        "bool" | "boolean" => ("boolean", None, true),
        "string" | "id" => ("string", None, true),
        _ => return None,
    };
    Some(Scalar { kind, pattern, inline })
}

/// Builds schemas, and keeps those that are named.
pub(super) struct Builder<'a> {
    types: &'a Types,
    schemas: Map<String, Value>,
    messages: Vec<String>,
}

impl<'a> Builder<'a> {
    pub fn new(types: &'a Types) -> Self {
        Self { types, schemas: Map::new(), messages: Vec::new() }
    }

    pub fn into_schemas(self) -> Map<String, Value> {
        self.schemas
    }

    /// Something to tell whoever reads the document; once.
    pub fn note(&mut self, message: String) {
        if !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }

    pub fn take_messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    /// A schema itself, where it is a reference.
    pub fn resolved(&self, schema: Value) -> Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        name.and_then(|name| self.schemas.get(name)).cloned().unwrap_or(schema)
    }

    /// The schema of a variable or an input field.
    pub fn input(&mut self, expected: &Type) -> Value {
        self.modified(expected, &mut |builder, name, nullable| builder.named_input(name, nullable))
    }

    fn modified(&mut self, of: &Type, named: &mut dyn FnMut(&mut Self, &str, bool) -> Value) -> Value {
        match of {
            Type::Named(name) => named(self, name, true),
            Type::NonNullNamed(name) => named(self, name, false),
            Type::List(inner) | Type::NonNullList(inner) => {
                let items = self.modified(inner, named);
                json!({"nullable": !of.is_non_null(), "type": "array", "items": items})
            }
        }
    }

    fn named_input(&mut self, name: &str, nullable: bool) -> Value {
        let types = self.types;
        let Some(found) = types.types.get(name).filter(|found| found.kind == "INPUT_OBJECT") else {
            return self.leaf(name, nullable);
        };
        let reference = reference_name(name, nullable);
        if !self.schemas.contains_key(&reference) {
            // Known before its fields are, which may be of the same type.
            self.schemas.insert(reference.clone(), Value::Null);
            let mut properties = Map::new();
            for field in found.input_fields.iter().flatten() {
                if let Some(of) = field.kind.to_type() {
                    properties.insert(field.name.clone(), self.input(&of));
                }
            }
            let mut schema = titled(name, nullable, found.description.as_deref());
            schema.insert("type".to_owned(), "object".into());
            schema.insert("properties".to_owned(), Value::Object(properties));
            self.schemas.insert(reference.clone(), Value::Object(schema));
        }
        to(&reference)
    }

    /// A scalar or an enum.
    fn leaf(&mut self, name: &str, nullable: bool) -> Value {
        if let Some(scalar) = known_scalar(name) {
            let mut schema = titled(name, nullable, None);
            schema.insert("type".to_owned(), scalar.kind.into());
            schema.extend(scalar.pattern.map(|pattern| ("pattern".to_owned(), pattern.into())));
            if scalar.inline {
                return Value::Object(schema);
            }
            return self.declared(name, nullable, schema);
        }
        let types = self.types;
        let Some(found) = types.types.get(name) else {
            self.note(format!("Couldn't find type definition for {name}"));
            return Value::Object(titled(name, nullable, None));
        };
        let mut schema = titled(name, nullable, found.description.as_deref());
        if let Some(values) = &found.enum_values {
            schema.insert("enum".to_owned(), values.iter().map(|value| Value::from(value.name.as_str())).collect());
        }
        self.declared(name, nullable, schema)
    }

    fn declared(&mut self, name: &str, nullable: bool, schema: Map<String, Value>) -> Value {
        let reference = reference_name(name, nullable);
        self.schemas.entry(reference.clone()).or_insert(Value::Object(schema));
        to(&reference)
    }

    /// The properties of an operation's data.
    pub fn response(&mut self, document: &Document, operation: &OperationDefinition) -> Map<String, Value> {
        let fragment = |definition: &'_ Definition| match definition {
            Definition::FragmentDefinition(fragment) => Some((fragment.name.to_string(), (**fragment).clone())),
            _ => None,
        };
        let fragments: HashMap<String, FragmentDefinition> = document.definitions.iter().filter_map(fragment).collect();
        let kind = match operation.operation_type {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        let root = self.types.roots.get(kind).cloned().unwrap_or_else(|| format!("{kind}_root"));
        self.properties(&root, &[&operation.selection_set], &fragments, 0)
    }

    /// The fields of several selections of one object; those under one key are merged.
    fn properties(
        &mut self,
        parent: &str,
        selections: &[&[Selection]],
        fragments: &HashMap<String, FragmentDefinition>,
        depth: usize,
    ) -> Map<String, Value> {
        let mut merged: Vec<(String, String, Vec<&[Selection]>)> = Vec::new();
        for selections in selections {
            collect(selections, fragments, 0, &mut merged);
        }
        let types = self.types;
        let mut out = Map::new();
        for (key, name, inner) in merged {
            let found = types.types.get(parent).and_then(|found| found.fields.as_ref());
            let field = found.and_then(|fields| fields.iter().find(|field| field.name == name));
            let of = match field {
                Some(field) => field.kind.to_type(),
                None if name == "__typename" => Some(Type::NonNullNamed(apollo_compiler::name!("String"))),
                None => None,
            };
            let Some(of) = of.filter(|_| depth < crate::parse::DEPTH_LIMIT) else {
                self.note(format!("Couldn't find field {name} in type {parent}"));
                continue;
            };
            let schema = self.modified(&of, &mut |builder, name, nullable| {
                builder.output(name, nullable, &inner, fragments, depth + 1)
            });
            out.insert(key, schema);
        }
        out
    }

    fn output(
        &mut self,
        name: &str,
        nullable: bool,
        selections: &[&[Selection]],
        fragments: &HashMap<String, FragmentDefinition>,
        depth: usize,
    ) -> Value {
        let types = self.types;
        let Some(found) = types.types.get(name).filter(|found| found.fields.is_some()) else {
            return self.leaf(name, nullable);
        };
        let properties = self.properties(name, selections, fragments, depth);
        let mut schema = titled(name, nullable, found.description.as_deref());
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(schema)
    }
}

/// Fields by their key in the answer, fragments in their places.
fn collect<'d>(
    selections: &'d [Selection],
    fragments: &'d HashMap<String, FragmentDefinition>,
    depth: usize,
    out: &mut Vec<(String, String, Vec<&'d [Selection]>)>,
) {
    if depth > crate::parse::DEPTH_LIMIT {
        return;
    }
    for selection in selections {
        match selection {
            Selection::Field(field) => {
                let key = field.response_name().to_string();
                match out.iter_mut().find(|(own, ..)| *own == key) {
                    Some((_, _, inner)) => inner.push(&field.selection_set),
                    None => out.push((key, field.name.to_string(), vec![&field.selection_set])),
                }
            }
            Selection::InlineFragment(inline) => collect(&inline.selection_set, fragments, depth + 1, out),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(spread.fragment_name.as_str()) {
                    collect(&fragment.selection_set, fragments, depth + 1, out);
                }
            }
        }
    }
}

fn titled(name: &str, nullable: bool, description: Option<&str>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("title".to_owned(), name.into());
    schema.extend(description.map(|text| ("description".to_owned(), text.into())));
    schema.insert("nullable".to_owned(), nullable.into());
    schema
}

fn reference_name(name: &str, nullable: bool) -> String {
    if nullable { name.to_owned() } else { format!("{name}!") }
}

fn to(reference: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{reference}") })
}
