//! Unique by construction: for every key of a table, something in it differs from row to row, or its combinations do.

use postgres::catalog::{IndexKey, Table};

use super::draft::{DraftTable, Mode, Parent, Source, shown};
use crate::mock::MockError;

/// Values are never enumerated twice where a column has room for this many.
const ROOMY: u64 = 1 << 20;

/// Columns and links whose combinations differ from row to row.
///
/// Row `i` is row `i mod n` of pass `i / n`, where `n` is how many values the first member has. In a pass the first member takes
/// each of its values once; the others start anywhere and move on by one step a pass, so that no combination comes twice before
/// all have come.
#[derive(Debug)]
pub(crate) struct Tuple {
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// Position in [`DraftTable::columns`].
    Column(usize),
    /// Position in [`DraftTable::links`].
    Link(usize),
}

/// Columns whose values together may not come twice.
struct Set {
    name: String,
    columns: Vec<String>,
    /// All columns are filled by us; else the database answers for it.
    ours: bool,
}

/// Gives columns and links of the table the [`Mode`] that its keys need.
pub(super) fn decide(draft: &mut DraftTable<'_>, notes: &mut Vec<String>) -> Result<(), MockError> {
    for set in sets(draft.table, notes) {
        let positions: Vec<usize> = set.columns.iter().filter_map(|name| draft.position(name)).collect();
        if !set.ours || positions.len() < set.columns.len() || satisfied(draft, &positions) {
            continue;
        }
        if !satisfy(draft, &positions) {
            return Err(MockError::Plan {
                table: shown(draft.table),
                problem: format!("no way is known to keep {} ({}) unique", set.name, set.columns.join(", ")),
                fix: "give one of these columns a kind that knows many values, or leave the table out with `count: 0`"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// Every key of the table, narrow ones first, so that wide ones find their work done.
fn sets(table: &Table, notes: &mut Vec<String>) -> Vec<Set> {
    let keys = table.primary_key.iter().chain(&table.unique_keys);
    let mut sets: Vec<Set> =
        keys.map(|key| Set { name: key.name.clone(), columns: key.columns.clone(), ours: true }).collect();
    let bare = table.indexes.iter().filter(|index| index.unique && index.valid && index.constraint.is_none());
    for index in bare.filter(|index| !index.primary) {
        let columns: Option<Vec<String>> = index.keys.iter().map(|key| key_column(table, key)).collect();
        let ours = columns.is_some();
        if !ours {
            notes.push(format!("{}: the unique index {} is left to chance", shown(table), index.name));
        }
        sets.push(Set { name: index.name.clone(), columns: columns.unwrap_or_default(), ours });
    }
    for exclusion in &table.exclusions {
        let columns = excluded(table, &exclusion.definition);
        let ours = columns.is_some();
        if !ours {
            notes.push(format!("{}: the exclusion {} is left to chance", shown(table), exclusion.name));
        }
        sets.push(Set { name: exclusion.name.clone(), columns: columns.unwrap_or_default(), ours });
    }
    sets.sort_by_key(|set| set.columns.len());
    sets
}

/// The column of an index's key; of an expression, the only column it names: `lower(email)`.
fn key_column(table: &Table, key: &IndexKey) -> Option<String> {
    if key.column.is_some() {
        return key.column.clone();
    }
    let expression = key.expression.as_deref()?;
    let words: Vec<&str> = expression.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let mut named = table.columns.iter().filter(|column| words.contains(&column.name.as_str()));
    let first = named.next()?;
    named.next().is_none().then(|| first.name.clone())
}

/// The columns of `EXCLUDE USING gist (room WITH =, during WITH &&) …` that keep rows apart when they differ: the ranges,
/// because distinct values of a range column never overlap, else all of them. None for other operators.
fn excluded(table: &Table, definition: &str) -> Option<Vec<String>> {
    let inner = definition.split_once('(')?.1;
    let (mut equal, mut overlapping) = (Vec::new(), Vec::new());
    for part in inner.split(',') {
        let (expression, operator) = part.split_once(" WITH ")?;
        let operator: String = operator.chars().take_while(|c| !c.is_whitespace() && *c != ')').collect();
        let key = IndexKey {
            column: None,
            expression: Some(expression.to_owned()),
            opclass: None,
            collation: None,
            descending: false,
            nulls_first: false,
        };
        let column = key_column(table, &key);
        match operator.as_str() {
            "=" => equal.push(column?),
            "&&" => overlapping.push(column?),
            _ => return None,
        }
    }
    let columns = if overlapping.is_empty() { equal } else { overlapping };
    (!columns.is_empty()).then_some(columns)
}

/// True when something in the set differs in every row already.
fn satisfied(draft: &DraftTable<'_>, set: &[usize]) -> bool {
    let inside = |columns: &[usize]| columns.iter().all(|column| set.contains(column));
    let differs = |column: &usize| match &draft.columns[*column].source {
        Source::Values { mode, .. } => *mode == Mode::Row,
        Source::Link { link, .. } => draft.links[*link].mode == Mode::Row && inside(&draft.links[*link].columns),
    };
    let covered = |tuple: &Tuple| {
        tuple.members.iter().all(|member| match member {
            Member::Column(column) => set.contains(column),
            Member::Link(link) => inside(&draft.links[*link].columns),
        })
    };
    set.iter().any(differs) || draft.tuples.iter().any(covered)
}

/// Gives members of the set that are still free the modes that keep its values apart; false when nothing would.
fn satisfy(draft: &mut DraftTable<'_>, set: &[usize]) -> bool {
    let members = free_members(draft, set);
    let endless = |member: &Member| room(draft, *member).is_none_or(|room| room >= ROOMY);
    let best = match members.as_slice() {
        [] => return false,
        [only] => Some(*only),
        // A slug or a moment tells rows apart by itself; numbers and days count within their parent instead.
        _ => members.iter().copied().find(|member| stands_alone(draft, *member) && endless(member)),
    };
    let only_values = members.iter().all(|member| matches!(member, Member::Column(_)));
    let best = best.or_else(|| members.iter().copied().find(|member| only_values && endless(member)));
    match best {
        Some(member) => set_mode(draft, member, Mode::Row),
        None => {
            let tuple = draft.tuples.len();
            for (position, member) in members.iter().enumerate() {
                set_mode(draft, *member, Mode::Member { tuple, member: position });
            }
            draft.tuples.push(Tuple { members });
        }
    }
    true
}

/// The links that lie in the set as a whole, then the columns that can enumerate values, those with the most room first.
fn free_members(draft: &DraftTable<'_>, set: &[usize]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (index, link) in draft.links.iter().enumerate() {
        let whole = link.columns.iter().all(|column| set.contains(column));
        if whole && link.mode == Mode::Free && link.parent != Parent::Nothing {
            members.push(Member::Link(index));
        }
    }
    let mut columns: Vec<(u64, usize)> = Vec::new();
    for &column in set {
        if let Source::Values { values, mode: Mode::Free } = &draft.columns[column].source {
            let room = values.distinct().unwrap_or(u64::MAX);
            if room > 0 {
                columns.push((room, column));
            }
        }
    }
    columns.sort_by_key(|(room, column)| (std::cmp::Reverse(*room), *column));
    members.extend(columns.into_iter().map(|(_, column)| Member::Column(column)));
    members
}

/// How many values a column can enumerate; none without an end. A link has its parents, which are few.
fn room(draft: &DraftTable<'_>, member: Member) -> Option<u64> {
    match member {
        Member::Link(_) => Some(0),
        Member::Column(column) => match &draft.columns[column].source {
            Source::Values { values, .. } => values.distinct(),
            Source::Link { .. } => Some(0),
        },
    }
}

/// True for columns that would be unique in life too: texts, identifiers, moments, ranges.
fn stands_alone(draft: &DraftTable<'_>, member: Member) -> bool {
    let Member::Column(column) = member else { return false };
    let r#type = &draft.columns[column].column.r#type;
    matches!(r#type.category, 'S' | 'U' | 'R' | 'I') || r#type.name.starts_with("timestamp")
}

fn set_mode(draft: &mut DraftTable<'_>, member: Member, wanted: Mode) {
    match member {
        Member::Link(link) => {
            let link = &mut draft.links[link];
            link.mode = wanted;
            link.nulls = 0.0;
        }
        Member::Column(column) => {
            if let Source::Values { values, mode } = &mut draft.columns[column].source {
                *mode = wanted;
                values.never_null();
            }
        }
    }
}
