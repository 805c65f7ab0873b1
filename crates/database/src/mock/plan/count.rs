//! How many rows each table gets: what was asked for, as far as its unique keys have room.

use super::{
    Draft, Keys,
    draft::{DraftTable, Link, Mode, Parent, Source},
    unique::Member,
};

/// The rows of every table, in the draft's order, and notes about those that get fewer than asked for.
pub(super) fn counts(draft: &Draft<'_>, keys: &Keys, notes: &mut Vec<String>) -> Vec<u64> {
    let mut counts: Vec<u64> = draft.tables.iter().map(|table| table.wanted).collect();
    // A table's room depends on its parents' rows. Counts only fall, so this ends.
    loop {
        let next: Vec<u64> = draft
            .tables
            .iter()
            .enumerate()
            .map(|(index, table)| counts[index].min(room(draft, keys, &counts, index, table)))
            .collect();
        if next == counts {
            break;
        }
        counts = next;
    }
    for (table, count) in draft.tables.iter().zip(&counts) {
        if *count < table.wanted {
            notes.push(format!(
                "{} gets {count} rows instead of {}: its unique keys have no room for more",
                super::draft::shown(table.table),
                table.wanted
            ));
        }
    }
    counts
}

/// How many rows the unique keys of a table allow.
fn room(draft: &Draft<'_>, keys: &Keys, counts: &[u64], index: usize, table: &DraftTable<'_>) -> u64 {
    let of_link =
        |link: &Link| if link.parent == Parent::Chosen(index) { u64::MAX } else { parents(link, counts, keys) };
    let mut room = u64::MAX;
    for draft in &table.columns {
        if let Source::Values { values, mode: Mode::Row } = &draft.source {
            room = room.min(values.distinct().unwrap_or(u64::MAX));
        }
    }
    for link in table.links.iter().filter(|link| link.mode == Mode::Row) {
        room = room.min(of_link(link));
    }
    for tuple in 0..table.tuples.len() {
        room = room.min(sizes(draft, keys, counts, index, tuple).iter().fold(1, |all, size| all.saturating_mul(*size)));
    }
    room
}

/// How many values each member of a tuple has.
pub(super) fn sizes(draft: &Draft<'_>, keys: &Keys, counts: &[u64], table: usize, tuple: usize) -> Vec<u64> {
    let table = &draft.tables[table];
    let size = |member: &Member| match member {
        Member::Link(link) => parents(&table.links[*link], counts, keys),
        Member::Column(column) => match &table.columns[*column].source {
            Source::Values { values, .. } => values.distinct().unwrap_or(u64::MAX),
            Source::Link { .. } => 1,
        },
    };
    table.tuples[tuple].members.iter().map(size).collect()
}

/// How many rows a link chooses from.
pub(super) fn parents(link: &Link, counts: &[u64], keys: &Keys) -> u64 {
    match &link.parent {
        Parent::Chosen(index) => counts[*index],
        Parent::Present(name) => keys.get(&(name.clone(), link.parent_columns.clone())).map_or(0, super::KeyList::len),
        Parent::Nothing => 0,
    }
}
