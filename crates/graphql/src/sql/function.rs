//! Calls of SQL functions: tracked ones and computed fields.

use std::fmt::Write as _;

use crate::model::ArgumentPlace;
use crate::plan::{Cast, Operand, ParameterId};

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
                Given::Session(id) => self.parameter(id),
                Given::Value(Operand::Parameter(id), cast) => self.value(*id, cast),
                Given::Value(_, cast) => sql!(self, "NULL::{}", cast.sql),
            }
        }
        self.out.push(')');
    }

    /// A computed field that takes nothing from the client.
    pub(super) fn computed_of_row(&mut self, table: usize, computed: usize, session: Option<ParameterId>, row: Alias) {
        let schema = self.schema;
        let found = &schema.tables[table].computed[computed];
        let mut given = vec![(&found.table_argument, Given::Row(row))];
        if let (Some(place), Some(id)) = (&found.session_argument, session) {
            given.push((place, Given::Session(id)));
        }
        self.call_function(&found.function, given);
    }
}
