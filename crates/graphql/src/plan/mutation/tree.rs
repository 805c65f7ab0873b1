//! A mutation's parts.

use crate::plan::{Cast, Filter, Output, ParameterId};
use crate::schema::TableId;

/// A root field that changes a table.
#[derive(Debug)]
pub enum Mutation {
    Insert(Box<Insert>),
    Update(Update),
    Delete(Delete),
}

#[derive(Debug)]
pub struct Insert {
    pub rows: NewRows,
    pub response: Response,
}

/// What an insert writes, at any level.
#[derive(Debug)]
pub struct NewRows {
    pub table: TableId,
    pub objects: Objects,
    /// Columns that the permission sets in every row.
    pub presets: Vec<(usize, Cell)>,
    /// What every new row must satisfy.
    pub check: Filter,
    pub conflict: Option<Conflict>,
    /// Where an error of the statement is told: `$.selectionSet.insert_users.args.objects`.
    pub path: String,
}

#[derive(Debug)]
pub enum Objects {
    /// Rows with the same columns and nothing nested, however many: for each column an array of their values.
    Columns(Vec<(usize, ParameterId, Cast)>),
    Each(Vec<Object>),
}

#[derive(Debug)]
pub struct Object {
    pub cells: Vec<(usize, Cell)>,
    pub nested: Vec<Nested>,
}

/// Rows of another table, written together with one.
#[derive(Debug)]
pub struct Nested {
    /// Position in the table's relationships.
    pub relationship: usize,
    pub rows: NewRows,
}

/// A value written to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Parameter(ParameterId, Cast),
    Null,
    /// The column's own default.
    Default,
}

#[derive(Debug)]
pub struct Conflict {
    pub target: ConflictTarget,
    /// Taken from the row that could not be inserted; without any, such a row is left out.
    pub columns: Vec<usize>,
    /// Columns that the update permission sets.
    pub presets: Vec<(usize, Cell)>,
    /// Which of the rows in the way are changed.
    pub filter: Filter,
    /// What a changed row must satisfy; else what a new one must.
    pub check: Option<Filter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictTarget {
    Any,
    /// The constraint's name, quoted.
    Constraint(String),
    Columns(Vec<usize>),
}

#[derive(Debug)]
pub struct Update {
    pub table: TableId,
    pub batches: Vec<Batch>,
    /// Answers with a list of what each batch gives.
    pub many: bool,
    pub check: Filter,
    pub response: Response,
}

/// Changes to the rows that pass.
#[derive(Debug)]
pub struct Batch {
    pub filter: Filter,
    /// Without any, nothing is written.
    pub changes: Vec<(usize, Change)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Set(Cell),
    /// `column + value`.
    Add(Cell),
    /// `column * value`.
    Multiply(Cell),
    /// `column || value` of JSON.
    Append(Cell),
    /// `value || column` of JSON.
    Prepend(Cell),
    /// JSON without a key (text), an element (int4) or what stands at a path (text[]): operator and value.
    Remove(&'static str, Cell),
}

#[derive(Debug)]
pub struct Delete {
    pub table: TableId,
    pub filter: Filter,
    pub response: Response,
}

/// What the field shows.
#[derive(Debug)]
pub enum Response {
    /// `<table>_mutation_response`
    Fields(Vec<ResponseField>),
    /// The row itself, or null.
    Row(Vec<Output>),
}

#[derive(Debug)]
pub struct ResponseField {
    pub key: String,
    pub value: ResponseValue,
}

#[derive(Debug)]
pub enum ResponseValue {
    AffectedRows,
    Returning(Vec<Output>),
    TypeName(String),
}
