//! Relationships that the metadata names.

use metadata::{ArrayUsing, ForeignKeyOn, Insertion as Order, ManualConfiguration, ObjectUsing, QualifiedName};
use postgres::catalog::{self, Catalog, ForeignKey};

use super::{Insertion, Model, Relationship, TableId};

/// What a relationship follows, before it is looked up.
struct Link {
    table: QualifiedName,
    /// Columns here and there.
    columns: Vec<(String, String)>,
    not_null: bool,
    insertion: Insertion,
}

/// Looks relationships of one table up.
pub(super) struct Resolver<'a> {
    pub catalog: &'a Catalog,
    pub model: &'a Model,
    pub table: &'a catalog::Table,
    pub id: TableId,
}

impl Resolver<'_> {
    /// # Errors
    /// Why it cannot be used, in Hasura's words.
    pub fn object(&self, found: &metadata::Relationship<ObjectUsing>) -> Result<Relationship, String> {
        let link = match &found.using {
            ObjectUsing::ForeignKey(ForeignKeyOn::Own(columns)) => self.own(columns),
            ObjectUsing::ForeignKey(ForeignKeyOn::Remote(other)) => self.remote(&other.table, &other.columns),
            ObjectUsing::Manual(manual) => Ok(manual_link(manual)),
        };
        self.finish(&found.name, found.comment.as_ref(), link, true)
    }

    /// # Errors
    /// As [`Resolver::object`].
    pub fn array(&self, found: &metadata::Relationship<ArrayUsing>) -> Result<Relationship, String> {
        let link = match &found.using {
            ArrayUsing::ForeignKey(other) => self.remote(&other.table, &other.columns),
            ArrayUsing::Manual(manual) => {
                // However it is written, the rows of an array refer to this row.
                Ok(Link { insertion: Insertion::AfterParent, ..manual_link(manual) })
            }
        };
        self.finish(&found.name, found.comment.as_ref(), link, false)
    }

    fn own(&self, columns: &[String]) -> Result<Link, String> {
        let key = only(self.table.foreign_keys.iter().filter(|key| same(&key.columns, columns)))?;
        let not_null = |name: &String| self.table.column(name).is_some_and(|column| column.not_null);
        Ok(Link {
            table: QualifiedName::new(&key.references.schema, &key.references.name),
            columns: pairs(&key.columns, &key.referenced_columns),
            // A key that is not enforced, or not yet validated, may point nowhere.
            not_null: key.validated && key.enforced && key.columns.iter().all(not_null),
            insertion: Insertion::BeforeParent,
        })
    }

    fn remote(&self, table: &QualifiedName, columns: &[String]) -> Result<Link, String> {
        let Some(owner) = self.catalog.table(&table.schema, &table.name) else {
            return Err(format!("table \"{table}\" does not exist in source: default"));
        };
        let here =
            |key: &&ForeignKey| key.references.schema == self.table.schema && key.references.name == self.table.name;
        let key = only(owner.foreign_keys.iter().filter(here).filter(|key| same(&key.columns, columns)))?;
        Ok(Link {
            table: table.clone(),
            columns: pairs(&key.referenced_columns, &key.columns),
            not_null: false,
            insertion: Insertion::AfterParent,
        })
    }

    fn finish(
        &self,
        name: &str,
        comment: Option<&String>,
        link: Result<Link, String>,
        single: bool,
    ) -> Result<Relationship, String> {
        let context = |reason: String| {
            let table = QualifiedName::new(&self.table.schema, &self.table.name);
            format!("in table \"{table}\": in relationship \"{name}\": {reason}")
        };
        let link = link.map_err(context)?;
        let Some(target) = self.model.tables_by_relation.get(&link.table).copied() else {
            return Err(format!("table \"{}\" is not tracked", link.table));
        };
        let position = |table: TableId, column: &str| {
            let found = self.model.tables[table].column_of_sql(column);
            found.ok_or_else(|| context(format!("\"{column}\" does not exist")))
        };
        let columns = link.columns.iter().map(|(here, there)| Ok((position(self.id, here)?, position(target, there)?)));
        let columns: Vec<(usize, usize)> = columns.collect::<Result<_, String>>()?;
        let ident = |table: TableId, column: usize| self.model.column(table, column).ident.clone();
        Ok(Relationship {
            name: name.to_owned(),
            comment: comment.cloned(),
            target,
            join: columns.iter().map(|&(here, there)| (ident(self.id, here), ident(target, there))).collect(),
            columns,
            single,
            not_null: single && link.not_null,
            insertion: link.insertion,
        })
    }
}

fn manual_link(manual: &ManualConfiguration) -> Link {
    Link {
        table: manual.remote_table.clone(),
        columns: manual.column_mapping.clone().into_iter().collect(),
        not_null: false,
        insertion: match manual.insertion_order {
            Some(Order::AfterParent) => Insertion::AfterParent,
            Some(Order::BeforeParent) | None => Insertion::BeforeParent,
        },
    }
}

fn only<'k>(mut keys: impl Iterator<Item = &'k ForeignKey>) -> Result<&'k ForeignKey, String> {
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err("no foreign constraint exists on the given column(s)".to_owned()),
        (Some(_), Some(_)) => Err("more than one foreign key constraint exists on the given column(s)".to_owned()),
    }
}

fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.contains(name))
}

fn pairs(here: &[String], there: &[String]) -> Vec<(String, String)> {
    here.iter().cloned().zip(there.iter().cloned()).collect()
}
