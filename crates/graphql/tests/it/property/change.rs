//! Random mutations, and what they must leave behind.

use graphql::Request;
use serde_json::{Value as Json, json};

use super::answer::Evaluator;
use super::condition::{Condition, ENUM, Scope};
use super::query::{Maker, Selection};
use super::text::Text;
use super::value::{Kind, Rng, Value};
use super::viewer::Viewer;
use super::world::{Row, World, Write};

#[derive(Debug, Clone)]
pub struct Change {
    table: usize,
    kind: ChangeKind,
    /// What is shown of changed rows; none where the viewer sees none.
    returning: Option<Selection>,
    style: u64,
}

#[derive(Debug, Clone)]
enum ChangeKind {
    Delete(Condition),
    Update { filter: Condition, set: Vec<(usize, Value)>, add: Vec<(usize, i64)> },
    Insert { objects: Vec<Vec<(usize, Value)>>, conflict: Option<Conflict> },
}

/// On the primary key.
#[derive(Debug, Clone)]
struct Conflict {
    columns: Vec<usize>,
    filter: Option<Condition>,
}

#[derive(Debug)]
pub enum Outcome {
    /// Nothing is changed.
    Refused,
    /// The database afterwards, and the answer.
    Done(Box<World>, Json),
}

impl Change {
    /// None where the viewer may not change what was drawn.
    pub fn random(world: &World, viewer: &Viewer<'_>, rng: &mut Rng) -> Option<Self> {
        let table = rng.below(world.tables.len());
        if !viewer.sees_table(table) {
            return None;
        }
        let role = viewer.role();
        let mut maker = Maker { world, viewer, rng: Rng::new(rng.next()) };
        let kind = match rng.below(4) {
            0 => {
                if role.is_some_and(|role| role.delete[table].is_none()) {
                    return None;
                }
                ChangeKind::Delete(maker.condition(table, 3))
            }
            1 => {
                let update = role.map(|role| role.update[table].as_ref());
                if update.is_some_and(|update| update.is_none()) {
                    return None;
                }
                update_of(world, &mut maker, table, update.flatten(), rng)?
            }
            _ => {
                let insert = role.map(|role| role.insert[table].as_ref());
                if insert.is_some_and(|insert| insert.is_none()) {
                    return None;
                }
                let update = role.map(|role| role.update[table].as_ref());
                insert_of(world, &mut maker, table, insert.flatten(), update, rng)
            }
        };
        let returning = rng.percent(70).then(|| maker.selection(table, 2));
        Some(Self { table, kind, returning, style: rng.next() })
    }

    pub fn text(&self, world: &World, viewer: &Viewer<'_>) -> Request {
        let table = &world.tables[self.table];
        let name = &table.name;
        let columns = |cells: &[(usize, Value)]| {
            cells.iter().map(|(at, value)| (table.columns[*at].name.clone(), value.json())).collect::<Json>()
        };
        let scope = Scope::request(world, self.table, viewer);
        let mut text = Text::new(world, viewer, self.style);
        match &self.kind {
            ChangeKind::Delete(filter) => {
                text.push(&format!(" r: delete_{name}("));
                text.filter(self.table, &filter.json(&scope));
            }
            ChangeKind::Update { filter, set, add } => {
                text.push(&format!(" r: update_{name}("));
                text.filter(self.table, &filter.json(&scope));
                if !set.is_empty() {
                    text.push("_set: ");
                    text.value(&columns(set), &format!("{name}_set_input"));
                }
                if !add.is_empty() {
                    text.push(" _inc: ");
                    let add: Vec<(usize, Value)> = add.iter().map(|&(at, number)| (at, Value::Int(number))).collect();
                    text.value(&columns(&add), &format!("{name}_inc_input"));
                }
            }
            ChangeKind::Insert { objects, conflict } => {
                text.push(&format!(" r: insert_{name}(objects: "));
                let objects: Vec<Json> = objects.iter().map(|cells| columns(cells)).collect();
                text.value(&json!(objects), &format!("[{name}_insert_input!]!"));
                if let Some(conflict) = conflict {
                    text.push(" on_conflict: ");
                    let names = conflict.columns.iter().map(|&at| format!("{ENUM}{}", table.columns[at].name));
                    let mut json = json!({ "constraint": format!("{ENUM}{}", table.constraint()),
                        "update_columns": names.collect::<Vec<_>>() });
                    if let Some(filter) = &conflict.filter {
                        json["where"] = filter.json(&scope);
                    }
                    text.value(&json, &format!("{name}_on_conflict"));
                }
            }
        }
        text.push(") { affected_rows");
        if let Some(returning) = &self.returning {
            text.push(" returning");
            text.selection(self.table, returning);
        }
        text.push(" }");
        text.request("mutation")
    }

    pub fn outcome(&self, before: &World, viewer: &Viewer<'_>) -> Outcome {
        let written = match &self.kind {
            ChangeKind::Delete(filter) => Some(self.deleted(before, viewer, filter)),
            ChangeKind::Update { filter, set, add } => self.updated(before, viewer, filter, set, add),
            ChangeKind::Insert { objects, conflict } => self.inserted(before, viewer, objects, conflict.as_ref()),
        };
        let Some((after, changed)) = written.filter(|(after, _)| sound(after)) else { return Outcome::Refused };
        let mut answer = json!({ "affected_rows": changed.len() });
        if let Some(returning) = &self.returning {
            let viewers = Viewer::all(&after);
            let viewer = viewers.iter().find(|found| found.name == viewer.name).expect("the same roles");
            let evaluator = Evaluator { world: &after, viewer };
            answer["returning"] = changed.iter().map(|row| evaluator.object(self.table, row, returning)).collect();
        }
        Outcome::Done(Box::new(after), json!({ "r": answer }))
    }

    /// Whether the viewer asks for a row; all parts of a statement see the rows as they were.
    fn asked(&self, before: &World, viewer: &Viewer<'_>, filter: &Condition, row: &Row) -> bool {
        filter.holds(&Scope::request(before, self.table, viewer), row.into()) == Some(true)
    }

    fn permitted(&self, before: &World, condition: &Condition, row: &Row) -> bool {
        condition.holds(&Scope::permission(before, self.table), row.into()) == Some(true)
    }

    fn deleted(&self, before: &World, viewer: &Viewer<'_>, filter: &Condition) -> (World, Vec<Row>) {
        let (mut after, mut changed) = (before.clone(), Vec::new());
        let allowed = |row: &Row| match viewer.role().map(|role| role.delete[self.table].as_ref()) {
            None => true,
            Some(permission) => permission.is_some_and(|permission| self.permitted(before, permission, row)),
        };
        after.tables[self.table].rows.retain(|row| {
            let gone = allowed(row) && self.asked(before, viewer, filter, row);
            if gone {
                changed.push(row.clone());
            }
            !gone
        });
        (after, changed)
    }

    fn updated(
        &self,
        before: &World,
        viewer: &Viewer<'_>,
        filter: &Condition,
        set: &[(usize, Value)],
        add: &[(usize, i64)],
    ) -> Option<(World, Vec<Row>)> {
        let (mut after, mut changed) = (before.clone(), Vec::new());
        let update = viewer.role().and_then(|role| role.update[self.table].as_ref());
        for row in &mut after.tables[self.table].rows {
            let allowed = update.is_none_or(|update| self.permitted(before, &update.filter, row));
            if !allowed || !self.asked(before, viewer, filter, row) {
                continue;
            }
            let presets = update.map_or(&[][..], |update| &update.presets);
            for (column, value) in set.iter().chain(presets) {
                row[*column] = value.clone();
            }
            for (column, number) in add {
                row[*column] = match row[*column] {
                    Value::Int(found) => Value::Int(found + number),
                    Value::Numeric(found) => Value::Numeric(found + number * 100),
                    _ => Value::Null,
                };
            }
            let check = update.and_then(|update| update.check.as_ref());
            if check.is_some_and(|check| !self.permitted(before, check, row)) {
                return None;
            }
            changed.push(row.clone());
        }
        Some((after, changed))
    }

    fn inserted(
        &self,
        before: &World,
        viewer: &Viewer<'_>,
        objects: &[Vec<(usize, Value)>],
        conflict: Option<&Conflict>,
    ) -> Option<(World, Vec<Row>)> {
        let (mut after, mut changed) = (before.clone(), Vec::new());
        let role = viewer.role();
        let insert = role.and_then(|role| role.insert[self.table].as_ref());
        let update = role.and_then(|role| role.update[self.table].as_ref());
        let table = &before.tables[self.table];
        let rows = &mut after.tables[self.table].rows;
        for object in objects {
            let mut row: Row = table.columns.iter().map(|column| column.default.clone()).collect();
            let presets = insert.map_or(&[][..], |insert| &insert.presets);
            for (column, value) in presets.iter().chain(object) {
                row[*column] = value.clone();
            }
            // Also where another row is in the way.
            if !table.filled(&row) {
                return None;
            }
            let own = insert.and_then(|insert| insert.check.as_ref());
            let there = rows.iter().position(|found| table.key_of(found) == table.key_of(&row));
            let (check, at) = match (there, conflict) {
                (None, _) => {
                    rows.push(row);
                    (own, rows.len() - 1)
                }
                (Some(_), None) => return None,
                (Some(_), Some(conflict)) if conflict.columns.is_empty() => continue,
                (Some(at), Some(conflict)) => {
                    let allowed = update.is_none_or(|update| self.permitted(before, &update.filter, &rows[at]));
                    let wanted = conflict.filter.as_ref();
                    if !allowed || wanted.is_some_and(|filter| !self.asked(before, viewer, filter, &rows[at])) {
                        continue;
                    }
                    for &column in &conflict.columns {
                        rows[at][column] = row[column].clone();
                    }
                    for (column, value) in update.map_or(&[][..], |update| &update.presets) {
                        rows[at][*column] = value.clone();
                    }
                    (update.and_then(|update| update.check.as_ref()).or(own), at)
                }
            };
            if check.is_some_and(|check| !self.permitted(before, check, &rows[at])) {
                return None;
            }
            changed.push(rows[at].clone());
        }
        Some((after, changed))
    }
}

fn update_of(
    world: &World,
    maker: &mut Maker<'_>,
    table: usize,
    update: Option<&Write>,
    rng: &mut Rng,
) -> Option<ChangeKind> {
    let found = &world.tables[table];
    let preset = |column: usize| update.is_some_and(|update| update.presets.iter().any(|(other, _)| *other == column));
    let may = |column: usize| update.is_none_or(|update| update.columns.contains(&column)) && !preset(column);
    let unique =
        |column: usize| found.foreign.iter().any(|foreign| foreign.unique && foreign.columns.contains(&column));
    let columns = (0..found.columns.len()).filter(|&at| may(at) && !found.key.contains(&at) && !unique(at));
    let columns: Vec<usize> = columns.collect();
    let (mut set, mut add) = (Vec::new(), Vec::new());
    for column in rng.some(&columns, 3) {
        if matches!(found.columns[column].kind, Kind::Int | Kind::Numeric) && rng.percent(40) {
            add.push((column, i64::try_from(rng.below(3)).unwrap() - 1));
        } else {
            set.push((column, foreign_or_random(world, table, column, rng)));
        }
    }
    (!set.is_empty() || !add.is_empty()).then(|| ChangeKind::Update { filter: maker.condition(table, 3), set, add })
}

fn insert_of(
    world: &World,
    maker: &mut Maker<'_>,
    table: usize,
    insert: Option<&Write>,
    update: Option<Option<&Write>>,
    rng: &mut Rng,
) -> ChangeKind {
    let found = &world.tables[table];
    let preset = |write: &Write, column: usize| write.presets.iter().any(|(other, _)| *other == column);
    let may = |column: &usize| insert.is_none_or(|insert| insert.columns.contains(column) && !preset(insert, *column));
    let columns: Vec<usize> = (0..found.columns.len()).filter(may).collect();
    let mut objects: Vec<Vec<(usize, Value)>> = Vec::new();
    for number in 0..1 + rng.below(3) {
        let mut object = Vec::new();
        for &column in &columns {
            let key = found.key.contains(&column);
            if key || !found.columns[column].nullable && found.columns[column].default.is_null() || rng.percent(50) {
                object.push((column, foreign_or_random(world, table, column, rng)));
            }
        }
        // The first column of the key tells the statement's rows apart.
        if let Some(first) = object.iter_mut().find(|(column, _)| *column == found.key[0]) {
            first.1 = match found.columns[found.key[0]].kind {
                Kind::Int => Value::Int(i64::try_from(number * 4 + rng.below(4)).unwrap()),
                _ => Value::Text(format!("{number}{}", rng.pick(&["a", "b", "é"]))),
            };
            let keys = found.keys();
            if rng.percent(40) && keys.len() > number {
                for (column, value) in found.key.iter().zip(&keys[number]) {
                    if let Some(cell) = object.iter_mut().find(|(other, _)| other == column) {
                        cell.1 = value.clone();
                    }
                }
            }
        }
        let mine: Vec<&Value> =
            object.iter().filter(|(at, _)| found.key.contains(at)).map(|(_, value)| value).collect();
        let same = |other: &Vec<(usize, Value)>| {
            other.iter().filter(|(at, _)| found.key.contains(at)).map(|(_, value)| value).eq(mine.iter().copied())
        };
        if !objects.iter().any(same) {
            objects.push(object);
        }
    }
    let conflict = rng.percent(50).then(|| {
        let may = |column: &usize| match update {
            None => true,
            Some(update) => update.is_some_and(|update| update.columns.contains(column) && !preset(update, *column)),
        };
        let columns: Vec<usize> = (0..found.columns.len()).filter(|at| may(at) && !found.key.contains(at)).collect();
        Conflict { columns: rng.some(&columns, 3), filter: rng.percent(40).then(|| maker.condition(table, 2)) }
    });
    // Without a permission to update there is no condition either.
    let conflict = conflict.map(|conflict| match update {
        Some(None) => Conflict { columns: Vec::new(), filter: None },
        _ => conflict,
    });
    ChangeKind::Insert { objects, conflict }
}

/// A value that a foreign key is likely to find.
fn foreign_or_random(world: &World, table: usize, column: usize, rng: &mut Rng) -> Value {
    let found = &world.tables[table];
    let foreign = found.foreign.iter().find(|foreign| foreign.columns.contains(&column));
    if let Some(foreign) = foreign
        && rng.percent(85)
    {
        let keys = world.tables[foreign.target].keys();
        let part = foreign.columns.iter().position(|&other| other == column).unwrap_or_default();
        return if keys.is_empty() { Value::Null } else { rng.pick(&keys)[part].clone() };
    }
    found.columns[column].random(rng)
}

/// Whether every constraint holds.
fn sound(world: &World) -> bool {
    world.tables.iter().all(|table| {
        let unique = |columns: &[usize]| {
            let mut keys: Vec<String> = Vec::new();
            table.rows.iter().all(|row| {
                let key: Vec<&Value> = columns.iter().map(|&at| &row[at]).collect();
                let text = format!("{key:?}");
                let fresh = key.iter().any(|value| value.is_null()) || !keys.contains(&text);
                keys.push(text);
                fresh
            })
        };
        table.rows.iter().all(|row| table.filled(row))
            && unique(&table.key)
            && table.foreign.iter().all(|foreign| {
                let keys = world.tables[foreign.target].keys();
                let found = |row: &Row| {
                    let key: Row = foreign.columns.iter().map(|&at| row[at].clone()).collect();
                    key.iter().any(Value::is_null) || keys.contains(&key)
                };
                table.rows.iter().all(found) && (!foreign.unique || unique(&foreign.columns))
            })
    })
}

/// With returned rows in one order: PostgreSQL promises none.
pub fn sorted(answer: &Json) -> Json {
    let mut answer = answer.clone();
    if let Some(rows) = answer.pointer_mut("/data/r/returning").and_then(Json::as_array_mut) {
        rows.sort_by_key(Json::to_string);
    }
    answer
}
