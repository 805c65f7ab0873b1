//! The older API's commands that read and write rows: `select`, `insert`, `update`, `delete` and `count` of `/v1/query`
//! and `/v2/query`. They make the same plans as GraphQL does, so that the same permissions hold.

mod read;
mod write;

use bytes::Bytes;
use metadata::QualifiedName;
use serde_json::{Map, Value as Json};
use tokio_postgres::GenericClient;

use crate::execute;
use crate::failure::{Code, Failure};
use crate::model::resolve_expression;
use crate::parse::{self, Operation};
use crate::plan::mutation::Cell;
use crate::plan::{Field, Filter, Plan, Planner, Root, RootValue, Subject};
use crate::schema::{Schema, TableId};
use crate::session::Session;
use crate::sql;
use crate::value::{Datum, Provided};

/// Runs one command in the transaction that `client` is in; the answer is JSON. Paths of failures begin with `$.args`.
///
/// # Errors
/// The command does not fit the schema, the role may not do it, or PostgreSQL refuses.
pub async fn run(
    client: &impl GenericClient,
    schema: &Schema,
    session: &Session,
    kind: &str,
    args: &Json,
) -> Result<Bytes, Failure> {
    let plan = plan(schema, session, kind, args)?;
    let parameters = plan.bind(&Provided::new(), session);
    let parameters = parameters.map_err(|found| Failure::new(found.code, "$.args", found.message))?;
    let Some(root) = plan.roots.first() else { return Ok(Bytes::from_static(b"null")) };
    let answer = match &root.value {
        RootValue::Ready(text) => Bytes::from(text.clone()),
        RootValue::Mutation(_) => {
            let program = sql::mutation::program(schema, &plan, &root.value);
            let program = program.ok_or_else(|| Failure::new(Code::Unexpected, "$.args", "internal error"))?;
            execute::program(client, &program, &parameters).await?
        }
        _ => {
            let statement = sql::statement(schema, &plan);
            let statement = statement.ok_or_else(|| Failure::new(Code::Unexpected, "$.args", "internal error"))?;
            execute::statement(client, &statement.text, &parameters).await?
        }
    };
    match kind {
        "count" => read::count_of(&answer),
        _ => Ok(answer),
    }
}

fn plan(schema: &Schema, session: &Session, kind: &str, args: &Json) -> Result<Plan, Failure> {
    let document = parse::document("{ __typename }")?;
    let operation = Operation::of(&document, None)?;
    let provided = Provided::new();
    let planner = Planner::bare(schema, &operation, &provided, session)?;
    let args = args
        .as_object()
        .ok_or_else(|| Failure::new(Code::ParseFailed, "$.args", "expected Object for the command's arguments"))?;
    let table = table_of(schema, args)?;
    let mut reader = Reader { planner, table };
    let value = match kind {
        "select" => reader.select(args)?,
        "count" => reader.count(args)?,
        "insert" => reader.insert(args)?,
        "update" => reader.update(args)?,
        "delete" => reader.delete(args)?,
        other => return Err(Failure::new(Code::ParseFailed, "$.type", format!("unknown command \"{other}\""))),
    };
    let Planner { parameters, conditions, .. } = reader.planner;
    let roots = vec![Root { namespace: None, key: "answer".to_owned(), value }];
    let is_mutation = matches!(kind, "insert" | "update" | "delete");
    let (joins, vettings, touches) = Default::default();
    Ok(Plan {
        is_subscription: false,
        is_mutation,
        roots,
        parameters,
        conditions,
        joins,
        vettings,
        is_legacy: true,
        touches,
    })
}

fn table_of(schema: &Schema, args: &Map<String, Json>) -> Result<TableId, Failure> {
    let name = args.get("table").ok_or_else(|| missing("table", "$.args"))?;
    let name: QualifiedName = serde_json::from_value(name.clone())
        .map_err(|error| Failure::new(Code::ParseFailed, "$.args.table", error.to_string()))?;
    schema.table_of_sql(&name.schema, &name.name).ok_or_else(|| {
        let name = match name.schema.as_str() {
            "public" => name.name.clone(),
            schema => format!("{schema}.{}", name.name),
        };
        Failure::new(Code::NotExists, "$.args.table", format!("table \"{name}\" does not exist"))
    })
}

fn missing(key: &str, path: &str) -> Failure {
    Failure::new(Code::ParseFailed, path, format!("key \"{key}\" not found"))
}

/// Reads one command.
struct Reader<'a> {
    planner: Planner<'a>,
    table: TableId,
}

/// Of which table's rows a part of an expression speaks.
#[derive(Clone, Copy)]
struct Place {
    /// What `$` means.
    root: TableId,
    table: TableId,
}

impl Place {
    fn at(self, table: TableId) -> Self {
        Self { table, ..self }
    }
}

impl<'a> Reader<'a> {
    fn denied(&self, table: TableId, what: &str, more: &str) -> Failure {
        let (name, role) = (self.planner.schema.tables[table].display_name(), &self.planner.session.role);
        let message = format!("{what} on {name} for role \"{role}\" is not allowed. {more}");
        Failure::new(Code::PermissionDenied, "$.args", message)
    }

    /// The column of that name, which the role may use as `what` says.
    fn column(
        &self,
        table: TableId,
        name: &str,
        what: &str,
        allowed: impl Fn(usize) -> bool,
        path: &str,
    ) -> Result<usize, Failure> {
        let found = self.planner.schema.tables[table].column_of_sql(name).filter(|&column| allowed(column));
        found.ok_or_else(|| {
            let message = if self.planner.session.is_admin() {
                format!("no such column exists: \"{name}\"")
            } else {
                let role = &self.planner.session.role;
                format!("role \"{role}\" does not have permission to {what} column \"{name}\"")
            };
            Failure::new(Code::PermissionDenied, path, message)
        })
    }

    fn selected_column(&self, table: TableId, name: &str, path: &str) -> Result<usize, Failure> {
        let access = self.planner.schema.select(table);
        self.column(table, name, "select", |column| access.is_some_and(|access| access.column(column)), path)
    }

    /// A `where` of the client; what it compares must be the role's to select.
    fn filter(&mut self, table: TableId, expression: &Json, path: &str) -> Result<Filter, Failure> {
        let model = self.planner.schema.model();
        let filter = resolve_expression(model, table, expression)
            .map_err(|message| Failure::new(Code::UnexpectedPayload, path, message))?;
        let filter = match filter {
            // Not a permission's: it sees no more than the client does.
            Filter::Rooted(filter) => *filter,
            other => other,
        };
        let filter = self.limited(Place { root: table, table }, filter, path)?;
        self.planner.granted(&filter)
    }

    fn limited(&mut self, place: Place, filter: Filter, path: &str) -> Result<Filter, Failure> {
        Ok(match filter {
            Filter::All(filters) => Filter::All(self.all_limited(place, filters, path)?),
            Filter::Any(filters) => Filter::Any(self.all_limited(place, filters, path)?),
            Filter::Not(filter) => Filter::Not(Box::new(self.limited(place, *filter, path)?)),
            Filter::Rooted(filter) => self.limited(place, *filter, path)?,
            Filter::Compare { ref subject, ref operand, .. } => {
                if let crate::plan::Operand::Column { root, column } = operand {
                    self.check_column(if *root { place.root } else { place.table }, *column, path)?;
                }
                self.check_subject(place.table, subject, path)?;
                filter
            }
            Filter::Call { ref subject, .. } | Filter::IsNull { ref subject, .. } => {
                self.check_subject(place.table, subject, path)?;
                filter
            }
            Filter::Exists { table: other, filter } => {
                let filter = self.limited(place.at(other), *filter, path)?;
                Filter::Exists { table: other, filter: Box::new(self.visible(other, filter, path)?) }
            }
            Filter::Related { relationship, filter } => {
                let target = self.planner.schema.tables[place.table].relationships[relationship].target;
                let filter = self.limited(place.at(target), *filter, path)?;
                Filter::Related { relationship, filter: Box::new(self.visible(target, filter, path)?) }
            }
            // The older API has none.
            Filter::Folded { .. } => {
                return Err(Failure::new(Code::NotSupported, path, "aggregates cannot be compared here"));
            }
            other => return self.refuse_computed(other, path),
        })
    }

    fn refuse_computed(&self, filter: Filter, path: &str) -> Result<Filter, Failure> {
        if self.planner.schema.is_admin() {
            return Ok(filter);
        }
        Err(Failure::new(Code::NotSupported, path, "this expression cannot be used here"))
    }

    fn all_limited(&mut self, place: Place, filters: Vec<Filter>, path: &str) -> Result<Vec<Filter>, Failure> {
        filters.into_iter().map(|filter| self.limited(place, filter, path)).collect()
    }

    fn visible(&mut self, table: TableId, filter: Filter, path: &str) -> Result<Filter, Failure> {
        if self.planner.schema.select(table).is_none() {
            let mut failure = self.denied(table, "select", "");
            failure.path = path.to_owned();
            return Err(failure);
        }
        self.planner.visible(table, filter)
    }

    fn check_subject(&mut self, table: TableId, subject: &Subject, path: &str) -> Result<(), Failure> {
        match subject {
            Subject::Column(column) | Subject::Cast(column, _) => self.check_column(table, *column, path),
            _ if self.planner.schema.is_admin() => Ok(()),
            Subject::Computed { computed, .. } => {
                let access = self.planner.schema.select(table);
                if access.is_some_and(|access| access.computed(*computed)) {
                    return self.planner.see(table, Field::Computed(*computed));
                }
                Err(self.denied(table, "select", ""))
            }
            Subject::Fold => Ok(()),
        }
    }

    fn check_column(&mut self, table: TableId, column: usize, path: &str) -> Result<(), Failure> {
        let name = self.planner.schema.column(table, column).sql_name.clone();
        self.selected_column(table, &name, path)?;
        self.planner.see(table, Field::Column(column))
    }

    /// A value written to a column.
    fn cell(&mut self, table: TableId, column: usize, value: &Json, path: &str) -> Result<Cell, Failure> {
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let encoding = self.planner.schema.column_encoding(table, column);
        let text = encoding.encode(&Datum::from_json(value));
        let text = text.map_err(|found| Failure::new(found.code, path, found.message))?;
        Ok(Cell::Parameter(self.planner.constant(&text), self.planner.schema.column_cast(table, column)))
    }
}
