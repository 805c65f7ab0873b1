//! Request to plan: what to read from which table, with every name checked against the schema.
//!
//! A [`Plan`] says nothing about SQL; [`crate::sql`] writes that. Errors carry Hasura's messages and paths.

mod aggregate;
mod ceiling;
mod direction;
mod filter;
mod function;
pub mod mutation;
mod order;
mod permission;
pub(crate) mod relay;
mod rows;
mod selection;
mod stream;
mod tree;

use apollo_compiler::ast::{OperationDefinition, OperationType};

use crate::failure::{Code, Failure, Path};
use crate::foreign::plan::Destination;
use crate::introspection;
use crate::parse::{DEPTH_LIMIT, Operation};
use crate::schema::{Level, Operation as Surface, Schema, TypeId, TypeRef};
use crate::session::Session;
use crate::validate::Validator;
use crate::value::{Encoding, Mismatch, Provided, Value, Variables};

pub use ceiling::{LEVEL_LIMIT, READ_LIMIT, WIDTH_LIMIT};
pub use direction::Direction;
pub(crate) use function::Callee;
pub use relay::Slice;
pub(crate) use rows::unknown_value;
pub use tree::{
    AggregateOutput, AggregateSelect, AggregateValue, Call, Cast, Condition, Connection, ConnectionOutput,
    ConnectionValue, EdgeOutput, EdgeValue, Field, FieldOutput, FieldValue, Filter, Fold, From, Offset, OpColumn,
    Operand, Order, OrderJoin, OrderTarget, OrderValue, Output, OutputValue, Over, PageInfo, PageOutput, Parameter,
    ParameterId, Plan, Reader, Root, RootValue, Rows, Select, Split, Stream, StreamCursor, Subject,
};

/// Where root fields stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'t> {
    pub surface: Surface,
    pub level: Level,
    /// Of the object that they are in.
    pub type_name: &'t str,
}

/// Builds the plan of one request.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub schema: &'a Schema,
    pub validator: Validator<'a>,
    pub provided: &'a Provided,
    pub session: &'a Session,
    pub parameters: Vec<Parameter>,
    pub conditions: Vec<Condition>,
    /// What others than the database are asked.
    pub foreign: crate::foreign::plan::Parts,
    pub vettings: Vec<crate::vetting::Vetting>,
    /// Nesting of the input object being read.
    depth: usize,
    asked: ceiling::Asked,
}

impl Plan {
    /// # Errors
    /// The request does not fit the schema.
    pub fn new<'a>(
        schema: &'a Schema,
        operation: &'a Operation<'a>,
        provided: &'a Provided,
        session: &'a Session,
    ) -> Result<Self, Failure> {
        let mut planner = Planner::bare(schema, operation, provided, session)?;
        let set = operation.definition.selection_set.as_slice();
        let path = Path::ROOT.key("selectionSet");
        let surface = match operation.definition.operation_type {
            OperationType::Query => Surface::Query,
            OperationType::Mutation => Surface::Mutation,
            OperationType::Subscription => Surface::Subscription,
        };
        let root_type = surface.root_type();
        // Whichever table allows one: the plan does not depend on it.
        if surface == Surface::Mutation && !schema.unnoted().exists(TypeId::MutationRoot) {
            return Err(Failure::invalid("$", "no mutations exist"));
        }
        let mut roots = Vec::new();
        let fields = planner.validator.collect(&[set], root_type, &path)?;
        ceiling::check_width(fields.len(), &path)?;
        let place = Place { surface, level: Level::Top, type_name: root_type };
        for selected in fields {
            let path = path.key(selected.key);
            if schema.root(surface, &selected.field.name) == Some(crate::schema::Root::Namespace) {
                planner.namespace(surface, &selected, &path, &mut roots)?;
                continue;
            }
            let value = planner.root(place, &selected, &path)?;
            roots.push(Root { namespace: None, key: selected.key.to_owned(), value });
        }
        if surface == Surface::Subscription && roots.len() > 1 && !allows_many(operation.definition) {
            return Err(Failure::invalid("$", "subscriptions must select one top level field"));
        }
        let (is_subscription, is_mutation) = (surface == Surface::Subscription, surface == Surface::Mutation);
        let Planner { validator, parameters, conditions, foreign, vettings, .. } = planner;
        if is_subscription {
            check_subscription(&roots, &foreign)?;
        }
        // Joins start from hidden keys; a client's own would make one start from another value.
        if let (false, Some(key)) = (foreign.joins.is_empty(), validator.reserved) {
            return Err(Failure::invalid("$", format!("the name '{key}' is reserved")));
        }
        let (joins, touches) = (foreign.joins, validator.variables.into_touches());
        Ok(Self {
            is_subscription,
            is_mutation,
            roots,
            parameters,
            conditions,
            joins,
            vettings,
            is_legacy: false,
            touches,
        })
    }

    /// The texts of all parameters for one request, or what is wrong with a value.
    ///
    /// # Errors
    /// A value is not of the type that its place wants, or the session lacks a variable that a permission names. The
    /// caller plans again to learn the path.
    pub fn bind(&self, provided: &Provided, session: &Session) -> Result<Vec<String>, Mismatch> {
        let bind = |parameter: &Parameter| match &parameter.constant {
            Some(text) => Ok(text.clone()),
            None => parameter.encoding.encode(&parameter.source.value(provided, session)?),
        };
        self.parameters.iter().map(bind).collect()
    }
}

impl<'a> Planner<'a> {
    /// Before anything is planned.
    ///
    /// # Errors
    /// The variables do not fit their declarations.
    pub(crate) fn bare(
        schema: &'a Schema,
        operation: &'a Operation<'a>,
        provided: &'a Provided,
        session: &'a Session,
    ) -> Result<Self, Failure> {
        let variables = Variables::new(operation.definition, provided)?;
        let validator = Validator::new(schema, operation, variables);
        Ok(Self {
            schema,
            validator,
            provided,
            session,
            parameters: Vec::new(),
            conditions: Vec::new(),
            foreign: Default::default(),
            vettings: Vec::new(),
            depth: 0,
            asked: Default::default(),
        })
    }

    /// All that is asked inside the source's namespace.
    fn namespace(
        &mut self,
        surface: Surface,
        selected: &crate::validate::Selected<'a>,
        path: &Path<'_>,
        roots: &mut Vec<Root>,
    ) -> Result<(), Failure> {
        self.validator.arguments(selected.field, &[], path)?;
        let type_name = self.schema.type_name(TypeId::Namespace(surface));
        let fields = self.validator.inside(selected, &type_name, path)?;
        ceiling::check_width(fields.len(), path)?;
        let path = path.key("selectionSet");
        let place = Place { surface, level: Level::Namespace, type_name: &type_name };
        for inner in &fields {
            let value = self.root(place, inner, &path.key(inner.key))?;
            let namespace = Some(selected.key.to_owned());
            roots.push(Root { namespace, key: inner.key.to_owned(), value });
        }
        if fields.is_empty() {
            let value = RootValue::Ready("{}".to_owned());
            roots.push(Root { namespace: None, key: selected.key.to_owned(), value });
        }
        Ok(())
    }

    fn root(
        &mut self,
        place: Place<'_>,
        selected: &crate::validate::Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let name = selected.field.name.as_str();
        let (is_top, is_mutation) = (place.level == Level::Top, place.surface == Surface::Mutation);
        match name {
            "__typename" => {
                self.validator.leaf(selected, path)?;
                Ok(RootValue::Ready(format!("\"{}\"", place.type_name)))
            }
            "__schema" | "__type" if is_top && !is_mutation && !self.schema.hides_itself() => {
                introspection::root(self, selected, path).map(RootValue::Ready)
            }
            "no_queries_available" if is_top && !is_mutation && self.schema.is_empty() => {
                let text = "\"There are no queries available to the current role.\"";
                Ok(RootValue::Ready(text.to_owned()))
            }
            _ if is_mutation => self.mutation_root(place, selected, path),
            _ if self.schema.is_relay() => self.relay_root(place, selected, path),
            _ => self.reading_root(place, selected, path),
        }
    }

    /// A field that reads, or one that an action or a service answers.
    fn reading_root(
        &mut self,
        place: Place<'_>,
        selected: &crate::validate::Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        use crate::schema::Root as Field;
        let name = selected.field.name.as_str();
        match self.schema.root_at(place.level, place.surface, name) {
            Some(Field::Rows(table)) => self.select(table, Callee::Nothing, selected, path).map(RootValue::Rows),
            Some(Field::ByPrimaryKey(table)) => self.by_primary_key(table, selected, path).map(RootValue::One),
            Some(Field::Aggregate(table)) => {
                self.aggregate_select(table, Callee::Nothing, selected, path).map(RootValue::Aggregate)
            }
            Some(Field::Stream(table)) => self.stream(table, selected, path).map(RootValue::Stream),
            Some(Field::Function(function)) => self.function(function, selected, path),
            Some(Field::FunctionAggregate(function)) => {
                let table = self.schema.functions[function].returns;
                self.aggregate_select(table, Callee::Function(function), selected, path).map(RootValue::Aggregate)
            }
            Some(Field::Action(id)) => self.action(id, selected, path).map(Box::new).map(RootValue::Action),
            Some(Field::ActionResult(id)) => {
                self.action_outcome(id, selected, path).map(Box::new).map(RootValue::ActionOutcome)
            }
            Some(Field::Remote(id)) => self.remote_root(id, selected, path).map(Box::new).map(RootValue::Remote),
            _ => Err(unknown_field(name, place.type_name, path)),
        }
    }

    /// Reads an input object that may hold others of its kind. Variables can be nested deeper than any document.
    pub(crate) fn nested<T>(
        &mut self,
        path: &Path<'_>,
        read: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.depth >= DEPTH_LIMIT {
            return Err(Failure::invalid(path, "the value is nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Takes a value as a parameter, wherever it stands.
    fn parameter(
        &mut self,
        value: Value<'a>,
        expected: &TypeRef,
        encoding: Encoding,
        path: &Path<'_>,
    ) -> Result<ParameterId, Failure> {
        let source = self.validator.variables.source(value, Some(expected), self.schema, path)?;
        if let Some(name) = encoding.enum_name().filter(|_| source.writes_text()) {
            let message = format!("expected an enum value for type '{name}', but found a string");
            return Err(Failure::invalid(path, message));
        }
        // Also done for what differs from request to request: here the path is known that an error names.
        let text = source.value(self.provided, self.session).and_then(|datum| encoding.encode(&datum));
        let text = text.map_err(|found| mismatch(&found, path))?;
        let constant = source.is_constant().then_some(text);
        Ok(self.push(Parameter { source, encoding, constant }))
    }

    fn push(&mut self, parameter: Parameter) -> ParameterId {
        self.parameters.push(parameter);
        self.parameters.len() - 1
    }
}

/// Hasura's directive for a subscription of several fields.
fn allows_many(operation: &OperationDefinition) -> bool {
    operation.directives.0.iter().any(|directive| directive.name == "_multiple_top_level_fields")
}

/// Other services do not tell when they change, and asking them every second is not for us to decide. What became of
/// an asynchronous action, and the rows that belong to it, are in our own database.
fn check_subscription(roots: &[Root], foreign: &crate::foreign::plan::Parts) -> Result<(), Failure> {
    let refused = |message: &str| Err(Failure::new(Code::NotSupported, "$", message));
    if foreign.joins.iter().any(|join| matches!(join.to, Destination::Remote(_))) {
        return refused("Remote relationships are not allowed in subscriptions");
    }
    if roots.iter().any(|root| matches!(root.value, RootValue::Remote(_) | RootValue::Action(_))) {
        return refused("subscription to remote server is not supported");
    }
    Ok(())
}

pub(crate) fn unknown_field(name: &str, type_name: &str, path: &Path<'_>) -> Failure {
    Failure::invalid(path, format!("field '{name}' not found in type: '{type_name}'"))
}

fn mismatch(found: &Mismatch, path: &Path<'_>) -> Failure {
    let path = match found.index {
        Some(index) => path.index(index).to_string(),
        None => path.to_string(),
    };
    Failure::new(found.code, path, found.message.clone())
}
