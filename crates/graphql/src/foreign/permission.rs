//! A role's part of a remote schema: SDL checked against what the service has.
//!
//! Every mistake is found and told in Hasura's words. What stands with `@preset` is not asked of clients but sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use apollo_compiler::ast::{self, DirectiveList, InputValueDefinition};
use apollo_compiler::parser::Parser;
use apollo_compiler::{Name, Node};

use super::document::{Body, Definition, Document, EnumValue, Field, Input, Preset, STANDARD, Type, literal};
use crate::session::is_variable;

/// The role's document.
///
/// # Errors
/// The SDL cannot be read, or is no subset of the service's schema: Hasura's message, whole.
pub fn check(sdl: &str, upstream: &Document) -> Result<Document, String> {
    let parsed = Parser::new().recursion_limit(200).token_limit(1_000_000).parse_ast(sdl, "schema.graphql");
    let parsed = parsed.map_err(|_| "Failed to parse schema".to_owned())?;
    let mut checker = Checker { upstream, own: types(&parsed), errors: Vec::new(), interfaces: HashSet::new() };
    let document = checker.document(&parsed);
    match checker.errors.as_slice() {
        [] => Ok(document),
        [one] => Err(format!("validation for the given role-based schema failed because {one}")),
        many => {
            let lines: String = many.iter().map(|error| format!(" • {error}\n")).collect();
            Err(format!("validation for the given role-based schema failed for the following reasons:\n{lines}"))
        }
    }
}

/// What a preset of a type may be.
enum Shape {
    Scalar,
    Enum(Vec<String>),
    Input(Vec<(String, Type)>),
}

fn types(document: &ast::Document) -> BTreeMap<String, Shape> {
    let mut found: BTreeMap<String, Shape> = STANDARD.iter().map(|name| ((*name).to_owned(), Shape::Scalar)).collect();
    for definition in &document.definitions {
        match definition {
            ast::Definition::ScalarTypeDefinition(scalar) => {
                found.insert(scalar.name.to_string(), Shape::Scalar);
            }
            ast::Definition::EnumTypeDefinition(found_enum) => {
                let values = found_enum.values.iter().map(|value| value.value.to_string()).collect();
                found.insert(found_enum.name.to_string(), Shape::Enum(values));
            }
            ast::Definition::InputObjectTypeDefinition(input) => {
                let fields = input.fields.iter().map(|field| (field.name.to_string(), (*field.ty).clone()));
                found.insert(input.name.to_string(), Shape::Input(fields.collect()));
            }
            _ => {}
        }
    }
    found
}

struct Checker<'u> {
    upstream: &'u Document,
    own: BTreeMap<String, Shape>,
    errors: Vec<String>,
    interfaces: HashSet<String>,
}

/// `"a"`, `"a" and "b"`, `"a", "b" and "c"`.
fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn duplicates<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut seen = HashSet::new();
    let repeated: BTreeSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
    repeated.into_iter().collect()
}

impl Checker<'_> {
    fn document(&mut self, parsed: &ast::Document) -> Document {
        let mut made = Document::default();
        let named = parsed.definitions.iter().filter_map(|definition| definition.name().map(Name::as_str));
        let repeated = duplicates(named);
        if !repeated.is_empty() {
            self.errors.push(format!("duplicate type names found: {}", quoted(&repeated)));
            return made;
        }
        let mut schemas = 0;
        for definition in &parsed.definitions {
            match definition {
                ast::Definition::SchemaDefinition(schema) => {
                    schemas += 1;
                    for (operation, name) in schema.root_operations.iter().map(|found| &**found) {
                        let place = match operation {
                            ast::OperationType::Query => &mut made.query,
                            ast::OperationType::Mutation => &mut made.mutation,
                            ast::OperationType::Subscription => &mut made.subscription,
                        };
                        *place = Some(name.to_string());
                    }
                }
                ast::Definition::InterfaceTypeDefinition(found) => {
                    self.interfaces.insert(found.name.to_string());
                }
                _ => {}
            }
        }
        if schemas > 1 {
            self.errors.push("multiple schema definitions found".to_owned());
            return made;
        }
        if schemas == 0 {
            made.query = Some("Query".to_owned());
        }
        for definition in &parsed.definitions {
            if let Some((name, definition)) = self.definition(definition) {
                made.types.insert(name, definition);
            }
        }
        for name in STANDARD {
            let scalar = || Definition { description: None, body: Body::Scalar };
            made.types.entry(name.to_owned()).or_insert_with(scalar);
        }
        possible(&mut made);
        made
    }

    fn missing(&mut self, kind: &str, name: &str) {
        self.errors.push(format!("\"{kind}\": \"{name}\" does not exist in the upstream remote schema"));
    }

    fn definition(&mut self, found: &ast::Definition) -> Option<(String, Definition)> {
        let upstream = self.upstream;
        let name = found.name()?.as_str();
        let other = upstream.types.get(name).map(|found| &found.body);
        let (description, body) = match (found, other) {
            (ast::Definition::ScalarTypeDefinition(scalar), other) => {
                if other != Some(&Body::Scalar) && !STANDARD.contains(&name) {
                    self.missing("Scalar", name);
                    return None;
                }
                (&scalar.description, Body::Scalar)
            }
            (ast::Definition::EnumTypeDefinition(own), Some(Body::Enum(values))) => {
                (&own.description, Body::Enum(self.enum_values(own, values)))
            }
            (ast::Definition::EnumTypeDefinition(_), _) => {
                self.missing("Enum", name);
                return None;
            }
            (ast::Definition::UnionTypeDefinition(own), Some(Body::Union(members))) => {
                let unknown: Vec<&Name> =
                    own.members.iter().filter(|member| !members.iter().any(|other| other == member.as_str())).collect();
                if !unknown.is_empty() {
                    let names = quoted(&unknown.iter().map(|name| name.as_str()).collect::<Vec<_>>());
                    self.errors.push(format!(
                        "union \"{name}\" contains members which do not exist in the members of the remote schema union :{names}"
                    ));
                }
                (&own.description, Body::Union(own.members.iter().map(ToString::to_string).collect()))
            }
            (ast::Definition::UnionTypeDefinition(_), _) => {
                self.missing("Union", name);
                return None;
            }
            (ast::Definition::InputObjectTypeDefinition(own), Some(Body::Input(inputs))) => {
                self.directives(&own.directives);
                (&own.description, Body::Input(self.arguments(&own.fields, inputs, name)))
            }
            (ast::Definition::InputObjectTypeDefinition(_), _) => {
                self.missing("Input object", name);
                return None;
            }
            (ast::Definition::ObjectTypeDefinition(own), Some(Body::Object { fields, interfaces })) => {
                self.directives(&own.directives);
                self.implemented(name, &own.implements_interfaces, interfaces);
                let fields = self.fields(&own.fields, fields, "Object", name);
                let interfaces = own.implements_interfaces.iter().map(ToString::to_string).collect();
                (&own.description, Body::Object { fields, interfaces })
            }
            (ast::Definition::ObjectTypeDefinition(_), _) => {
                self.missing("Object", name);
                return None;
            }
            (ast::Definition::InterfaceTypeDefinition(own), Some(Body::Interface { fields, .. })) => {
                self.directives(&own.directives);
                let fields = self.fields(&own.fields, fields, "Interface", name);
                (&own.description, Body::Interface { fields, possible: Vec::new() })
            }
            (ast::Definition::InterfaceTypeDefinition(_), _) => {
                self.missing("Interface", name);
                return None;
            }
            _ => return None,
        };
        let description = description.as_ref().map(|text| text.to_string());
        Some((name.to_owned(), Definition { description, body }))
    }

    fn enum_values(&mut self, own: &ast::EnumTypeDefinition, values: &[EnumValue]) -> Vec<EnumValue> {
        let repeated = duplicates(own.values.iter().map(|value| value.value.as_str()));
        if !repeated.is_empty() {
            self.errors.push(format!(
                "duplicate enum values: {} found in the \"{}\" enum",
                quoted(&repeated),
                own.name
            ));
            return Vec::new();
        }
        let unknown: Vec<&str> = own
            .values
            .iter()
            .map(|value| value.value.as_str())
            .filter(|name| !values.iter().any(|other| other.name == *name))
            .collect();
        if !unknown.is_empty() {
            self.errors.push(format!(
                "enum \"{}\" contains the following enum values that do not exist in the corresponding upstream remote enum: {}",
                own.name,
                quoted(&unknown)
            ));
        }
        let value = |value: &Node<ast::EnumValueDefinition>| EnumValue {
            name: value.value.to_string(),
            description: value.description.as_ref().map(|text| text.to_string()),
        };
        own.values.iter().map(value).collect()
    }

    fn implemented(&mut self, name: &str, own: &[Name], upstream: &[String]) {
        let unknown: Vec<&str> =
            own.iter().map(Name::as_str).filter(|name| !upstream.iter().any(|other| other == name)).collect();
        let (custom, missing): (Vec<&str>, Vec<&str>) =
            unknown.into_iter().partition(|name| self.interfaces.contains(*name));
        if !custom.is_empty() {
            self.errors.push(format!(
                "custom interfaces are not supported. Object\"{name}\" implements the following custom interfaces: {}",
                quoted(&custom)
            ));
        }
        if !missing.is_empty() {
            self.errors.push(format!(
                "object \"{name}\" is trying to implement the following interfaces that do not exist in the corresponding upstream remote object: {}",
                quoted(&missing)
            ));
        }
    }

    /// `@preset` stands before arguments and input fields alone.
    fn directives(&mut self, directives: &DirectiveList) {
        if directives.get("preset").is_some() {
            let message = "Preset directives can be defined only on INPUT_FIELD_DEFINITION or ARGUMENT_DEFINITION";
            self.errors.push(message.to_owned());
        }
    }

    fn fields(
        &mut self,
        own: &[Node<ast::FieldDefinition>],
        upstream: &[Field],
        kind: &str,
        parent: &str,
    ) -> Vec<Field> {
        let repeated = duplicates(own.iter().map(|field| field.name.as_str()));
        if !repeated.is_empty() {
            self.errors.push(format!("duplicate fields: {}found in the \"{kind}\" \"{parent}\"", quoted(&repeated)));
            return Vec::new();
        }
        let mut made = Vec::with_capacity(own.len());
        for field in own {
            let Some(other) = upstream.iter().find(|other| field.name == *other.name.as_str()) else {
                self.errors.push(format!("field \"{}\" does not exist in the \"{kind}\": \"{parent}\"", field.name));
                continue;
            };
            self.directives(&field.directives);
            if field.ty != other.typed {
                self.errors.push(format!(
                    "expected type of \"{}\"(\"{kind} field\") to be {} but received {}",
                    field.name, other.typed, field.ty
                ));
            }
            let arguments = self.arguments(&field.arguments, &other.arguments, &field.name);
            let description = field.description.as_ref().map(|text| text.to_string());
            made.push(Field { name: field.name.to_string(), description, arguments, typed: field.ty.clone() });
        }
        made
    }

    fn arguments(&mut self, own: &[Node<InputValueDefinition>], upstream: &[Input], parent: &str) -> Vec<Input> {
        let repeated = duplicates(own.iter().map(|argument| argument.name.as_str()));
        if !repeated.is_empty() {
            self.errors.push(format!("duplicate arguments: {}found in the field: \"{parent}\"", quoted(&repeated)));
            return Vec::new();
        }
        let given = |name: &str| own.iter().any(|argument| argument.name == *name && argument.ty.is_non_null());
        let missing: Vec<&str> = upstream
            .iter()
            .filter(|argument| argument.typed.is_non_null() && !given(&argument.name))
            .map(|argument| argument.name.as_str())
            .collect();
        if !missing.is_empty() {
            self.errors.push(format!(
                "field: \"{parent}\" expects the following non nullable arguments to be present: {}",
                quoted(&missing)
            ));
            return Vec::new();
        }
        let mut made = Vec::with_capacity(own.len());
        for argument in own {
            match upstream.iter().find(|other| argument.name == *other.name.as_str()) {
                Some(other) => made.push(self.argument(argument, other, parent)),
                None => self.errors.push(format!(
                    "input argument \"{}\" does not exist in the input object:\"{parent}\"",
                    argument.name
                )),
            }
        }
        made
    }

    fn argument(&mut self, own: &InputValueDefinition, upstream: &Input, parent: &str) -> Input {
        if *own.ty != upstream.typed {
            self.errors.push(format!(
                "expected type of \"{}\"(\"Input object argument\") to be {} but received {}",
                own.name, upstream.typed, own.ty
            ));
        }
        let default = own.default_value.as_ref().map(|value| value.serialize().no_indent().to_string());
        if default != upstream.default {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            self.errors.push(format!(
                "expected default value of input value: \"{}\"of input object \"{parent}\" to be {} but received {}",
                own.name,
                text(&upstream.default),
                text(&default)
            ));
        }
        Input {
            name: own.name.to_string(),
            description: own.description.as_ref().map(|text| text.to_string()),
            typed: (*own.ty).clone(),
            default,
            preset: self.preset(own, parent),
        }
    }

    fn preset(&mut self, own: &InputValueDefinition, parent: &str) -> Option<Preset> {
        let mut directives = own.directives.iter().filter(|directive| directive.name == "preset");
        let directive = directives.next()?;
        let result = if directives.next().is_some() {
            Err(format!("found multiple preset directives at \"Input object argument\" \"{parent}\""))
        } else if directive.arguments.is_empty() {
            Err("no arguments found in the preset directive".to_owned())
        } else {
            let fixed = match directive.specified_argument_by_name("static").map(|value| &**value) {
                None => Ok(false),
                Some(ast::Value::Boolean(fixed)) => Ok(*fixed),
                Some(_) => Err("expected preset static value to be a Boolean value".to_owned()),
            };
            match (directive.specified_argument_by_name("value"), fixed) {
                (_, Err(error)) => Err(error),
                (None, _) => Err(format!("preset argument \"value\" not found at \"{}\"", own.name)),
                (Some(value), Ok(fixed)) => self.value(&own.ty, &own.name, fixed, value),
            }
        };
        result.map_err(|error| self.errors.push(error)).ok()
    }

    fn value(&self, typed: &Type, place: &str, fixed: bool, value: &ast::Value) -> Result<Preset, String> {
        let text = value.serialize().no_indent().to_string().replace('"', "");
        match typed {
            Type::List(item) | Type::NonNullList(item) => match value {
                ast::Value::List(items) => {
                    let items = items.iter().map(|found| self.value(item, place, fixed, found));
                    items.collect::<Result<_, _>>().map(Preset::List)
                }
                ast::Value::String(name) if is_variable(name) => Err(format!(
                    "illegal preset value at \"{place}\". Session arguments can only be set for singleton values"
                )),
                other => self.value(item, place, fixed, other),
            },
            Type::Named(name) | Type::NonNullNamed(name) => match (self.own.get(name.as_str()), value) {
                (None, _) => Err(format!("expected \"{name}\" to be an input type, but it's an output type")),
                (Some(Shape::Scalar), ast::Value::Enum(_) | ast::Value::List(_) | ast::Value::Object(_)) => {
                    Err(format!("expected preset value \"{text}\" of type \"{name}\" to be a scalar value"))
                }
                (Some(Shape::Scalar), ast::Value::String(found)) if is_variable(found) && !fixed => {
                    Ok(Preset::Session(found.to_lowercase()))
                }
                (Some(Shape::Scalar), found) => Ok(Preset::Fixed(literal(found))),
                (Some(Shape::Enum(values)), ast::Value::Enum(found)) => {
                    if values.iter().any(|value| value == found.as_str()) {
                        Ok(Preset::Fixed(found.as_str().into()))
                    } else {
                        Err(format!("\"{found}\" not found in the enum: \"{name}\""))
                    }
                }
                (Some(Shape::Enum(_)), ast::Value::String(found)) if is_variable(found) => {
                    Ok(Preset::Session(found.to_lowercase()))
                }
                (Some(Shape::Enum(_)), _) => {
                    Err(format!("expected preset value \"{text}\" of type \"{name}\" to be an enum value"))
                }
                (Some(Shape::Input(fields)), ast::Value::Object(given)) => {
                    let mut made = Vec::with_capacity(given.len());
                    for (key, value) in given {
                        let Some((_, typed)) = fields.iter().find(|(field, _)| field == key.as_str()) else {
                            return Err(format!("\"{key}\" does not exist in the input object \"{name}\""));
                        };
                        made.push((key.to_string(), self.value(typed, key, fixed, value)?));
                    }
                    Ok(Preset::Object(made))
                }
                (Some(Shape::Input(_)), _) => {
                    Err(format!("expected preset value \"{text}\" of type \"{name}\" to be an input object value"))
                }
            },
        }
    }
}

/// Interfaces learn who implements them.
fn possible(document: &mut Document) {
    let mut by_interface: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, definition) in &document.types {
        if let Body::Object { interfaces, .. } = &definition.body {
            for interface in interfaces {
                by_interface.entry(interface.clone()).or_default().push(name.clone());
            }
        }
    }
    for (name, definition) in &mut document.types {
        if let Body::Interface { possible, .. } = &mut definition.body {
            *possible = by_interface.remove(name).unwrap_or_default();
        }
    }
}
