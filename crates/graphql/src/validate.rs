//! What a selection asks for, whatever it asks it of: fragments put in place, conditions decided, equal keys merged.

use std::collections::HashMap;

use apollo_compiler::ast::{Argument, DirectiveList, Field, Selection};
use apollo_compiler::{Name, Node};

use crate::failure::{Failure, Path};
use crate::foreign::plan::HIDDEN;
use crate::parse::Operation;
use crate::schema::{InputDef, Schema, TypeRef};
use crate::value::{Datum, Value, Variables, View};

/// Fields of a request once fragments are put in their places. Fragments that use each other twice double their
/// fields with each step, so the size of the text is no bound.
pub const FIELD_LIMIT: usize = 20_000;

/// One key of a response object and everything that is selected under it.
#[derive(Debug)]
pub struct Selected<'a> {
    pub key: &'a str,
    pub field: &'a Field,
    /// Selection sets of all fields with this key.
    pub sets: Vec<&'a [Selection]>,
}

/// Reads the selections of one request.
#[derive(Debug)]
pub struct Validator<'a> {
    pub schema: &'a Schema,
    pub operation: &'a Operation<'a>,
    pub variables: Variables<'a>,
    fields_left: usize,
    /// A key that looks like one of our own.
    pub reserved: Option<&'a str>,
}

#[derive(Default)]
struct Collected<'a> {
    fields: Vec<Selected<'a>>,
    positions: HashMap<&'a str, usize>,
}

impl<'a> Validator<'a> {
    pub fn new(schema: &'a Schema, operation: &'a Operation<'a>, variables: Variables<'a>) -> Self {
        Self { schema, operation, variables, fields_left: FIELD_LIMIT, reserved: None }
    }

    /// Sets how many more fields the request may have; how many it could have had.
    pub fn replace_fields_left(&mut self, fields: usize) -> usize {
        std::mem::replace(&mut self.fields_left, fields)
    }

    /// The fields of an object of type `type_name`, in the order in which their keys appear first.
    ///
    /// # Errors
    /// Fields with the same key differ, a directive is unknown or wrongly used, or there are too many fields.
    pub fn collect(
        &mut self,
        sets: &[&'a [Selection]],
        type_name: &str,
        path: &Path<'_>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        // Relay's only interface is that of every table with a key.
        let is_relay = self.schema.is_relay();
        self.collect_where(sets, &|name| name == type_name || (is_relay && name == "Node"), path)
    }

    /// As [`Validator::collect`], with the fragments on every type that `fits`.
    ///
    /// # Errors
    /// As [`Validator::collect`].
    pub fn collect_where(
        &mut self,
        sets: &[&'a [Selection]],
        fits: &dyn Fn(&str) -> bool,
        path: &Path<'_>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        let mut collected = Collected::default();
        for set in sets {
            self.collect_into(&mut collected, set, fits, path)?;
        }
        Ok(collected.fields)
    }

    /// True when there is a fragment on another type than `type_name`.
    pub fn narrows(&self, sets: &[&'a [Selection]], type_name: &str) -> bool {
        let narrows = |selection: &'a Selection| match selection {
            Selection::Field(_) => false,
            Selection::InlineFragment(inline) => {
                inline.type_condition.as_ref().is_some_and(|name| name != type_name)
                    || self.narrows(&[&inline.selection_set], type_name)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.operation.fragments.get(spread.fragment_name.as_str());
                fragment.is_some_and(|fragment| {
                    fragment.type_condition != type_name || self.narrows(&[&fragment.selection_set], type_name)
                })
            }
        };
        sets.iter().flat_map(|set| set.iter()).any(narrows)
    }

    fn collect_into(
        &mut self,
        collected: &mut Collected<'a>,
        set: &'a [Selection],
        fits: &dyn Fn(&str) -> bool,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        for selection in set {
            match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name).as_str();
                    let path = path.key(key);
                    if key.starts_with(HIDDEN) {
                        self.reserved.get_or_insert(key);
                    }
                    if self.is_included(&field.directives, &path)? {
                        self.fields_left = self
                            .fields_left
                            .checked_sub(1)
                            .ok_or_else(|| Failure::invalid(path, "the query selects too many fields"))?;
                        collected.add(key, field, &path)?;
                    }
                }
                Selection::InlineFragment(inline) => {
                    let here = inline.type_condition.as_ref().is_none_or(|name| fits(name));
                    if here && self.is_included(&inline.directives, path)? {
                        self.collect_into(collected, &inline.selection_set, fits, path)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let included = self.is_included(&spread.directives, path)?;
                    let fragment = self.operation.fragments.get(spread.fragment_name.as_str()).copied();
                    if let Some(fragment) = fragment
                        && included
                        && fits(&fragment.type_condition)
                    {
                        self.collect_into(collected, &fragment.selection_set, fits, path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// `@include` and `@skip`. `@cached` asks for what only Hasura's cloud has and does no harm.
    fn is_included(&self, directives: &'a DirectiveList, path: &Path<'_>) -> Result<bool, Failure> {
        let mut included = true;
        for directive in &directives.0 {
            let wanted = match directive.name.as_str() {
                "include" => true,
                "skip" => false,
                "cached" => continue,
                other => {
                    let message = format!("directive '{other}' is not defined in the schema");
                    return Err(Failure::invalid(path, message));
                }
            };
            included &= self.condition(&directive.arguments, path)? == wanted;
        }
        Ok(included)
    }

    fn condition(&self, arguments: &'a [Node<Argument>], path: &Path<'_>) -> Result<bool, Failure> {
        let path = path.key("if");
        let Some(argument) = arguments.iter().find(|argument| argument.name == "if") else {
            return Err(Failure::invalid(path, "missing required field 'if'"));
        };
        let expected = TypeRef::from(self.schema.built_in("Boolean")).required();
        let value = self.variables.resolve(Value::Literal(&argument.value), Some(&expected), self.schema, &path)?;
        self.boolean(&value, &path)
    }

    /// # Errors
    /// It is no boolean.
    pub fn boolean(&self, value: &Value<'a>, path: &Path<'_>) -> Result<bool, Failure> {
        match self.variables.view(value) {
            View::Scalar(Datum::Boolean(value)) => Ok(value),
            other => {
                let found = other.describe();
                Err(Failure::invalid(path, format!("expected a boolean for type 'Boolean', but found {found}")))
            }
        }
    }

    /// The name of an enum value. Only JSON may write it as a string.
    ///
    /// # Errors
    /// It is something else.
    pub fn enum_name(&self, value: &Value<'a>, type_name: &str, path: &Path<'_>) -> Result<String, Failure> {
        match (self.variables.view(value), value) {
            (View::Scalar(Datum::Enum(name)), _) => Ok(name.into_owned()),
            (View::Scalar(Datum::String(name)), Value::Json { .. }) => Ok(name.into_owned()),
            (other, _) => {
                let found = other.describe();
                Err(Failure::invalid(path, format!("expected an enum value for type '{type_name}', but found {found}")))
            }
        }
    }

    /// The items of a list; a single value is a list of one, and null none at all.
    pub fn items(&self, value: Value<'a>) -> Option<Vec<Value<'a>>> {
        match self.variables.view(&value) {
            View::Null => None,
            View::List(items) => Some(items),
            View::Object(_) | View::Scalar(_) => Some(vec![value]),
        }
    }

    /// The arguments of a field by name, each with its type checked as far as a variable declares one.
    ///
    /// # Errors
    /// An argument is unknown, or a required one is missing.
    pub fn arguments(
        &self,
        field: &'a Field,
        defined: &[InputDef],
        path: &Path<'_>,
    ) -> Result<Vec<(&'a str, Value<'a>)>, Failure> {
        let mut found = Vec::with_capacity(field.arguments.len());
        for argument in &field.arguments {
            let name = argument.name.as_str();
            let Some(definition) = defined.iter().find(|definition| definition.name == name) else {
                return Err(Failure::invalid(path, format!("'{}' has no argument named '{name}'", field.name)));
            };
            let path = path.key("args");
            let value = Value::Literal(&argument.value);
            let value = self.variables.resolve(value, Some(&definition.r#type), self.schema, &path.key(name))?;
            found.push((name, value));
        }
        let needed = |found: &&InputDef| found.r#type.is_required() && found.default.is_none();
        for definition in defined.iter().filter(needed) {
            if !found.iter().any(|(name, _)| *name == definition.name) {
                let message = format!("missing required field '{}'", definition.name);
                return Err(Failure::invalid(path.key("args").key(&definition.name), message));
            }
        }
        Ok(found)
    }

    /// # Errors
    /// A scalar was given a selection set.
    pub fn leaf(&self, selected: &Selected<'_>, path: &Path<'_>) -> Result<(), Failure> {
        if selected.sets.iter().all(|set| set.is_empty()) {
            return Ok(());
        }
        Err(Failure::invalid(path, "unexpected subselection set for non-object field"))
    }

    /// The fields inside an object field.
    ///
    /// # Errors
    /// There is no selection set, or as [`Validator::collect`].
    pub fn inside(
        &mut self,
        selected: &Selected<'a>,
        type_name: &str,
        path: &Path<'_>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        if selected.sets.iter().all(|set| set.is_empty()) {
            return Err(Failure::invalid(path, format!("missing selection set for '{type_name}'")));
        }
        self.collect(&selected.sets, type_name, &path.key("selectionSet"))
    }
}

impl<'a> Collected<'a> {
    fn add(&mut self, key: &'a str, field: &'a Field, path: &Path<'_>) -> Result<(), Failure> {
        let Some(&position) = self.positions.get(key) else {
            self.positions.insert(key, self.fields.len());
            self.fields.push(Selected { key, field, sets: vec![&field.selection_set] });
            return Ok(());
        };
        let first = &mut self.fields[position];
        if first.field.name != field.name {
            let message = format!(
                "selection of both '{}' and '{}' specify the same response name, '{key}'",
                first.field.name, field.name
            );
            return Err(Failure::invalid(path, message));
        }
        if !same_arguments(&first.field.arguments, &field.arguments) {
            let message = format!("inconsistent arguments between multiple selections of field '{}'", field.name);
            return Err(Failure::invalid(path, message));
        }
        first.sets.push(&field.selection_set);
        Ok(())
    }
}

fn same_arguments(a: &[Node<Argument>], b: &[Node<Argument>]) -> bool {
    let value = |list: &[Node<Argument>], name: &Name| {
        list.iter().find(|argument| argument.name == *name).map(|argument| argument.value.clone())
    };
    a.len() == b.len() && a.iter().all(|argument| value(b, &argument.name).as_ref() == Some(&argument.value))
}
