//! What webhooks are shown of a mutation (`validate_input`).
//!
//! Rows go under the database's names of columns, with the rows nested in them; updates and deletions as their arguments
//! stand. What permissions set by themselves is not shown.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::failure::{Failure, Path};
use crate::foreign::plan::Argument;
use crate::plan::Planner;
use crate::schema::TableId;
use crate::validate::Selected;
use crate::value::Source;
use crate::vetting::{Vetting, Webhook};

use super::{Cell, NewRows, Object, Objects};

impl<'a> Planner<'a> {
    /// Each table's rows, at whatever depth they stand, are one question.
    pub(super) fn vet_rows(&mut self, rows: &NewRows) {
        let mut found: Vec<(TableId, Vec<Argument>)> = Vec::new();
        self.gather(rows, &mut found);
        for (table, rows) in found {
            if let Some(webhook) = self.insert_webhook(table) {
                self.vettings.push(Vetting { webhook, input: Argument::List(rows) });
            }
        }
    }

    pub(super) fn insert_webhook(&self, table: TableId) -> Option<Arc<Webhook>> {
        self.schema.insert(table)?.webhook().cloned()
    }

    fn gather(&self, rows: &NewRows, found: &mut Vec<(TableId, Vec<Argument>)>) {
        let Objects::Each(objects) = &rows.objects else { return };
        if self.insert_webhook(rows.table).is_some() {
            let shown = objects.iter().map(|object| self.shown(rows.table, object));
            match found.iter_mut().find(|(table, _)| *table == rows.table) {
                Some((_, all)) => all.extend(shown),
                None => found.push((rows.table, shown.collect())),
            }
        }
        for nested in objects.iter().flat_map(|object| &object.nested) {
            self.gather(&nested.rows, found);
        }
    }

    fn shown(&self, table: TableId, object: &Object) -> Argument {
        let cells = object.cells.iter().filter_map(|(column, cell)| {
            let value = match cell {
                Cell::Parameter(id, _) => Argument::Source(self.parameters[*id].source.clone()),
                Cell::Null => Argument::Fixed(Json::Null),
                Cell::Default => return None,
            };
            Some((self.schema.column(table, *column).sql_name.clone(), value))
        });
        let nested = object.nested.iter().map(|nested| {
            let relationship = &self.schema.tables[table].relationships[nested.relationship];
            let Objects::Each(objects) = &nested.rows.objects else {
                return (relationship.name.clone(), Argument::Fixed(Json::Null));
            };
            let mut rows = objects.iter().map(|object| self.shown(relationship.target, object));
            let data = match relationship.single {
                true => rows.next().unwrap_or(Argument::Fixed(Json::Null)),
                false => Argument::List(rows.collect()),
            };
            (relationship.name.clone(), Argument::Object(vec![("data".to_owned(), data)]))
        });
        Argument::Object(cells.chain(nested).collect())
    }

    /// An update's or a deletion's arguments; `inside`: the key of an object around them.
    pub(super) fn vet_arguments(
        &mut self,
        webhook: Option<Arc<Webhook>>,
        selected: &Selected<'a>,
        inside: Option<&str>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let Some(webhook) = webhook else { return Ok(()) };
        let mut fields = Vec::with_capacity(selected.field.arguments.len());
        for argument in &selected.field.arguments {
            let value = crate::value::Value::Literal(&argument.value);
            let source = self.validator.variables.source(value, None, self.schema, &path.key(&argument.name))?;
            fields.push((argument.name.to_string(), source));
        }
        let mut shown = Source::Object(fields);
        if let Some(key) = inside {
            shown = Source::Object(vec![(key.to_owned(), shown)]);
        }
        self.vettings.push(Vetting { webhook, input: Argument::List(vec![Argument::Source(shown)]) });
        Ok(())
    }

    /// The list of an `update_<table>_many`.
    pub(super) fn vet_updates(
        &mut self,
        webhook: Option<Arc<Webhook>>,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let (Some(webhook), Some(argument)) = (webhook, selected.field.arguments.first()) else { return Ok(()) };
        let value = crate::value::Value::Literal(&argument.value);
        let source = self.validator.variables.source(value, None, self.schema, &path.key(&argument.name))?;
        self.vettings.push(Vetting { webhook, input: Argument::Source(source) });
        Ok(())
    }
}
