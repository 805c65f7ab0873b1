//! The order in which Hasura exports.

use std::sync::Arc;

use crate::{Metadata, Source, Table};

impl Metadata {
    /// Everything that has a name is sorted by it, as Hasura's export is.
    pub fn sort(&mut self) {
        self.sources.sort_by(|a, b| a.name.cmp(&b.name));
        self.sources.iter_mut().for_each(Source::sort);
        self.remote_schemas.sort_by(|a, b| a.name.cmp(&b.name));
        self.query_collections.sort_by(|a, b| a.name.cmp(&b.name));
        self.allowlist.sort_by(|a, b| a.collection.cmp(&b.collection));
        self.actions.sort_by(|a, b| a.name.cmp(&b.name));
        self.cron_triggers.sort_by(|a, b| a.name.cmp(&b.name));
        self.rest_endpoints.sort_by(|a, b| a.url.cmp(&b.url));
        self.inherited_roles.sort_by(|a, b| a.role_name.cmp(&b.role_name));
    }
}

impl Source {
    fn sort(&mut self) {
        self.tables.sort_by(|a, b| a.table.cmp(&b.table));
        self.tables.iter_mut().for_each(|table| Arc::make_mut(table).sort());
        self.functions.sort_by(|a, b| a.function.cmp(&b.function));
    }
}

impl Table {
    fn sort(&mut self) {
        self.object_relationships.sort_by(|a, b| a.name.cmp(&b.name));
        self.array_relationships.sort_by(|a, b| a.name.cmp(&b.name));
        self.computed_fields.sort_by(|a, b| a.name.cmp(&b.name));
        self.remote_relationships.sort_by(|a, b| a.name.cmp(&b.name));
        self.insert_permissions.sort_by(|a, b| a.role.cmp(&b.role));
        self.select_permissions.sort_by(|a, b| a.role.cmp(&b.role));
        self.update_permissions.sort_by(|a, b| a.role.cmp(&b.role));
        self.delete_permissions.sort_by(|a, b| a.role.cmp(&b.role));
        self.event_triggers.sort_by(|a, b| a.name.cmp(&b.name));
    }
}
