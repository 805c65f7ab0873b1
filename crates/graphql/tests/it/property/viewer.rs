//! Who asks, and what that one sees.

use std::collections::BTreeSet;

use graphql::Session;

use super::condition::{SESSION, Scope};
use super::value::Value;
use super::world::{Role, Row, Select, World};

/// The administrator, a role, or one that inherits from two.
#[derive(Debug, Clone)]
pub struct Viewer<'w> {
    pub name: String,
    roles: Vec<&'w Role>,
}

impl<'w> Viewer<'w> {
    pub fn all(world: &'w World) -> Vec<Self> {
        let viewer = |name: &str, roles: Vec<&'w Role>| Self { name: name.to_owned(), roles };
        let [one, two] = world.roles.as_slice() else { panic!("there are two roles") };
        vec![
            viewer("admin", vec![]),
            viewer("one", vec![one]),
            viewer("two", vec![two]),
            viewer("both", vec![one, two]),
        ]
    }

    pub fn session(&self) -> Session {
        let session = if self.is_admin() { Session::admin() } else { Session::role(self.name.as_str()) };
        SESSION.iter().fold(session, |session, (name, value)| session.with(name, (*value).to_owned()))
    }

    pub fn is_admin(&self) -> bool {
        self.roles.is_empty()
    }

    /// The only role, whose permissions to write count; an inherited one has others.
    pub fn role(&self) -> Option<&'w Role> {
        if let [role] = self.roles.as_slice() { Some(role) } else { None }
    }

    fn grants(&self, table: usize) -> impl Iterator<Item = &'w Select> {
        self.roles.iter().filter_map(move |role| role.select[table].as_ref())
    }

    pub fn sees_table(&self, table: usize) -> bool {
        self.is_admin() || self.grants(table).next().is_some()
    }

    pub fn counts(&self, table: usize) -> bool {
        self.is_admin() || self.grants(table).any(|grant| grant.aggregations)
    }

    pub fn limit(&self, table: usize) -> Option<usize> {
        let limits: Option<Vec<usize>> = self.grants(table).map(|grant| grant.limit).collect();
        limits?.into_iter().max()
    }

    pub fn sees_column(&self, table: usize, column: usize) -> bool {
        self.is_admin() || self.grants(table).any(|grant| grant.columns.contains(&column))
    }

    pub fn sees_row(&self, world: &World, table: usize, row: &Row) -> bool {
        self.is_admin() || self.grants(table).any(|grant| holds(grant, world, table, row))
    }

    /// A value in a row, null where only a role that does not see the row has the column.
    pub fn cell(&self, world: &World, table: usize, row: &Row, column: usize) -> Value {
        let mut having = self.grants(table).filter(|grant| grant.columns.contains(&column));
        let everywhere = self.grants(table).all(|grant| grant.columns.contains(&column));
        match everywhere || having.any(|grant| holds(grant, world, table, row)) {
            true => row[column].clone(),
            false => Value::Null,
        }
    }

    /// `count`, with columns or without.
    pub fn count(&self, world: &World, table: usize, rows: &[&Row], columns: &[usize], distinct: bool) -> i64 {
        let cells = |row: &&Row| columns.iter().map(|&at| self.cell(world, table, row, at)).collect::<Vec<_>>();
        let values: Vec<Vec<Value>> = rows.iter().map(cells).collect();
        // Several columns are a row for PostgreSQL, which is something even if it holds nothing.
        let there = values.iter().filter(|cells| !matches!(cells.as_slice(), [Value::Null]));
        let found = match distinct && !columns.is_empty() {
            true => there.map(|cells| format!("{cells:?}")).collect::<BTreeSet<_>>().len(),
            false => there.count(),
        };
        i64::try_from(found).unwrap()
    }
}

fn holds(grant: &Select, world: &World, table: usize, row: &Row) -> bool {
    grant.filter.holds(&Scope::permission(world, table), row.into()) == Some(true)
}
