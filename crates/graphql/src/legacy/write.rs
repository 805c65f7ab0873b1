//! `insert`, `update` and `delete`.

use postgres::Ident;
use serde_json::{Map, Value as Json};

use crate::failure::{Code, Failure};
use crate::plan::mutation::{
    Batch, Cell, Change, Conflict, ConflictTarget, Delete, Insert, Mutation, NewRows, Object, Objects, Response,
    ResponseField, ResponseValue, Update,
};
use crate::plan::{Field, Filter, Output, OutputValue, RootValue};

use super::{Reader, missing};

impl Reader<'_> {
    pub(super) fn insert(&mut self, args: &Map<String, Json>) -> Result<RootValue, Failure> {
        let (schema, table) = (self.planner.schema, self.table);
        let access = schema.insert(table).ok_or_else(|| self.denied(table, "insert", ""))?;
        let response = self.response(args)?;
        let objects = args.get("objects").and_then(Json::as_array).ok_or_else(|| missing("objects", "$.args"))?;
        if objects.is_empty() {
            return Err(Failure::new(Code::UnexpectedPayload, "$.args.objects", "objects should not be empty"));
        }
        let presets = self.planner.presets(table, access.presets())?;
        let check = self.planner.condition(access.check())?;
        let mut found = Vec::with_capacity(objects.len());
        let mut given: Vec<usize> = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let path = format!("$.args.objects[{index}]");
            let fields = object
                .as_object()
                .ok_or_else(|| Failure::new(Code::ParseFailed, &path, "expected Object for a row"))?;
            let mut cells = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                let allowed = |at: usize| access.column(at) && presets.iter().all(|(preset, _)| *preset != at);
                let column = self.column(table, name, "insert", allowed, &path)?;
                cells.push((column, self.cell(table, column, value, &format!("{path}.{name}"))?));
                if !given.contains(&column) {
                    given.push(column);
                }
            }
            found.push(Object { cells, nested: Vec::new() });
        }
        let conflict = match args.get("on_conflict") {
            None | Some(Json::Null) => None,
            Some(conflict) => Some(self.conflict(conflict, given)?),
        };
        let rows =
            NewRows { table, objects: Objects::Each(found), presets, check, conflict, path: "$.args".to_owned() };
        Ok(RootValue::Mutation(Box::new(Mutation::Insert(Box::new(Insert { rows, response })))))
    }

    /// `action` with `constraint` or `constraint_on`. Every column that was given is changed.
    fn conflict(&mut self, conflict: &Json, given: Vec<usize>) -> Result<Conflict, Failure> {
        let (schema, table, path) = (self.planner.schema, self.table, "$.args.on_conflict");
        let action = conflict.get("action").and_then(Json::as_str);
        let action = action.ok_or_else(|| Failure::new(Code::ParseFailed, path, "the key 'action' was not present"))?;
        let target = match (conflict.get("constraint"), conflict.get("constraint_on")) {
            (Some(_), Some(_)) => {
                let message = "'constraint' and 'constraint_on' cannot be set at a time";
                return Err(Failure::new(Code::UnexpectedPayload, path, message));
            }
            (Some(name), None) => self.constraint(name.as_str().unwrap_or_default())?,
            (None, Some(columns)) => self.constraint_on(columns)?,
            (None, None) => ConflictTarget::Any,
        };
        let nothing = Filter::All(Vec::new());
        match action {
            "ignore" => Ok(Conflict { target, columns: Vec::new(), presets: Vec::new(), filter: nothing, check: None }),
            "update" if target == ConflictTarget::Any => {
                let message = "Expecting 'constraint' or 'constraint_on' when the 'action' is 'update'";
                Err(Failure::new(Code::UnexpectedPayload, path, message))
            }
            "update" => {
                let access = schema.update(table).ok_or_else(|| self.denied(table, "update", ""))?;
                for &column in &given {
                    if !access.column(column) {
                        let name = &schema.column(table, column).sql_name;
                        let message = format!("column \"{name}\" is not updatable");
                        return Err(Failure::invalid(path, message));
                    }
                }
                let presets = self.planner.presets(table, access.presets())?;
                let filter = self.planner.condition(access.filter())?;
                let check = access.check().map(|check| self.planner.condition(Some(check))).transpose()?;
                Ok(Conflict { target, columns: given, presets, filter, check })
            }
            other => {
                let message = format!("expected one of ignore, update as the action, but found {other}");
                Err(Failure::new(Code::ParseFailed, path, message))
            }
        }
    }

    fn constraint(&self, name: &str) -> Result<ConflictTarget, Failure> {
        let table = &self.planner.schema.tables[self.table];
        if table.unique_keys.iter().any(|key| key.name == name) {
            return Ok(ConflictTarget::Constraint(Ident::new(name).to_string()));
        }
        let message = format!("constraint \"{name}\" for table {} does not exist", table.display_name());
        Err(Failure::new(Code::Unexpected, "$.args.on_conflict.constraint", message))
    }

    fn constraint_on(&self, columns: &Json) -> Result<ConflictTarget, Failure> {
        let single = std::slice::from_ref(columns);
        let table = &self.planner.schema.tables[self.table];
        let mut found = Vec::new();
        for (index, name) in columns.as_array().map_or(single, Vec::as_slice).iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            found.push(table.column_of_sql(name).ok_or_else(|| {
                let path = format!("$.args.on_conflict.constraint_on[{index}]");
                Failure::new(Code::NotExists, path, format!("column \"{name}\" does not exist"))
            })?);
        }
        Ok(ConflictTarget::Columns(found))
    }

    pub(super) fn update(&mut self, args: &Map<String, Json>) -> Result<RootValue, Failure> {
        let (schema, table) = (self.planner.schema, self.table);
        let access = schema.update(table).ok_or_else(|| self.denied(table, "update", ""))?;
        let expression = args.get("where").ok_or_else(|| missing("where", "$"))?;
        self.needs_select("update")?;
        let presets = self.planner.presets(table, access.presets())?;
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for key in ["$set", "$inc", "$mul"] {
            let fields = args.get(key).and_then(Json::as_object);
            for (name, value) in fields.into_iter().flatten() {
                let path = format!("$.args[\"{key}\"]");
                let column = self.column(table, name, "update", |at| access.column(at), &path)?;
                let cell = self.cell(table, column, value, &path)?;
                changes.push((
                    column,
                    match key {
                        "$set" => Change::Set(cell),
                        "$inc" => Change::Add(cell),
                        _ => Change::Multiply(cell),
                    },
                ));
            }
        }
        for name in args.get("$default").and_then(Json::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let column = self.column(table, name, "update", |at| access.column(at), "$.args[\"$default\"]")?;
            changes.push((column, Change::Set(Cell::Default)));
        }
        if changes.is_empty() && presets.is_empty() {
            let message = "atleast one of $set, $inc, $mul has to be present";
            return Err(Failure::new(Code::UnexpectedPayload, "$.args", message));
        }
        // The permission's own values stand, whatever the client gave.
        changes.retain(|(column, _)| presets.iter().all(|(preset, _)| preset != column));
        changes.extend(presets.into_iter().map(|(column, cell)| (column, Change::Set(cell))));
        let permission = self.planner.condition(access.filter())?;
        let filter = Filter::All(vec![permission, self.filter(table, expression, "$.args.where")?]);
        let check = self.planner.condition(access.check())?;
        let response = self.response(args)?;
        let update = Update { table, batches: vec![Batch { filter, changes }], many: false, check, response };
        Ok(RootValue::Mutation(Box::new(Mutation::Update(update))))
    }

    pub(super) fn delete(&mut self, args: &Map<String, Json>) -> Result<RootValue, Failure> {
        let (schema, table) = (self.planner.schema, self.table);
        let access = schema.delete(table).ok_or_else(|| self.denied(table, "delete", ""))?;
        let expression = args.get("where").ok_or_else(|| missing("where", "$"))?;
        self.needs_select("delete")?;
        let permission = self.planner.condition(access.filter())?;
        let filter = Filter::All(vec![permission, self.filter(table, expression, "$.args.where")?]);
        let response = self.response(args)?;
        Ok(RootValue::Mutation(Box::new(Mutation::Delete(Delete { table, filter, response }))))
    }

    fn needs_select(&self, what: &str) -> Result<(), Failure> {
        if self.planner.schema.select(self.table).is_some() {
            return Ok(());
        }
        let more = format!(
            "; \"{what}\" is only allowed if the role has \"select\" permission as \"where\" can't be used without \"select\" permission on the table"
        );
        Err(self.denied(self.table, "select", &more))
    }

    /// `affected_rows`, and `returning` where it is asked for.
    fn response(&mut self, args: &Map<String, Json>) -> Result<Response, Failure> {
        let affected = ResponseField { key: "affected_rows".to_owned(), value: ResponseValue::AffectedRows };
        let mut fields = vec![affected];
        if let Some(columns) = args.get("returning").and_then(Json::as_array) {
            if self.planner.schema.select(self.table).is_none() {
                let more = "; \"returning\" can only be used if the role has \"select\" permission on the table";
                return Err(self.denied(self.table, "select", more));
            }
            let mut output = Vec::with_capacity(columns.len());
            for name in columns {
                let name = name.as_str().unwrap_or_default();
                let column = self.selected_column(self.table, name, "$.args.returning")?;
                self.planner.see(self.table, Field::Column(column))?;
                output.push(Output { key: name.to_owned(), value: OutputValue::Column { column, path: None } });
            }
            fields.push(ResponseField { key: "returning".to_owned(), value: ResponseValue::Returning(output) });
        }
        Ok(Response::Fields(fields))
    }
}
