//! `actions.yaml` and `actions.graphql`: types, arguments and results stand in GraphQL's own language, everything else
//! in YAML.

use std::fmt::Write as _;
use std::path::Path;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FieldDefinition, InputValueDefinition};
use serde_json::{Map, Value, json};

use super::Error;
use super::read::optional;

const GRAPHQL: &str = "actions.graphql";
const YAML: &str = "actions.yaml";

/// The four kinds of custom types, as the YAML file has them.
const TYPES: [&str; 4] = ["enums", "input_objects", "objects", "scalars"];

/// Puts `actions` and `custom_types` into the metadata, where there are any.
pub(super) fn read(folder: &Path, metadata: &mut Map<String, Value>) -> Result<(), Error> {
    let path = folder.join(GRAPHQL);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(Error::io("read", &path))?,
    };
    let yaml_path = folder.join(YAML);
    let yaml = optional(&yaml_path)?.unwrap_or_default();
    let declared = Declared::parse(&text).map_err(|why| Error::content(&path, why))?;
    let (actions, types) = declared.with(&yaml).map_err(|why| Error::content(&yaml_path, why))?;
    if !actions.is_empty() {
        metadata.insert("actions".to_owned(), actions.into());
    }
    if !types.is_empty() {
        metadata.insert("custom_types".to_owned(), types.into());
    }
    Ok(())
}

/// What the GraphQL file declares.
#[derive(Default)]
struct Declared {
    /// With type, arguments and output type.
    actions: Vec<(String, Map<String, Value>)>,
    /// By kind of [`TYPES`].
    types: [Vec<Map<String, Value>>; 4],
}

impl Declared {
    fn parse(text: &str) -> Result<Self, String> {
        let mut declared = Self::default();
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(declared);
        }
        let document = Document::parse(text, GRAPHQL).map_err(|error| error.to_string())?;
        for definition in &document.definitions {
            declared.add(definition)?;
        }
        Ok(declared)
    }

    fn add(&mut self, definition: &Definition) -> Result<(), String> {
        match definition {
            Definition::ObjectTypeDefinition(object) => match operation(&object.name) {
                Some(operation) => self.operations(operation, &object.fields),
                None => self.types[2].push(fields(&object.name, object.description.as_deref(), &object.fields)),
            },
            Definition::ObjectTypeExtension(object) => match operation(&object.name) {
                Some(operation) => self.operations(operation, &object.fields),
                None => self.types[2].push(fields(&object.name, None, &object.fields)),
            },
            Definition::InputObjectTypeDefinition(input) => {
                let mut made = named(&input.name, input.description.as_deref());
                let fields: Vec<Value> = input.fields.iter().map(argument).collect();
                made.insert("fields".to_owned(), fields.into());
                self.types[1].push(made);
            }
            Definition::EnumTypeDefinition(found) => {
                let mut made = named(&found.name, found.description.as_deref());
                let values = found.values.iter().map(|value| {
                    let mut made = Map::new();
                    describe(&mut made, value.description.as_deref());
                    made.insert("value".to_owned(), value.value.as_str().into());
                    Value::Object(made)
                });
                made.insert("values".to_owned(), values.collect());
                self.types[0].push(made);
            }
            Definition::ScalarTypeDefinition(found) => {
                self.types[3].push(named(&found.name, found.description.as_deref()));
            }
            _ => {
                return Err(
                    "it may hold types, inputs, enums and scalars, and the actions in Query and Mutation".to_owned()
                );
            }
        }
        Ok(())
    }

    fn operations(&mut self, operation: &str, fields: &[Node<FieldDefinition>]) {
        for field in fields {
            let mut definition = Map::new();
            definition.insert("output_type".to_owned(), field.ty.to_string().into());
            let arguments: Vec<Value> = field.arguments.iter().map(argument).collect();
            definition.insert("arguments".to_owned(), arguments.into());
            definition.insert("type".to_owned(), operation.into());
            self.actions.push((field.name.to_string(), definition));
        }
    }

    /// Together with what the YAML file says of them.
    fn with(self, yaml: &Value) -> Result<(Vec<Value>, Map<String, Value>), String> {
        let listed = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let said = listed(&yaml["actions"]);
        if let Some(action) = said.iter().find(|said| !self.actions.iter().any(|(name, _)| said["name"] == *name)) {
            return Err(format!("action {} is not present in {GRAPHQL}", text(&action["name"])));
        }
        let actions = self.actions.into_iter().map(|(name, declared)| {
            let said = said.iter().find(|said| said["name"] == name).cloned().unwrap_or_default();
            action(&name, declared, said)
        });
        let actions = actions.collect();
        let mut types = Map::new();
        for (kind, declared) in TYPES.into_iter().zip(self.types) {
            let said = listed(&yaml["custom_types"][kind]);
            if let Some(found) = said.iter().find(|said| !declared.iter().any(|made| made["name"] == said["name"])) {
                return Err(format!("custom type {} is not present in {GRAPHQL}", text(&found["name"])));
            }
            let made = declared.into_iter().map(|mut made| {
                let said = said.iter().find(|said| said["name"] == made["name"]);
                for key in ["description", "relationships"] {
                    if let Some(value) = said.and_then(|said| said.get(key)).filter(|value| !value.is_null()) {
                        made.insert(key.to_owned(), value.clone());
                    }
                }
                Value::Object(made)
            });
            let made: Vec<Value> = made.collect();
            if !made.is_empty() {
                types.insert(kind.to_owned(), made.into());
            }
        }
        Ok((actions, types))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// `query` or `mutation`, when the type is one whose fields are actions.
fn operation(name: &str) -> Option<&'static str> {
    match name {
        "Query" => Some("query"),
        "Mutation" => Some("mutation"),
        _ => None,
    }
}

fn action(name: &str, mut declared: Map<String, Value>, mut said: Value) -> Value {
    let mut definition =
        said.get_mut("definition").and_then(Value::as_object_mut).map(std::mem::take).unwrap_or_default();
    for key in ["output_type", "arguments", "type"] {
        definition.shift_remove(key);
    }
    // A query is always synchronous, and Hasura writes an empty text for that.
    definition.retain(|key, value| key != "kind" || value != "");
    let mut made = Map::new();
    for key in ["handler", "output_type", "forward_client_headers", "headers", "arguments"] {
        if let Some(value) = definition.shift_remove(key).or_else(|| declared.shift_remove(key)) {
            made.insert(key.to_owned(), value);
        }
    }
    made.extend(declared);
    made.extend(definition);
    let mut action = json!({"name": name, "definition": made});
    for key in ["comment", "permissions"] {
        if let Some(value) = said.get_mut(key).map(Value::take).filter(|value| !value.is_null()) {
            action[key] = value;
        }
    }
    action
}

fn describe(made: &mut Map<String, Value>, description: Option<&str>) {
    if let Some(description) = description {
        made.insert("description".to_owned(), description.trim().into());
    }
}

fn named(name: &str, description: Option<&str>) -> Map<String, Value> {
    let mut made = Map::new();
    made.insert("name".to_owned(), name.into());
    describe(&mut made, description);
    made
}

fn fields(name: &str, description: Option<&str>, fields: &[Node<FieldDefinition>]) -> Map<String, Value> {
    let mut made = named(name, description);
    let fields = fields.iter().map(|field| {
        let mut made = named(&field.name, field.description.as_deref());
        made.insert("type".to_owned(), field.ty.to_string().into());
        Value::Object(made)
    });
    made.insert("fields".to_owned(), fields.collect());
    made
}

fn argument(argument: &Node<InputValueDefinition>) -> Value {
    let mut made = named(&argument.name, argument.description.as_deref());
    made.insert("type".to_owned(), argument.ty.to_string().into());
    made.into()
}

/// Both files' contents.
pub(super) fn files(metadata: &Value) -> [(&'static str, String); 2] {
    let empty = Vec::new();
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let actions = metadata["actions"].as_array().unwrap_or(&empty);
    let types = &metadata["custom_types"];
    let said: Vec<Value> = actions.iter().map(yaml_action).collect();
    let mut custom = Map::new();
    for kind in TYPES {
        let keep: &[&str] = match kind {
            "enums" => &["name", "description", "values"],
            _ => &["name", "description", "relationships"],
        };
        let listed: Vec<Value> = list(&types[kind]).iter().map(|found| only(found, keep)).collect();
        custom.insert(kind.to_owned(), listed.into());
    }
    let yaml = json!({"actions": said, "custom_types": custom});
    [(GRAPHQL, sdl(actions, types)), (YAML, super::yaml::emit(&yaml))]
}

/// Some keys of an object, in this order, where they are there.
fn only(value: &Value, keys: &[&str]) -> Value {
    let found = keys.iter().filter_map(|key| Some(((*key).to_owned(), value.get(key)?.clone())));
    Value::Object(found.filter(|(_, value)| !value.is_null()).collect())
}

fn yaml_action(action: &Value) -> Value {
    let definition = &action["definition"];
    let mut made = json!({"kind": definition.get("kind").cloned().unwrap_or_else(|| "".into())});
    if definition.get("kind").is_none() && definition["type"] != "query" {
        made["kind"] = "synchronous".into();
    }
    let keys = ["handler", "forward_client_headers", "headers", "timeout", "request_transform", "response_transform"];
    if let (Value::Object(made), Value::Object(rest)) = (&mut made, only(definition, &keys)) {
        made.extend(rest);
        let known = |key: &String| ["output_type", "arguments", "type"].contains(&key.as_str());
        let others = definition.as_object().into_iter().flatten().filter(|(key, _)| !known(key));
        for (key, value) in others {
            made.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let mut said = json!({"name": action["name"], "definition": made});
    if let (Value::Object(said), Value::Object(rest)) = (&mut said, only(action, &["permissions", "comment"])) {
        said.extend(rest);
    }
    said
}

/// As Hasura's command line writes it: each action in a type of its own.
fn sdl(actions: &[Value], types: &Value) -> String {
    let mut out = String::new();
    for action in actions {
        let definition = &action["definition"];
        let operation = if definition["type"] == "query" { "Query" } else { "Mutation" };
        let _ = write!(out, "type {operation} {{\n  {}", text(&action["name"]));
        let arguments = definition["arguments"].as_array().filter(|arguments| !arguments.is_empty());
        if let Some(arguments) = arguments {
            out.push_str("(\n");
            for argument in arguments {
                let description = description(argument, "    ");
                let _ = writeln!(out, "{description}    {}: {}", text(&argument["name"]), text(&argument["type"]));
            }
            out.push_str("  )");
        }
        let _ = write!(out, ": {}\n}}\n\n", text(&definition["output_type"]));
    }
    for (kind, keyword) in [("input_objects", "input"), ("objects", "type"), ("scalars", "scalar"), ("enums", "enum")] {
        for found in types[kind].as_array().into_iter().flatten() {
            let _ = write!(out, "{}{keyword} {}", description(found, ""), text(&found["name"]));
            if let Some(members) = found.get("fields").or_else(|| found.get("values")).and_then(Value::as_array) {
                out.push_str(" {\n");
                for member in members {
                    out.push_str(&description(member, "  "));
                    let _ = match member.get("value") {
                        Some(value) => writeln!(out, "  {}", text(value)),
                        None => writeln!(out, "  {}: {}", text(&member["name"]), text(&member["type"])),
                    };
                }
                out.push('}');
            }
            out.push_str("\n\n");
        }
    }
    out
}

fn description(value: &Value, indent: &str) -> String {
    let Some(text) = value["description"].as_str().filter(|text| !text.is_empty()) else { return String::new() };
    format!("{indent}\"\"\"{}\"\"\"\n", text.replace("\"\"\"", "\\\"\"\""))
}
