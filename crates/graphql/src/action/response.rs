//! Whether a handler's answer is what the action promises.

use serde_json::Value as Json;

use crate::foreign::exact;
use crate::foreign::registry::{Body, Registry};
use crate::schema::{TypeId, TypeRef};

use super::webhook::Shape;

impl Shape {
    /// What is promised, told apart from the registry, which a reload may replace while a handler works.
    pub fn of(typed: &TypeRef, registry: &Registry, scalar: &dyn Fn(TypeId) -> String) -> Self {
        let (inner, nullable) = match typed {
            TypeRef::NonNull(inner) => (&**inner, false),
            other => (other, true),
        };
        match inner {
            TypeRef::List(item) => Self::List { nullable, item: Box::new(Self::of(item, registry, scalar)) },
            TypeRef::Named(TypeId::Foreign(id)) => {
                let found = &registry.types[*id];
                let fields = match &found.body {
                    Body::Object { fields, .. } => {
                        let required = fields.iter().filter(|field| field.typed.is_required());
                        Some(required.map(|field| field.name.clone()).collect())
                    }
                    _ => None,
                };
                Self::Named { nullable, name: found.name.clone(), required: fields }
            }
            TypeRef::Named(id) => Self::Named { nullable, name: scalar(*id), required: None },
            TypeRef::NonNull(inner) => Self::of(inner, registry, scalar),
        }
    }

    /// # Errors
    /// Hasura's message.
    pub fn check(&self, value: &Json) -> Result<(), String> {
        let (nullable, name) = match self {
            Self::List { nullable, .. } => (*nullable, None),
            Self::Named { nullable, name, .. } => (*nullable, Some(name.as_str())),
        };
        let standard = name.is_none_or(|name| matches!(name, "Int" | "Float" | "Boolean" | "String" | "ID"));
        let is_object = matches!(self, Self::Named { required: Some(_), .. });
        if !standard && !is_object {
            // A custom scalar or one of PostgreSQL's: whatever it is.
            return Ok(());
        }
        match (value, self) {
            (Json::Null, _) if nullable => Ok(()),
            (Json::Null, _) => Err("got null for the action webhook response".to_owned()),
            (Json::Array(items), Self::List { item, .. }) => items.iter().try_for_each(|found| item.check(found)),
            (_, Self::List { .. }) => Err("expecting array for the action webhook response".to_owned()),
            (Json::Object(found), Self::Named { required: Some(required), .. }) => {
                required.iter().try_for_each(|field| match found.get(field) {
                    None => Err(format!("field \"{field}\" expected in webhook response, but not found")),
                    Some(Json::Null) => Err(format!("expecting not null value for field \"{field}\"")),
                    Some(_) => Ok(()),
                })
            }
            (_, Self::Named { name, .. }) => {
                let (kind, fits) = match value {
                    number if exact::is_number(number) => ("scalar Number", matches!(name.as_str(), "Int" | "Float")),
                    Json::Bool(_) => ("scalar Boolean", name == "Boolean"),
                    Json::String(_) => ("scalar String", matches!(name.as_str(), "String" | "ID")),
                    Json::Array(_) => ("array", false),
                    _ => ("object", false),
                };
                if fits {
                    return Ok(());
                }
                Err(format!("got {kind} for the action webhook response, expecting {name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn named(name: &str, nullable: bool, required: Option<&[&str]>) -> Shape {
        let required = required.map(|fields| fields.iter().map(|field| (*field).to_owned()).collect());
        Shape::Named { nullable, name: name.to_owned(), required }
    }

    #[test]
    fn answers_are_checked_against_the_output_type() {
        let user = named("User", true, Some(&["id"]));
        assert_eq!(user.check(&json!({"id": 1, "more": 2})), Ok(()));
        assert_eq!(user.check(&json!(null)), Ok(()));
        let told = |shape: &Shape, value: Json| shape.check(&value).unwrap_err();
        assert_eq!(told(&user, json!({})), "field \"id\" expected in webhook response, but not found");
        assert_eq!(told(&user, json!({"id": null})), "expecting not null value for field \"id\"");
        assert_eq!(told(&user, json!([])), "got array for the action webhook response, expecting User");
        assert_eq!(told(&user, json!("x")), "got scalar String for the action webhook response, expecting User");
        let list = Shape::List { nullable: false, item: Box::new(named("Int", false, None)) };
        assert_eq!(list.check(&json!([1, 2])), Ok(()));
        assert_eq!(told(&list, json!([null])), "got null for the action webhook response");
        assert_eq!(told(&list, json!({})), "expecting array for the action webhook response");
        assert_eq!(
            told(&named("Int", true, None), json!({})),
            "got object for the action webhook response, expecting Int"
        );
        assert_eq!(named("json", false, None).check(&json!({"any": 1})), Ok(()));
    }
}
