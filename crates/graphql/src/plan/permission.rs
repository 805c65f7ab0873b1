//! The role's own conditions, put into a request's plan.

use crate::failure::{Code, Failure};
use crate::schema::{Schema, TableId, Takes};
use crate::value::{Encoding, Source};

use super::{Cast, Condition, Field, Filter, Operand, Parameter, ParameterId, Planner, Subject};

impl Planner<'_> {
    /// Which rows of a table the role may select; none for all.
    ///
    /// # Errors
    /// As [`Planner::granted`].
    pub(crate) fn selectable(&mut self, table: TableId) -> Result<Option<Filter>, Failure> {
        let schema = self.schema;
        // Whoever asks has made sure that the role may; if not, there is nothing to be seen.
        let Some(access) = schema.select(table) else { return Ok(Some(Filter::Any(Vec::new()))) };
        access.filter().map(|filter| self.rooted(filter)).transpose()
    }

    /// Marks where a permission's condition begins: what it compares is not subject to the role's own view.
    pub(super) fn rooted(&mut self, filter: &Filter) -> Result<Filter, Failure> {
        Ok(match self.granted(filter)? {
            rooted @ Filter::Rooted(_) => rooted,
            other => Filter::Rooted(Box::new(other)),
        })
    }

    /// To be called for everything a request shows, compares, sorts by or counts: an inherited role may see it in some
    /// rows only.
    ///
    /// # Errors
    /// As [`Planner::granted`].
    pub(crate) fn see(&mut self, table: TableId, field: Field) -> Result<(), Failure> {
        let schema = self.schema;
        let Some(filter) = schema.condition(table, field) else { return Ok(()) };
        if !self.conditions.iter().any(|found| found.table == table && found.field == field) {
            let filter = self.rooted(filter)?;
            self.conditions.push(Condition { table, field, filter });
        }
        Ok(())
    }

    /// Rows of a table that pass and that the role may select.
    ///
    /// # Errors
    /// As [`Planner::granted`], or the request reads tables in too many places.
    pub(crate) fn visible(&mut self, table: TableId, filter: Filter) -> Result<Filter, Failure> {
        self.count_read()?;
        Ok(match self.selectable(table)? {
            Some(permission) if filter.is_everything() => permission,
            Some(permission) => Filter::All(vec![permission, filter]),
            None => filter,
        })
    }

    /// A permission's condition with parameters for the session's variables and for values of the metadata.
    ///
    /// # Errors
    /// The session lacks a variable that the condition names.
    pub(crate) fn granted(&mut self, filter: &Filter) -> Result<Filter, Failure> {
        let many = |planner: &mut Self, filters: &[Filter]| {
            filters.iter().map(|filter| planner.granted(filter)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::All(filters) => Filter::All(many(self, filters)?),
            Filter::Any(filters) => Filter::Any(many(self, filters)?),
            Filter::Not(filter) => Filter::Not(Box::new(self.granted(filter)?)),
            Filter::Compare { subject, operator, operand, cast } => {
                let is_list = matches!(operator.takes, Takes::List | Takes::TextList(_));
                let operand = self.granted_operand(operand, cast, is_list)?;
                let subject = self.granted_subject(subject);
                Filter::Compare { subject, operator, operand, cast: cast.clone() }
            }
            Filter::Call { subject, operator, arguments } => {
                let arguments = arguments
                    .iter()
                    .map(|(operand, cast)| Ok((self.granted_operand(operand, cast, false)?, cast.clone())));
                let arguments = arguments.collect::<Result<_, Failure>>()?;
                Filter::Call { subject: self.granted_subject(subject), operator, arguments }
            }
            Filter::ComputedRows { computed, session, filter } => Filter::ComputedRows {
                computed: *computed,
                session: session.as_ref().map(|_| Operand::Parameter(self.whole_session())),
                filter: Box::new(self.granted(filter)?),
            },
            Filter::IsNull { subject, wanted } => {
                Filter::IsNull { subject: self.granted_subject(subject), wanted: *wanted }
            }
            Filter::Related { relationship, filter } => {
                Filter::Related { relationship: *relationship, filter: Box::new(self.granted(filter)?) }
            }
            Filter::Exists { table, filter } => {
                Filter::Exists { table: *table, filter: Box::new(self.granted(filter)?) }
            }
            Filter::Rooted(filter) => Filter::Rooted(Box::new(self.granted(filter)?)),
            Filter::Folded { relationship, fold, filter, predicate } => Filter::Folded {
                relationship: *relationship,
                fold: fold.clone(),
                filter: Box::new(self.granted(filter)?),
                predicate: Box::new(self.granted(predicate)?),
            },
        })
    }

    fn granted_operand(&mut self, operand: &Operand, cast: &Cast, is_list: bool) -> Result<Operand, Failure> {
        Ok(match operand {
            Operand::Session(name) => {
                let sql = if is_list { format!("{}[]", cast.sql) } else { cast.sql.clone() };
                Operand::Parameter(self.session_parameter(name, &sql)?)
            }
            Operand::Literal(text) => Operand::Parameter(self.constant(text)),
            Operand::WholeSession => Operand::Parameter(self.whole_session()),
            other => other.clone(),
        })
    }

    fn granted_subject(&mut self, subject: &Subject) -> Subject {
        match subject {
            Subject::Computed { computed, session: Some(_) } => {
                let session = Some(Operand::Parameter(self.whole_session()));
                Subject::Computed { computed: *computed, session }
            }
            other => other.clone(),
        }
    }

    /// A session variable's text. PostgreSQL takes a parameter's type from its first cast, so that each cast has its
    /// own.
    ///
    /// # Errors
    /// The session does not have it.
    pub(crate) fn session_parameter(&mut self, name: &str, cast: &str) -> Result<ParameterId, Failure> {
        let source = Source::Session { name: name.to_owned(), cast: cast.to_owned() };
        if let Some(found) = self.parameters.iter().position(|parameter| parameter.source == source) {
            return Ok(found);
        }
        if self.session.variable(name).is_none() {
            return Err(Failure::new(Code::NotFound, "$", format!("missing session variable: \"{name}\"")));
        }
        self.parameters.push(Parameter { source, encoding: Encoding::Verbatim, constant: None });
        Ok(self.parameters.len() - 1)
    }

    pub(crate) fn constant(&mut self, text: &str) -> ParameterId {
        let source = Source::Literal(crate::value::Datum::String(text.to_owned().into()));
        self.parameters.push(Parameter { source, encoding: Encoding::Verbatim, constant: Some(text.to_owned()) });
        self.parameters.len() - 1
    }
}

impl Schema {
    /// Rows in which the role may see a value; none for all.
    pub(crate) fn condition(&self, table: TableId, field: Field) -> Option<&Filter> {
        let access = self.select(table)?;
        match field {
            Field::Column(column) => access.condition(column),
            Field::Computed(computed) => access.computed_condition(computed),
        }
    }
}
