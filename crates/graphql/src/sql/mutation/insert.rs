//! `INSERT`, with rows of other tables before and after.

use std::fmt::Write as _;

use crate::plan::mutation::{Cell, Conflict, ConflictTarget, Insert, Nested, NewRows, Object, Objects};
use crate::schema::{Insertion, Relationship, Schema};
use crate::sql::{Writer, sql};

use super::response::{Written, reads_others};
use super::{Argument, CHANGED, Check, Context, Expected, Gives, Step};

/// Values of one statement; PostgreSQL's protocol takes no more than 65,535 parameters.
const CELLS: usize = 30_000;

pub(super) fn steps(context: Context<'_>, insert: &Insert) -> Vec<Step> {
    let rows = &insert.rows;
    let items = match &rows.objects {
        Objects::Columns(_) => None,
        Objects::Each(objects) => Some(objects.iter().map(Item::new).collect::<Vec<_>>()),
    };
    let alone = items.as_ref().is_none_or(|items| {
        let nested = items.iter().any(|item| !item.object.nested.is_empty());
        !nested && chunk_size(context.schema, rows, items) >= items.len()
    });
    if alone && !reads_others(&insert.response) {
        let mut writer = Writer::for_step(context);
        let checked = writer.insert(rows, items.as_deref(), false);
        writer.checked(checked, |writer| writer.response(rows.table, &insert.response, &Written::Here));
        return vec![writer.into_step(rows.path.clone(), Gives::Answer)];
    }
    let mut program = Nesting { context, steps: Vec::new() };
    let mut shown: Vec<usize> = match items {
        None => vec![program.step(rows, None, None)],
        Some(items) => program.write(rows, items, None).iter().map(|place| place.step).collect(),
    };
    shown.dedup();
    let mut writer = Writer::for_step(context);
    writer.out.push_str("SELECT ");
    let written = Written::Steps { rows: shown, count: Argument::Affected };
    writer.response(rows.table, &insert.response, &written);
    let mut steps = program.steps;
    steps.push(writer.into_step(rows.path.clone(), Gives::Answer));
    steps
}

/// A row to be, with the columns that other rows determine.
struct Item<'p> {
    object: &'p Object,
    links: Vec<Link>,
}

/// A column takes a value of a row that was written before.
#[derive(Clone, Copy)]
struct Link {
    column: usize,
    place: Place,
    /// Position in that row's table.
    source: usize,
}

/// A written row.
#[derive(Clone, Copy)]
struct Place {
    table: usize,
    step: usize,
    /// From 0.
    index: usize,
}

impl<'p> Item<'p> {
    fn new(object: &'p Object) -> Self {
        Self { object, links: Vec::new() }
    }

    fn nested(&self, relationship: usize) -> impl Iterator<Item = &'p Nested> {
        self.object.nested.iter().filter(move |nested| nested.relationship == relationship)
    }
}

fn chunk_size(schema: &Schema, rows: &NewRows, items: &[Item<'_>]) -> usize {
    let width = schema.tables[rows.table].columns.len() + rows.presets.len();
    debug_assert!(items.iter().all(|item| item.object.cells.len() <= width), "a column has one value");
    (CELLS / width.max(1)).max(1)
}

/// Puts the statements of an insert with nested rows in order.
struct Nesting<'s> {
    context: Context<'s>,
    steps: Vec<Step>,
}

impl<'s> Nesting<'s> {
    /// Writes rows of one table with everything below them. `rows` says how they are written; its own objects are
    /// `items`, or some of them. With `required`, every row must come to be.
    fn write(&mut self, rows: &NewRows, mut items: Vec<Item<'_>>, required: Option<Expected>) -> Vec<Place> {
        let relationships = nested_relationships(&items);
        let table = &self.context.schema.tables[rows.table];
        for &id in &relationships {
            let relationship = &table.relationships[id];
            if is_before(relationship) {
                self.before(relationship, id, &mut items);
            }
        }
        let after: Vec<usize> = relationships.into_iter().filter(|&id| !is_before(&table.relationships[id])).collect();
        let required = required.or_else(|| {
            let message = format!(
                "cannot proceed to insert array relations since insert to table {} affects zero rows",
                table.display_name()
            );
            (!after.is_empty()).then(|| Expected { rows: 0, path: rows.path.clone(), message })
        });
        let places = self.own(rows, &items, required.as_ref());
        for id in after {
            self.after(&table.relationships[id], id, &items, &places);
        }
        places
    }

    /// The rows themselves.
    fn own(&mut self, rows: &NewRows, items: &[Item<'_>], required: Option<&Expected>) -> Vec<Place> {
        // A row that gives way to one that is there leaves no trace in the result, so that the others' order is lost.
        let size = match (required, &rows.conflict) {
            (Some(_), Some(_)) => 1,
            _ => chunk_size(self.context.schema, rows, items),
        };
        let mut places = Vec::with_capacity(items.len());
        for chunk in items.chunks(size) {
            let expected = required.map(|required| Expected { rows: chunk.len(), ..required.clone() });
            let step = self.step(rows, Some(chunk), expected);
            places.extend((0..chunk.len()).map(|index| Place { table: rows.table, step, index }));
        }
        places
    }

    fn step(&mut self, rows: &NewRows, items: Option<&[Item<'_>]>, expected: Option<Expected>) -> usize {
        let mut writer = Writer::for_step(self.context);
        let checked = writer.insert(rows, items, true);
        writer.give_rows(checked);
        self.steps.push(writer.into_step(rows.path.clone(), Gives::Rows { expected }));
        self.steps.len() - 1
    }

    /// Rows that these refer to.
    fn before(&mut self, relationship: &Relationship, id: usize, items: &mut [Item<'_>]) {
        let mut together: Vec<(usize, &Nested)> = Vec::new();
        let mut written: Vec<(usize, Place)> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            for nested in item.nested(id) {
                if nested.rows.conflict.is_none() {
                    together.push((index, nested));
                    continue;
                }
                let places = self.write(&nested.rows, objects(nested), Some(self.wanted(relationship, nested)));
                written.extend(places.into_iter().map(|place| (index, place)));
            }
        }
        if let Some((_, first)) = together.first() {
            let owners = together.iter().flat_map(|(index, nested)| objects(nested).into_iter().map(|_| *index));
            let owners: Vec<usize> = owners.collect();
            let below = together.iter().flat_map(|(_, nested)| objects(nested)).collect();
            let places = self.write(&first.rows, below, Some(self.wanted(relationship, first)));
            written.extend(owners.into_iter().zip(places));
        }
        for (index, place) in written {
            let links = relationship.columns.iter().map(|&(column, source)| Link { column, place, source });
            items[index].links.extend(links);
        }
    }

    fn wanted(&self, relationship: &Relationship, nested: &Nested) -> Expected {
        let message = format!(
            "cannot proceed to insert object relation \"{}\" since insert to table {} affects zero rows",
            relationship.name,
            self.context.schema.tables[relationship.target].display_name()
        );
        let path = nested.rows.path.strip_suffix(".data").unwrap_or(&nested.rows.path).to_owned();
        Expected { rows: 1, path, message }
    }

    /// Rows that refer to these.
    fn after(&mut self, relationship: &Relationship, id: usize, items: &[Item<'_>], places: &[Place]) {
        let mut together: Option<(&NewRows, Vec<Item<'_>>)> = None;
        for (item, &place) in items.iter().zip(places) {
            for nested in item.nested(id) {
                let mut below = objects(nested);
                for item in &mut below {
                    let links = relationship.columns.iter().map(|&(source, column)| Link { column, place, source });
                    item.links.extend(links);
                }
                if nested.rows.conflict.is_some() {
                    self.write(&nested.rows, below, None);
                } else {
                    together.get_or_insert_with(|| (&nested.rows, Vec::new())).1.extend(below);
                }
            }
        }
        if let Some((rows, below)) = together {
            self.write(rows, below, None);
        }
    }
}

/// In the order in which they are first used.
fn nested_relationships(items: &[Item<'_>]) -> Vec<usize> {
    let mut found = Vec::new();
    for nested in items.iter().flat_map(|item| &item.object.nested) {
        if !found.contains(&nested.relationship) {
            found.push(nested.relationship);
        }
    }
    found
}

fn is_before(relationship: &Relationship) -> bool {
    relationship.single && relationship.insertion == Insertion::BeforeParent
}

fn objects(nested: &Nested) -> Vec<Item<'_>> {
    match &nested.rows.objects {
        Objects::Each(objects) => objects.iter().map(Item::new).collect(),
        Objects::Columns(_) => Vec::new(),
    }
}

/// Where a column's value comes from.
enum Origin<'p> {
    Link(Link),
    Cell(&'p Cell),
}

impl Writer<'_> {
    /// `WITH "$changed" AS (INSERT …)`; true when its rows are checked.
    fn insert(&mut self, rows: &NewRows, items: Option<&[Item<'_>]>, whole: bool) -> bool {
        let alias = self.alias();
        let relation = &self.schema.tables[rows.table].relation;
        sql!(self, "WITH {CHANGED} AS (INSERT INTO {relation} AS \"{alias}\" (");
        match items {
            None => self.columns_of_arrays(rows),
            Some(items) => self.values(rows, items),
        }
        if let Some(conflict) = &rows.conflict {
            self.conflict(rows.table, conflict, alias);
        }
        let check = match rows.conflict.as_ref().and_then(|conflict| conflict.check.as_ref()) {
            Some(changed) => Some(Check::ByKind { new: &rows.check, changed }),
            None => Check::of(&rows.check),
        };
        self.returning(rows.table, alias, whole, check.as_ref());
        check.is_some()
    }

    /// `"a", "b") SELECT "$new"."c0"::int4, … FROM unnest($1::text[], …) AS "$new"("c0", …)`
    fn columns_of_arrays(&mut self, rows: &NewRows) {
        let Objects::Columns(columns) = &rows.objects else { return };
        let presets: Vec<&(usize, Cell)> =
            rows.presets.iter().filter(|(column, _)| columns.iter().all(|(other, ..)| other != column)).collect();
        let idents = columns.iter().map(|(column, ..)| *column).chain(presets.iter().map(|(column, _)| *column));
        self.column_list(rows.table, idents);
        self.out.push_str(") SELECT ");
        for (index, (_, _, cast)) in columns.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.read(cast.reader, cast, |writer| sql!(writer, "\"$new\".\"c{index}\""));
        }
        for (_, cell) in presets {
            self.out.push_str(", ");
            self.cell(cell);
        }
        self.out.push_str(" FROM unnest(");
        for (index, (_, parameter, _)) in columns.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.parameter(*parameter);
            self.out.push_str("::text[]");
        }
        self.out.push_str(") AS \"$new\"(");
        for index in 0..columns.len() {
            let comma = if index == 0 { "" } else { ", " };
            sql!(self, "{comma}\"c{index}\"");
        }
        self.out.push(')');
    }

    /// `"a", "b") VALUES ($1::int4, DEFAULT), …`
    fn values(&mut self, rows: &NewRows, items: &[Item<'_>]) {
        let mut columns: Vec<usize> = Vec::new();
        let given = items.iter().flat_map(|item| {
            let own = item.object.cells.iter().map(|(column, _)| *column);
            own.chain(item.links.iter().map(|link| link.column))
        });
        for column in given.chain(rows.presets.iter().map(|(column, _)| *column)) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if columns.is_empty() {
            // Rows of defaults alone; any column will do.
            columns.push(0);
        }
        self.column_list(rows.table, columns.iter().copied());
        self.out.push_str(") VALUES ");
        for (index, item) in items.iter().enumerate() {
            self.out.push_str(if index == 0 { "(" } else { ", (" });
            for (index, &column) in columns.iter().enumerate() {
                self.out.push_str(if index == 0 { "" } else { ", " });
                self.origin(&origin(rows, item, column));
            }
            self.out.push(')');
        }
    }

    fn column_list(&mut self, table: usize, columns: impl Iterator<Item = usize>) {
        for (index, column) in columns.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            sql!(self, "{comma}{}", self.schema.column(table, column).ident);
        }
    }

    fn origin(&mut self, origin: &Origin<'_>) {
        match origin {
            Origin::Cell(cell) => self.cell(cell),
            Origin::Link(Link { place, source, .. }) => {
                let found = &self.schema.tables[place.table];
                self.out.push_str("((");
                self.argument(Argument::Rows(place.step));
                sql!(self, "::{}[])[{}]).{}", found.relation, place.index + 1, found.columns[*source].ident);
            }
        }
    }

    fn conflict(&mut self, table: usize, conflict: &Conflict, alias: crate::sql::Alias) {
        self.out.push_str(" ON CONFLICT");
        match &conflict.target {
            ConflictTarget::Any => {}
            ConflictTarget::Constraint(name) => sql!(self, " ON CONSTRAINT {name}"),
            ConflictTarget::Columns(columns) => {
                self.out.push_str(" (");
                self.column_list(table, columns.iter().copied());
                self.out.push(')');
            }
        }
        if conflict.columns.is_empty() {
            self.out.push_str(" DO NOTHING");
            return;
        }
        self.out.push_str(" DO UPDATE SET ");
        let set = |column: &usize| conflict.presets.iter().all(|(preset, _)| preset != column);
        for (index, column) in conflict.columns.iter().filter(|column| set(column)).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let ident = &self.schema.column(table, *column).ident;
            sql!(self, "{comma}{ident} = EXCLUDED.{ident}");
        }
        let own = conflict.columns.iter().any(set);
        for (index, (column, cell)) in conflict.presets.iter().enumerate() {
            let comma = if index == 0 && !own { "" } else { ", " };
            sql!(self, "{comma}{} = ", self.schema.column(table, *column).ident);
            self.cell(cell);
        }
        if !conflict.filter.is_everything() {
            self.out.push_str(" WHERE ");
            self.filter(table, &conflict.filter, alias);
        }
    }
}

/// What the row around determines counts before what the client gave, and that before the permission's own value.
fn origin<'p>(rows: &'p NewRows, item: &'p Item<'_>, column: usize) -> Origin<'p> {
    if let Some(link) = item.links.iter().find(|link| link.column == column) {
        return Origin::Link(*link);
    }
    let cells = item.object.cells.iter().chain(&rows.presets);
    cells
        .into_iter()
        .find(|(found, _)| *found == column)
        .map_or(Origin::Cell(&Cell::Default), |(_, cell)| Origin::Cell(cell))
}
