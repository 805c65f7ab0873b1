//! Calls of SQL functions: tracked ones and computed fields.

use std::fmt::Write as _;

use crate::model::{ArgumentPlace, FunctionArgument};
use crate::plan::{Call, Cast, From, Operand, ParameterId};

use super::{Alias, Writer, sql};

/// What a function is called with at one place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'p> {
    /// The row around the call.
    Row(Alias),
    Value(&'p Operand, &'p Cast),
    /// The session, as JSON.
    Session(ParameterId),
}

impl Writer<'_> {
    /// `"public"."search"(($1)::text, "session" => ($2)::json)`: by position as far as no argument is left out.
    pub(super) fn call_function(&mut self, function: &str, mut given: Vec<(&ArgumentPlace, Given<'_>)>) {
        given.sort_by_key(|(place, _)| place.position);
        sql!(self, "{function}(");
        let mut by_position = true;
        for (index, (place, value)) in given.into_iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            by_position &= place.position == index;
            if let (false, Some(name)) = (by_position, &place.name) {
                sql!(self, "{name} => ");
            }
            match value {
                Given::Row(alias) => sql!(self, "\"{alias}\""),
                Given::Session(id) => {
                    self.parameter(id);
                    self.out.push_str("::json");
                }
                Given::Value(Operand::Parameter(id), cast) => self.value(*id, cast),
                Given::Value(_, cast) => sql!(self, "NULL::{}", cast.sql),
            }
        }
        self.out.push(')');
    }

    pub(super) fn computed_call(&mut self, table: usize, computed: usize, call: &Call, row: Alias) {
        let schema = self.schema;
        let found = &schema.tables[table].computed[computed];
        let mut given = given(&found.arguments, found.session_argument.as_ref(), call);
        given.push((&found.table_argument, Given::Row(row)));
        self.call_function(&found.function, given);
    }

    /// A computed field that takes nothing from the client.
    pub(super) fn computed_of_row(&mut self, table: usize, computed: usize, session: Option<&Operand>, row: Alias) {
        let session = match session {
            Some(Operand::Parameter(id)) => Some(*id),
            _ => None,
        };
        self.computed_call(table, computed, &Call { arguments: Vec::new(), session }, row);
    }

    /// What stands after `FROM`.
    pub(super) fn source(&mut self, table: usize, from: &From, outer: Option<Alias>) {
        let schema = self.schema;
        match (from, outer) {
            (From::Function { function, call }, _) => {
                let found = &schema.functions[*function];
                let given = given(&found.arguments, found.session_argument.as_ref(), call);
                self.call_function(&found.sql, given);
            }
            (From::Computed { table, computed, call }, Some(row)) => self.computed_call(*table, *computed, call, row),
            (From::Table | From::Computed { .. }, _) => self.out.push_str(&schema.tables[table].relation),
        }
    }
}

fn given<'p>(
    arguments: &'p [FunctionArgument],
    session: Option<&'p ArgumentPlace>,
    call: &'p Call,
) -> Vec<(&'p ArgumentPlace, Given<'p>)> {
    let arguments = call
        .arguments
        .iter()
        .map(|(position, operand, cast)| (&arguments[*position].place, Given::Value(operand, cast)));
    let session = session.zip(call.session).map(|(place, id)| (place, Given::Session(id)));
    arguments.chain(session).collect()
}
