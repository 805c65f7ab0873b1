//! Mutations to SQL: for each root field a program of statements that run in order in one transaction.
//!
//! Most are one statement, which writes the rows, checks them and shows them. What a permission demands of written rows
//! is computed where they are written (`RETURNING … AS "$check"`); where a row fails, the statement raises an error, so
//! that no other code has to undo it.
//!
//! All parts of one statement see the database as it was before it. So where the response reads other rows than the
//! written ones (relationships, aggregates, functions), the first statement gives the written rows as one array of the
//! table's row type, and a second one shows them. Nested inserts work alike: each statement writes all rows that one
//! relationship brings at one depth, and takes its keys from the arrays of those before.

mod change;
mod insert;
mod response;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::plan::mutation::Mutation;
use crate::plan::{Filter, ParameterId, Plan, RootValue};
use crate::schema::Schema;

use super::{Alias, Writer, sql};

/// Not JSON: a statement whose rows fail their permission's check reads it as such.
pub const FAILED_CHECK: &str = "nself_failed_check";

/// What the statement wrote.
const CHANGED: &str = "\"$changed\"";

/// The statements of one root field. The last one, and no other, gives the field's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub text: String,
    /// `$1`, `$2`, ….
    pub arguments: Vec<Argument>,
    /// Where in the request an error of the statement belongs.
    pub path: String,
    pub gives: Gives,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Argument {
    Parameter(ParameterId),
    /// The rows that an earlier step of the program wrote.
    Rows(usize),
    /// How many rows that step wrote.
    Count(usize),
    /// How many rows all steps so far wrote.
    Affected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gives {
    /// One column, JSON.
    Answer,
    /// Two columns: how many rows were written (int8), and an array of them as text.
    Rows { expected: Option<Expected> },
}

/// How many rows a step must write, since others hang on each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub rows: usize,
    pub path: String,
    pub message: String,
}

/// The arguments of a statement as they are first used.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    list: Vec<Argument>,
    positions: HashMap<Argument, usize>,
}

impl Arguments {
    /// The number of the argument, from 1.
    pub(super) fn number(&mut self, argument: Argument) -> usize {
        let next = self.list.len();
        let position = *self.positions.entry(argument).or_insert(next);
        if position == next {
            self.list.push(argument);
        }
        position + 1
    }
}

/// What statements are written of.
#[derive(Debug, Clone, Copy)]
struct Context<'s> {
    schema: &'s Schema,
    plan: &'s Plan,
}

/// The statements of a root field of a mutation's plan; none when it needs no database.
pub fn program(schema: &Schema, plan: &Plan, root: &RootValue) -> Option<Program> {
    let context = Context { schema, plan };
    let steps = match root {
        RootValue::Ready(_) | RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_) => return None,
        RootValue::Mutation(mutation) => match &**mutation {
            Mutation::Insert(insert) => insert::steps(context, insert),
            Mutation::Update(update) => change::update(context, update),
            Mutation::Delete(delete) => change::delete(context, delete),
        },
        // A function that is called as a mutation.
        query => {
            let mut writer = Writer::for_step(context);
            writer.out.push_str("SELECT ");
            writer.root(query);
            vec![writer.into_step("$".to_owned(), Gives::Answer)]
        }
    };
    Some(Program { steps })
}

impl<'s> Writer<'s> {
    fn for_step(context: Context<'s>) -> Self {
        let mut writer = Self::new(context.schema, context.plan);
        writer.arguments = Some(Arguments::default());
        writer
    }

    fn into_step(self, path: String, gives: Gives) -> Step {
        let arguments = self.arguments.map(|arguments| arguments.list).unwrap_or_default();
        Step { text: self.out, arguments, path, gives }
    }

    /// Where an argument stands.
    fn argument(&mut self, argument: Argument) {
        let number = self.arguments.get_or_insert_default().number(argument);
        sql!(self, "(${number})");
    }

    /// ` RETURNING …)`, which ends the statement that writes.
    fn returning(&mut self, table: usize, alias: Alias, whole: bool, check: Option<&Check<'_>>) {
        if whole {
            // Also where a column has the alias's name.
            sql!(self, " RETURNING (\"{alias}\".*)::{} AS \"$row\"", self.schema.tables[table].relation);
        } else {
            sql!(self, " RETURNING \"{alias}\".*");
        }
        if let Some(check) = check {
            self.out.push_str(", (");
            self.check(table, check, alias);
            self.out.push_str(") IS TRUE AS \"$check\"");
        }
        self.out.push(')');
    }

    fn check(&mut self, table: usize, check: &Check<'_>, alias: Alias) {
        match *check {
            Check::All(filter) => self.filter(table, filter, alias),
            Check::ByKind { new, changed } => {
                // PostgreSQL marks a row that ON CONFLICT changed.
                sql!(self, "CASE WHEN \"{alias}\".xmax = 0 THEN ");
                self.filter(table, new, alias);
                self.out.push_str(" ELSE ");
                self.filter(table, changed, alias);
                self.out.push_str(" END");
            }
        }
    }

    /// ` SELECT count, rows FROM "$changed"`, which ends a step that gives rows.
    fn give_rows(&mut self, checked: bool) {
        self.out.push_str(" SELECT count(*), array_agg(\"$row\")::text");
        if checked {
            sql!(self, ", CASE WHEN bool_and(\"$check\") IS FALSE THEN ('{FAILED_CHECK}' || count(*))::json END");
        }
        sql!(self, " FROM {CHANGED}");
    }

    /// The answer, unless a written row fails its check.
    fn checked(&mut self, checked: bool, answer: impl FnOnce(&mut Self)) {
        self.out.push_str(" SELECT ");
        if !checked {
            return answer(self);
        }
        sql!(self, "CASE WHEN (SELECT bool_and(\"$check\") FROM {CHANGED}) IS FALSE");
        // Counted, so that PostgreSQL does not try the constant before it runs the statement.
        sql!(self, " THEN (SELECT ('{FAILED_CHECK}' || count(*))::json FROM {CHANGED}) ELSE ");
        answer(self);
        self.out.push_str(" END");
    }
}

/// What written rows must satisfy.
#[derive(Debug, Clone, Copy)]
enum Check<'p> {
    All(&'p Filter),
    /// Of rows that were inserted, and of those that were there and were changed.
    ByKind {
        new: &'p Filter,
        changed: &'p Filter,
    },
}

impl<'p> Check<'p> {
    /// None where everything passes.
    fn of(filter: &'p Filter) -> Option<Self> {
        (!filter.is_everything()).then_some(Self::All(filter))
    }
}
