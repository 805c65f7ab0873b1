//! Request to plan: what to read from which table, with every name checked against the schema.
//!
//! A [`Plan`] says nothing about SQL; [`crate::sql`] writes that. Errors carry Hasura's messages and paths.

mod aggregate;
mod direction;
mod filter;
mod order;
mod permission;
mod rows;
mod selection;

use crate::failure::{Failure, Path};
use crate::introspection;
use crate::parse::{DEPTH_LIMIT, Operation};
use crate::schema::{AggregateOp, BoolFold, Operation as Surface, Operator, Schema, TableId, TypeRef};
use crate::session::Session;
use crate::validate::Validator;
use crate::value::{Encoding, Mismatch, Provided, Source, Touch, Value, Variables};

pub use direction::Direction;

/// Position in [`Plan::parameters`].
pub type ParameterId = usize;

/// One request, ready to be written as SQL.
#[derive(Debug)]
pub struct Plan {
    pub roots: Vec<Root>,
    pub parameters: Vec<Parameter>,
    /// What must be the same in another request's variables for this plan to fit it.
    pub touches: Vec<Touch>,
}

/// A key of `data`.
#[derive(Debug)]
pub struct Root {
    pub key: String,
    pub value: RootValue,
}

#[derive(Debug)]
pub enum RootValue {
    Rows(Select),
    /// At most one row, else null.
    One(Select),
    Aggregate(AggregateSelect),
    /// Needs no database: its JSON.
    Ready(String),
}

/// A value sent beside the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub source: Source,
    pub encoding: Encoding,
    /// Its text, where it is the same for every request.
    pub constant: Option<String>,
}

#[derive(Debug)]
pub struct Select {
    pub table: TableId,
    pub rows: Rows,
    pub output: Vec<Output>,
}

/// Which rows, in which order.
#[derive(Debug)]
pub struct Rows {
    pub filter: Filter,
    pub distinct: Vec<usize>,
    pub order: Vec<Order>,
    pub limit: Option<u32>,
    pub offset: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    Fixed(u64),
    Parameter(ParameterId),
}

#[derive(Debug)]
pub struct Output {
    pub key: String,
    pub value: OutputValue,
}

#[derive(Debug)]
pub enum OutputValue {
    Column { column: usize, path: Option<ParameterId> },
    Object { relationship: usize, select: Select },
    Array { relationship: usize, select: Select },
    Aggregate { relationship: usize, select: AggregateSelect },
    TypeName(String),
}

#[derive(Debug)]
pub struct AggregateSelect {
    pub table: TableId,
    pub rows: Rows,
    pub output: Vec<AggregateOutput>,
}

#[derive(Debug)]
pub struct AggregateOutput {
    pub key: String,
    pub value: AggregateValue,
}

#[derive(Debug)]
pub enum AggregateValue {
    Fields(Vec<FieldOutput>),
    Nodes(Vec<Output>),
    TypeName(String),
}

#[derive(Debug)]
pub struct FieldOutput {
    pub key: String,
    pub value: FieldValue,
}

#[derive(Debug)]
pub enum FieldValue {
    Count { columns: Vec<usize>, distinct: bool },
    Op { op: AggregateOp, columns: Vec<(String, OpColumn)> },
    TypeName(String),
}

#[derive(Debug)]
pub enum OpColumn {
    Column(usize),
    TypeName(String),
}

/// A condition on a row, of a request or of a permission.
///
/// Permissions hold [`Operand::Session`] and [`Operand::Literal`]; a request's plan holds neither, since
/// [`Planner::granted`] makes parameters of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        subject: Subject,
        operator: &'static Operator,
        operand: Operand,
        cast: String,
    },
    IsNull {
        subject: Subject,
        wanted: bool,
    },
    /// A row exists over the relationship that passes.
    Related {
        relationship: usize,
        filter: Box<Filter>,
    },
    /// A row of any table passes, whatever this row is: `_exists`.
    Exists {
        table: TableId,
        filter: Box<Filter>,
    },
    /// The condition of one permission: its row is what [`Operand::Column`] with `root` means inside.
    Rooted(Box<Filter>),
    /// An aggregate over the relationship's passing rows satisfies the predicate.
    Folded {
        relationship: usize,
        fold: Fold,
        filter: Box<Filter>,
        predicate: Box<Filter>,
    },
}

/// Right-hand side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Parameter(ParameterId),
    /// A session variable by its lower-case name. Its text is PostgreSQL's own, of lists too.
    Session(String),
    /// A text in PostgreSQL's format that the metadata gives.
    Literal(String),
    /// Another column: of the same row, or of the row around the whole condition.
    Column {
        root: bool,
        column: usize,
    },
}

/// Left-hand side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Column(usize),
    /// A scalar computed field without arguments.
    Computed(usize),
    /// The column's text.
    ColumnText(usize),
    /// The aggregate of the surrounding [`Filter::Folded`].
    Fold,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fold {
    Count { columns: Vec<usize>, distinct: bool },
    Boolean { fold: BoolFold, column: usize, distinct: bool },
}

#[derive(Debug)]
pub struct Order {
    pub target: OrderTarget,
    pub direction: Direction,
}

#[derive(Debug)]
pub enum OrderTarget {
    Column(usize),
    /// Through an object relationship.
    Related {
        relationship: usize,
        target: Box<OrderTarget>,
    },
    Count {
        relationship: usize,
    },
    Op {
        relationship: usize,
        op: AggregateOp,
        column: usize,
    },
}

/// Builds the plan of one request.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub schema: &'a Schema,
    pub validator: Validator<'a>,
    provided: &'a Provided,
    pub session: &'a Session,
    pub parameters: Vec<Parameter>,
    /// Nesting of the input object being read.
    depth: usize,
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
        let variables = Variables::new(operation.definition, provided)?;
        let validator = Validator::new(schema, operation, variables);
        let mut planner = Planner { schema, validator, provided, session, parameters: Vec::new(), depth: 0 };
        let set = operation.definition.selection_set.as_slice();
        let path = Path::ROOT.key("selectionSet");
        let mut roots = Vec::new();
        for selected in planner.validator.collect(&[set], "query_root", &path)? {
            let path = path.key(selected.key);
            let value = planner.root(&selected, &path)?;
            roots.push(Root { key: selected.key.to_owned(), value });
        }
        let Planner { validator, parameters, .. } = planner;
        Ok(Self { roots, parameters, touches: validator.variables.into_touches() })
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
    fn root(&mut self, selected: &crate::validate::Selected<'a>, path: &Path<'_>) -> Result<RootValue, Failure> {
        use crate::schema::Root as Field;
        let name = selected.field.name.as_str();
        match name {
            "__typename" => {
                self.validator.leaf(selected, path)?;
                return Ok(RootValue::Ready("\"query_root\"".to_owned()));
            }
            "__schema" | "__type" => return introspection::root(self, selected, path).map(RootValue::Ready),
            "no_queries_available" if self.schema.is_empty() => {
                let text = "\"There are no queries available to the current role.\"";
                return Ok(RootValue::Ready(text.to_owned()));
            }
            _ => {}
        }
        match self.schema.root(Surface::Query, name) {
            Some(Field::Rows(table)) => self.select(table, selected, path).map(RootValue::Rows),
            Some(Field::ByPrimaryKey(table)) => self.by_primary_key(table, selected, path).map(RootValue::One),
            Some(Field::Aggregate(table)) => self.aggregate_select(table, selected, path).map(RootValue::Aggregate),
            _ => Err(unknown_field(name, "query_root", path)),
        }
    }

    /// Reads an input object that may hold others of its kind. Variables can be nested deeper than any document.
    fn nested<T>(&mut self, path: &Path<'_>, read: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
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
        // Also done for what differs from request to request: here the path is known that an error names.
        let text = source.value(self.provided, self.session).and_then(|datum| encoding.encode(&datum));
        let text = text.map_err(|found| mismatch(&found, path))?;
        let constant = source.is_constant().then_some(text);
        self.parameters.push(Parameter { source, encoding, constant });
        Ok(self.parameters.len() - 1)
    }
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
