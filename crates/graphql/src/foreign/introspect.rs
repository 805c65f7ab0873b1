//! A service's answer to introspection, read into a [`Document`].

use apollo_compiler::Name;
use serde::Deserialize;

use super::document::{Body, Definition, Document, EnumValue, Field, Input, Type};

/// What is asked of a service. Without what older servers do not know.
pub const QUERY: &str = include_str!("introspect.graphql");

/// Wrappers around one type: `[[Int!]!]!` has five.
const WRAPPERS: usize = 16;

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "__schema")]
    schema: Schema,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    query_type: Option<Named>,
    mutation_type: Option<Named>,
    subscription_type: Option<Named>,
    types: Vec<FullType>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FullType {
    kind: String,
    name: String,
    description: Option<String>,
    fields: Option<Vec<FieldAnswer>>,
    input_fields: Option<Vec<InputAnswer>>,
    interfaces: Option<Vec<Named>>,
    enum_values: Option<Vec<EnumAnswer>>,
    possible_types: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct FieldAnswer {
    name: String,
    description: Option<String>,
    #[serde(default)]
    args: Vec<InputAnswer>,
    #[serde(rename = "type")]
    typed: Reference,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputAnswer {
    name: String,
    description: Option<String>,
    #[serde(rename = "type")]
    typed: Reference,
    default_value: Option<String>,
}

#[derive(Deserialize)]
struct EnumAnswer {
    name: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<Reference>>,
}

/// Reads the body of an answer to [`QUERY`].
///
/// # Errors
/// It is none, or incomplete: why.
pub fn read(body: &[u8]) -> Result<Document, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let schema = answer.data.ok_or("the answer has no data")?.schema;
    let name = |named: Option<Named>| named.map(|named| named.name);
    let mut document = Document {
        query: name(schema.query_type),
        mutation: name(schema.mutation_type),
        subscription: name(schema.subscription_type),
        ..Document::default()
    };
    for found in schema.types {
        // Introspection's own types are the same everywhere.
        if found.name.starts_with("__") {
            continue;
        }
        let definition = definition(&found)?;
        document.types.insert(valid(&found.name)?, definition);
    }
    match document.query.as_deref().and_then(|query| document.types.get(query)) {
        Some(_) => Ok(document),
        None => Err("query root does not exist in the schema definition".to_owned()),
    }
}

fn definition(found: &FullType) -> Result<Definition, String> {
    let names =
        |list: &Option<Vec<Named>>| -> Vec<String> { list.iter().flatten().map(|named| named.name.clone()).collect() };
    let fields = || found.fields.iter().flatten().map(field).collect::<Result<Vec<_>, _>>();
    let body = match found.kind.as_str() {
        "SCALAR" => Body::Scalar,
        "OBJECT" => Body::Object { fields: fields()?, interfaces: names(&found.interfaces) },
        "INTERFACE" => Body::Interface { fields: fields()?, possible: names(&found.possible_types) },
        "UNION" => Body::Union(names(&found.possible_types)),
        "ENUM" => Body::Enum(
            found
                .enum_values
                .iter()
                .flatten()
                .map(|value| Ok(EnumValue { name: valid(&value.name)?, description: value.description.clone() }))
                .collect::<Result<_, String>>()?,
        ),
        "INPUT_OBJECT" => Body::Input(found.input_fields.iter().flatten().map(input).collect::<Result<Vec<_>, _>>()?),
        other => return Err(format!("the type '{}' is of unknown kind '{other}'", found.name)),
    };
    Ok(Definition { description: found.description.clone(), body })
}

/// Names are written into requests as they are.
fn valid(name: &str) -> Result<String, String> {
    Name::new(name).map(|name| name.to_string()).map_err(|_| format!("'{name}' is not a valid GraphQL name"))
}

fn field(found: &FieldAnswer) -> Result<Field, String> {
    Ok(Field {
        name: valid(&found.name)?,
        description: found.description.clone(),
        arguments: found.args.iter().map(input).collect::<Result<_, _>>()?,
        typed: reference(&found.typed, WRAPPERS)?,
    })
}

fn input(found: &InputAnswer) -> Result<Input, String> {
    Ok(Input {
        name: valid(&found.name)?,
        description: found.description.clone(),
        typed: reference(&found.typed, WRAPPERS)?,
        default: found.default_value.clone(),
        preset: None,
    })
}

fn reference(found: &Reference, left: usize) -> Result<Type, String> {
    let inner = || match &found.of_type {
        Some(inner) if left > 0 => reference(inner, left - 1),
        _ => Err("a type's reference has no end".to_owned()),
    };
    match (found.kind.as_str(), &found.name) {
        ("NON_NULL", _) => Ok(inner()?.non_null()),
        ("LIST", _) => Ok(inner()?.list()),
        (_, Some(name)) => Name::new(name).map(Type::Named).map_err(|_| format!("'{name}' cannot be a type's name")),
        (_, None) => Err("a type's reference has no name".to_owned()),
    }
}
