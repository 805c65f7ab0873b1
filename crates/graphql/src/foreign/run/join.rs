//! Joins: for all objects of a response at once.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::execute;
use crate::failure::{Code, Failure};
use crate::foreign::exact;
use crate::foreign::plan::{Destination, Join, RemoteJoin, RowsJoin, Variable};
use crate::model::Operation;

use super::{Asking, service};

/// The objects at the end of a path; lists are gone through.
pub(super) fn places<'v>(value: &'v mut Json, path: &[String], found: &mut Vec<&'v mut Map<String, Json>>) {
    match (value, path.split_first()) {
        (Json::Array(items), _) => items.iter_mut().for_each(|item| places(item, path, found)),
        (Json::Object(fields), None) => found.push(fields),
        (Json::Object(fields), Some((key, rest))) => {
            if let Some(inner) = fields.get_mut(key) {
                places(inner, rest, found);
            }
        }
        _ => {}
    }
}

impl Asking<'_> {
    /// Fills a join's key in all its objects. Equal beginnings are asked for once; one with a null leads to null.
    pub(super) async fn join(self, join: &Join, places: Vec<&mut Map<String, Json>>) -> Result<(), Failure> {
        let mut distinct: Vec<Vec<Json>> = Vec::new();
        let mut positions: HashMap<String, usize> = HashMap::new();
        let mut wanted: Vec<(&mut Map<String, Json>, Option<usize>)> = Vec::with_capacity(places.len());
        for object in places {
            // In a list of several types, an object of another type has no part in this.
            let left: Option<Vec<Json>> = join.left.iter().map(|key| object.get(key).cloned()).collect();
            let Some(left) = left else { continue };
            if left.iter().any(Json::is_null) {
                wanted.push((object, None));
                continue;
            }
            let next = distinct.len();
            let position = *positions.entry(Json::Array(left.clone()).to_string()).or_insert(next);
            if position == next {
                distinct.push(left);
            }
            wanted.push((object, Some(position)));
        }
        let values = match &join.to {
            _ if distinct.is_empty() => Vec::new(),
            Destination::Rows(rows) => self.rows(rows, &distinct).await?,
            Destination::Remote(remote) => self.remote(remote, &distinct).await?,
        };
        for (object, position) in wanted {
            let value = position.and_then(|position| values.get(position)).cloned().unwrap_or_default();
            object.insert(join.key.clone(), value);
        }
        Ok(())
    }

    async fn rows(self, join: &RowsJoin, distinct: &[Vec<Json>]) -> Result<Vec<Json>, Failure> {
        let options = self.handle.options();
        let bound = join.plan.bind(&self.request.variables, self.session);
        let mut parameters = bound.map_err(|found| Failure::new(found.code, "$", found.message))?;
        let row = |(index, left): (usize, &Vec<Json>)| {
            let mut row = Map::with_capacity(left.len() + 1);
            row.insert("$i".to_owned(), index.into());
            row.extend(left.iter().enumerate().map(|(at, value)| (format!("${at}"), value.clone())));
            Json::Object(row)
        };
        let rows: Json = distinct.iter().enumerate().map(row).collect();
        parameters.push(exact::text(&rows));
        let answer = execute::run(&options.pool, &join.statement, &parameters, options.statement_timeout).await?;
        let text = answer.json(0).unwrap_or(b"[]");
        match exact::parse(text) {
            Some(Json::Array(found)) => Ok(found),
            _ => Err(Failure::new(Code::Unexpected, "$", "database query error")),
        }
    }

    async fn remote(self, join: &RemoteJoin, distinct: &[Vec<Json>]) -> Result<Vec<Json>, Failure> {
        let mut declared: Vec<Variable> = join.variables.clone();
        let mut values = self.variables(&join.variables, &[])?;
        let mut selection = String::new();
        for (index, left) in distinct.iter().enumerate() {
            let mut text = format!("j{index}: ");
            for (depth, step) in join.steps.iter().enumerate() {
                text.push_str(if depth == 0 { "" } else { " { " });
                text.push_str(&step.field);
                let mut arguments = Vec::with_capacity(step.arguments.len());
                for (at, (name, wire, value)) in step.arguments.iter().enumerate() {
                    let own =
                        if value.has_left() { format!("l{depth}_{at}_{index}") } else { format!("l{depth}_{at}") };
                    arguments.push(format!("{name}: ${own}"));
                    if value.has_left() || index == 0 {
                        let found = value.to_json(&self.request.variables, self.session, left)?;
                        let (name, wire) = (own.clone(), wire.clone());
                        declared.push(Variable { name, wire, value: value.clone() });
                        values.extend(found.map(|found| (own, found)));
                    }
                }
                if !arguments.is_empty() {
                    text.push_str(&format!("({})", arguments.join(", ")));
                }
            }
            text.push_str(&join.selection);
            text.push_str(&" }".repeat(join.steps.len().saturating_sub(1)));
            selection.push(' ');
            selection.push_str(&text);
        }
        let document = service::document(Operation::Query, &declared, &selection);
        let mut data = self.ask(&join.service, &document, values).await.map_err(service::in_join)?.data;
        let mut found = Vec::with_capacity(distinct.len());
        for index in 0..distinct.len() {
            let key = format!("j{index}");
            let mut value = data.remove(&key).ok_or_else(|| service::missing(&key))?;
            for step in join.steps.iter().skip(1) {
                value = match value {
                    Json::Null => Json::Null,
                    Json::Object(mut fields) => {
                        fields.remove(&step.field).ok_or_else(|| service::missing(&step.field))?
                    }
                    _ => {
                        let message = format!("a list stands where \"{}\" is looked for in an object", step.field);
                        return Err(Failure::new(Code::RemoteSchemaError, "$", message));
                    }
                };
            }
            service::rename_value(&mut value, &join.renames, &join.service.type_names);
            found.push(value);
        }
        Ok(found)
    }
}
