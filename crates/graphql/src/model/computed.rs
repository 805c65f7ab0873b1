//! Computed fields.

use std::sync::Arc;

use metadata::QualifiedName;
use postgres::Ident;
use postgres::catalog::{TypeKind, Volatility};
use serde_json::json;

use super::build::Builder;
use super::function::{argument_objections, because, place_of};
use super::inconsistency::{Inconsistency, SOURCE, full};
use super::naming::is_name;
use super::scalar::cast;
use super::{ArgumentPlace, ComputedField, Returned, TableId};

impl Builder<'_> {
    pub(super) fn add_computed(&mut self, id: TableId, fields: &[metadata::ComputedField], table: &QualifiedName) {
        for found in fields {
            match self.computed(id, found) {
                Ok(field) => Arc::make_mut(&mut self.model.tables[id]).computed.push(field),
                Err(reason) => {
                    let name = &found.name;
                    let reason = format!("in table \"{table}\": in computed field \"{name}\": {reason}");
                    let definition = json!({
                        "definition": found.definition, "name": name, "source": SOURCE, "comment": found.comment,
                        "table": full(table),
                    });
                    let inconsistency = Inconsistency::on_table("computed_field", name, table, reason, definition);
                    self.model.inconsistencies.push(inconsistency);
                    Arc::make_mut(&mut self.model.tables[id]).flawed = true;
                }
            }
        }
    }

    fn computed(&mut self, id: TableId, found: &metadata::ComputedField) -> Result<ComputedField, String> {
        let definition = &found.definition;
        let function = &definition.function;
        let source = self.only_function(function)?;
        let session = definition.session_argument.as_deref();
        let mut reasons = argument_objections(source, session);
        if !is_name(&found.name) {
            reasons.push(format!("{} is not valid GraphQL name", found.name));
        }
        if source.volatility == Volatility::Volatile {
            reasons.push(format!("function \"{function}\" is of type VOLATILE; cannot be added as a computed field"));
        }
        let table_argument = match &definition.table_argument {
            Some(name) => place_of(source, name),
            None => source.inputs().next().map(|first| ArgumentPlace {
                position: 0,
                name: first.name.as_deref().map(|name| Ident::new(name).to_string()),
            }),
        };
        let row = table_argument.as_ref().and_then(|place| source.inputs().nth(place.position));
        if row.is_none_or(|row| self.table_of_type(&row.r#type) != Some(id)) {
            let argument = match &definition.table_argument {
                Some(name) => format!("argument \"{name}\""),
                None => "first argument".to_owned(),
            };
            reasons
                .push(format!("{argument} of the function \"{function}\" is not COMPOSITE type or not of the table's"));
        }
        let (Some(table_argument), true) = (table_argument, reasons.is_empty()) else {
            let name = &found.name;
            let because = because(&reasons);
            return Err(format!("the computed field \"{name}\" cannot be added to table {because}"));
        };
        let returns = self.returned(&source.returns, source.returns_set, &found.name)?;
        let session_argument = session.and_then(|session| place_of(source, session));
        let skip: Vec<ArgumentPlace> =
            std::iter::once(table_argument.clone()).chain(session_argument.clone()).collect();
        Ok(ComputedField {
            name: found.name.clone(),
            comment: found.comment.clone().or_else(|| source.comment.clone()).filter(|text| !text.is_empty()),
            function: format!("{}.{}", Ident::new(&function.schema), Ident::new(&function.name)),
            arguments: self.arguments(source, &skip),
            table_argument,
            session_argument,
            returns,
        })
    }

    fn returned(
        &mut self,
        found: &Option<postgres::catalog::TypeRef>,
        set: bool,
        name: &str,
    ) -> Result<Returned, String> {
        let Some(found) = found.as_ref().filter(|found| found.kind != TypeKind::Pseudo) else {
            return Err(format!(
                "the computed field \"{name}\" cannot be added to table because the function returns nothing"
            ));
        };
        if let Some(table) = self.table_of_type(found) {
            return Ok(Returned::Table { table, set });
        }
        if found.kind == TypeKind::Composite {
            let table = QualifiedName::new(&found.schema, &found.name);
            return Err(format!("table \"{table}\" is not tracked"));
        }
        if set {
            return Err(format!(
                "the computed field \"{name}\" cannot be added to table because the function returns a set of a scalar type"
            ));
        }
        let typed = self.base_type(found);
        let scalar = self.scalar(&typed).unwrap_or_else(|| self.unnamed(&typed));
        Ok(Returned::Scalar { scalar, cast: cast(&typed) })
    }
}
