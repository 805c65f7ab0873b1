//! Arguments of foreign fields: checked against their types, then passed on.

use apollo_compiler::ast;

use crate::failure::{Failure, Path};
use crate::plan::{Planner, unknown_field};
use crate::schema::{TypeId, TypeRef};
use crate::validate::Selected;
use crate::value::{Datum, Value};

use super::document::type_named;
use super::plan::{Argument, Variable};
use super::registry::{Body, Input};

impl<'a> Planner<'a> {
    /// The arguments of a field: what the client gave and what is preset, as an object.
    ///
    /// # Errors
    /// One is unknown, missing or of the wrong type.
    pub(crate) fn foreign_arguments(
        &mut self,
        selected: &Selected<'a>,
        inputs: &[Input],
        path: &Path<'_>,
    ) -> Result<Vec<(String, Argument)>, Failure> {
        let defined = self.schema.foreign_inputs(inputs);
        let given: Vec<(&str, bool)> = selected
            .field
            .arguments
            .iter()
            .map(|argument| (argument.name.as_str(), self.is_absent(&Value::Literal(&argument.value))))
            .collect();
        let arguments = self.validator.arguments(selected.field, &defined, path)?;
        let path = path.key("args");
        let mut made = Vec::with_capacity(inputs.len());
        for (name, value) in arguments {
            let absent = given.iter().any(|(found, absent)| *found == name && *absent);
            let Some(input) = inputs.iter().find(|input| input.name == name).filter(|_| !absent) else { continue };
            made.push((input.name.clone(), self.foreign_value(value, &input.typed, &path.key(name))?));
        }
        self.add_presets(inputs, &mut made);
        Ok(made)
    }

    fn add_presets(&self, inputs: &[Input], made: &mut Vec<(String, Argument)>) {
        for input in inputs {
            if let Some(preset) = &input.preset {
                let scalar = type_named(&input.wire).map(|typed| typed.inner_named_type().to_string());
                made.push((input.name.clone(), Argument::of_preset(preset, &scalar.unwrap_or_default())));
            }
        }
    }

    /// A variable that the client gave no value.
    fn is_absent(&self, value: &Value<'a>) -> bool {
        let Value::Literal(ast::Value::Variable(name)) = value else { return false };
        let resolved = self.validator.variables.resolve(value.clone(), None, self.schema, &Path::ROOT);
        !self.provided.contains_key(name.as_str()) && matches!(resolved, Ok(Value::Literal(ast::Value::Null)))
    }

    fn foreign_value(&mut self, value: Value<'a>, typed: &TypeRef, path: &Path<'_>) -> Result<Argument, Failure> {
        self.nested(path, |planner| planner.foreign_value_of(value, typed, path))
    }

    fn foreign_value_of(&mut self, value: Value<'a>, typed: &TypeRef, path: &Path<'_>) -> Result<Argument, Failure> {
        let value = self.validator.variables.resolve(value, Some(typed), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            if typed.is_required() {
                let name = typed.text(self.schema);
                return Err(Failure::invalid(path, format!("unexpected null value for type '{name}'")));
            }
            return Ok(Argument::Fixed(serde_json::Value::Null));
        }
        let inner = match typed {
            TypeRef::NonNull(inner) => inner,
            other => other,
        };
        match inner {
            TypeRef::List(item) => {
                let items = self.validator.items(value).unwrap_or_default();
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, found)| self.foreign_value(found, item, &path.index(index)));
                items.collect::<Result<_, _>>().map(Argument::List)
            }
            TypeRef::Named(TypeId::Foreign(id)) => self.foreign_named(value, *id, path),
            TypeRef::Named(id) => self.foreign_scalar(value, &self.schema.type_name(*id), path),
            TypeRef::NonNull(inner) => self.foreign_value(value, inner, path),
        }
    }

    fn foreign_named(&mut self, value: Value<'a>, id: usize, path: &Path<'_>) -> Result<Argument, Failure> {
        let schema = self.schema;
        let found = &schema.foreign.types[id];
        match &found.body {
            Body::Input(inputs) => self.foreign_object(value, TypeId::Foreign(id), inputs, path),
            Body::Enum(values) => {
                let name = self.validator.enum_name(&value, &found.name, path)?;
                if values.iter().any(|value| value.name == name) {
                    return Ok(Argument::Fixed(name.into()));
                }
                let names = values.iter().map(|value| value.name.as_str());
                Err(crate::plan::unknown_value(&name, &found.name, names, path))
            }
            _ => self.foreign_scalar(value, &found.remote_name, path),
        }
    }

    fn foreign_object(
        &mut self,
        value: Value<'a>,
        id: TypeId,
        inputs: &[Input],
        path: &Path<'_>,
    ) -> Result<Argument, Failure> {
        let schema = self.schema;
        let Some(fields) = self.object(id, value, path)? else {
            return Err(self.not_an_object(id, "null", path));
        };
        let mut made = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let path = path.key(name);
            let input = inputs.iter().find(|input| input.name == name && input.preset.is_none());
            let input = input.ok_or_else(|| unknown_field(name, &schema.type_name(id), &path))?;
            if self.is_absent(&value) {
                continue;
            }
            made.push((name.to_owned(), self.foreign_value(value, &input.typed, &path)?));
        }
        for input in inputs {
            let required = input.typed.is_required() && input.default.is_none() && input.preset.is_none();
            if required && !made.iter().any(|(name, _)| *name == input.name) {
                let message = format!("missing required field '{}'", input.name);
                return Err(Failure::invalid(path.key(&input.name), message));
            }
        }
        self.add_presets(inputs, &mut made);
        Ok(Argument::Object(made))
    }

    /// A standard scalar of the right kind; any other scalar is its service's business.
    fn foreign_scalar(&mut self, value: Value<'a>, name: &str, path: &Path<'_>) -> Result<Argument, Failure> {
        let source = self.validator.variables.source(value, None, self.schema, path)?;
        let found = source.value(self.provided, self.session);
        let datum = found.map_err(|found| Failure::new(found.code, path, found.message))?;
        let wanted = match (name, &datum) {
            ("Int", Datum::Number(digits)) if digits.parse::<i32>().is_ok() => None,
            ("Int", _) => Some("a 32-bit integer"),
            ("Float", Datum::Number(_)) => None,
            ("Float", _) => Some("a float"),
            ("Boolean", Datum::Boolean(_)) => None,
            ("Boolean", _) => Some("a boolean"),
            ("String", Datum::String(_)) => None,
            ("String", _) => Some("a string"),
            ("ID", Datum::String(_) | Datum::Number(_)) => None,
            ("ID", _) => Some("an ID"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let found = datum.describe();
            return Err(Failure::invalid(path, format!("expected {wanted} for type '{name}', but found {found}")));
        }
        Ok(Argument::Source(source))
    }

    /// Names a value for the request to a service: `$v0`.
    pub(crate) fn foreign_variable(&mut self, value: Argument, wire: &str, variables: &mut Vec<Variable>) -> String {
        let name = format!("v{}", self.foreign.variables);
        self.foreign.variables += 1;
        variables.push(Variable { name: name.clone(), wire: wire.to_owned(), value });
        name
    }

    /// What a selection's variable holds, for callers that know it is an id.
    pub(crate) fn only_argument(
        &mut self,
        selected: &Selected<'a>,
        defined: &[crate::schema::InputDef],
        path: &Path<'_>,
    ) -> Result<Argument, Failure> {
        let arguments = self.validator.arguments(selected.field, defined, path)?;
        let path = path.key("args");
        match arguments.into_iter().next() {
            Some((name, value)) => {
                let source = self.validator.variables.source(value, None, self.schema, &path.key(name))?;
                Ok(Argument::Source(source))
            }
            None => Ok(Argument::Fixed(serde_json::Value::Null)),
        }
    }
}
