//! How much one request may ask of the database at once, whatever its text looks like: names that repeat and
//! relationships that lead back and forth make little text a lot of work.

use crate::failure::{Failure, Path};

use super::Planner;

/// Tables inside tables, of what a request shows and of what it compares or sorts by.
pub const LEVEL_LIMIT: usize = 24;

/// Places in which a request reads a table: fields, conditions and orders. PostgreSQL plans some 5,000 within a
/// second.
pub const READ_LIMIT: usize = 5_000;

/// Fields of one object: PostgreSQL has no more than 1,664 columns in a list.
pub const WIDTH_LIMIT: usize = 1_600;

/// What a request has asked so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    levels: usize,
    reads: usize,
}

impl Planner<'_> {
    /// Plans what is inside a table's rows.
    ///
    /// # Errors
    /// It is inside too many others.
    pub(super) fn inside_rows<T>(
        &mut self,
        path: &Path<'_>,
        plan: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.asked.levels >= LEVEL_LIMIT {
            let message = format!(
                "the query nests more than {LEVEL_LIMIT} levels of relationships; ask for the deeper ones in a query of their own"
            );
            return Err(Failure::invalid(path, message));
        }
        self.asked.levels += 1;
        let planned = plan(self);
        self.asked.levels -= 1;
        planned
    }

    /// Counts a place in which a table is read.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn count_read(&mut self) -> Result<(), Failure> {
        if self.asked.reads >= READ_LIMIT {
            let message =
                format!("the query reads tables in more than {READ_LIMIT} places; split it into several queries");
            return Err(Failure::invalid("$", message));
        }
        self.asked.reads += 1;
        Ok(())
    }
}

/// # Errors
/// An object has more fields than PostgreSQL can give it.
pub(super) fn check_width(fields: usize, path: &Path<'_>) -> Result<(), Failure> {
    if fields > WIDTH_LIMIT {
        let message =
            format!("the query selects {fields} fields of one object, more than {WIDTH_LIMIT}; split it into several");
        return Err(Failure::invalid(path, message));
    }
    Ok(())
}
