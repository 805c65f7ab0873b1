//! The last step of a plan: numbers of rows are fixed, names become positions, each column gets its stream.

use super::{
    Draft, Keys,
    count::{counts, parents, sizes},
    draft::{DraftTable, FOREIGN_KEY, Link, Mode, Parent, Skew, Source, shown},
    name_of,
    unique::Member,
};
use crate::mock::{
    MockError,
    rows::{self, Cell, Column, LinkPick, Parents, Rows, Table, TupleMember, TupleStart, ValuePick, stride},
    stream::Stream,
};

/// A finished plan.
#[derive(Debug)]
pub struct Plan {
    pub rows: Rows,
    /// What a person should know about it.
    pub notes: Vec<String>,
}

impl Draft<'_> {
    /// Fixes the numbers of rows and compiles.
    ///
    /// # Errors
    /// [`MockError::Plan`] where a column's values would depend on themselves.
    pub fn finish(mut self, keys: &Keys) -> Result<Plan, MockError> {
        let mut notes = std::mem::take(&mut self.notes);
        self.break_circles()?;
        let counts = counts(&self, keys, &mut notes);
        let positions = self.key_positions()?;
        let order = order(&self.tables);
        let rank: Vec<usize> = {
            let mut rank = vec![0; order.len()];
            for (place, &table) in order.iter().enumerate() {
                rank[table] = place;
            }
            rank
        };
        let sizes: Vec<Vec<Vec<u64>>> = (0..self.tables.len())
            .map(|table| {
                let tuples = 0..self.tables[table].tuples.len();
                tuples.map(|tuple| sizes(&self, keys, &counts, table, tuple)).collect()
            })
            .collect();
        let thirds = self.thirds(&counts, keys);
        let seed = self.seed;
        let mut tables: Vec<Option<Table>> = self.tables.iter().map(|_| None).collect();
        for (index, draft) in self.tables.into_iter().enumerate() {
            let context = Context {
                seed,
                index,
                counts: &counts,
                keys,
                rank: &rank,
                thirds: &thirds,
                positions: &positions[index],
            };
            tables[rank[index]] = Some(context.table(draft, &sizes[index]));
        }
        Ok(Plan { rows: Rows { tables: tables.into_iter().flatten().collect() }, notes })
    }

    /// For each table and link with a partner: how many rows the third table has.
    fn thirds(&self, counts: &[u64], keys: &Keys) -> Vec<Vec<u64>> {
        let of_link = |link: &Link| {
            let (Some(partner), Parent::Chosen(parent)) = (&link.partner, &link.parent) else { return 0 };
            let parent = &self.tables[*parent];
            let column = parent.position(&partner.columns[1]).map(|at| &parent.columns[at].source);
            match column {
                Some(Source::Link { link, .. }) => parents(&parent.links[*link], counts, keys),
                _ => 0,
            }
        };
        self.tables.iter().map(|table| table.links.iter().map(of_link).collect()).collect()
    }

    /// For each table and link: the positions of the parent's key among the parent's columns.
    fn key_positions(&self) -> Result<Vec<Vec<Vec<usize>>>, MockError> {
        let of_link = |table: &DraftTable<'_>, link: &Link| {
            let Parent::Chosen(parent) = link.parent else { return Ok(Vec::new()) };
            let parent = &self.tables[parent];
            let position = |name: &String| {
                parent.position(name).ok_or_else(|| MockError::Plan {
                    table: shown(table.table),
                    problem: format!(
                        "{} refers to {}.{name}, which the database fills: its values are not known beforehand",
                        link.name,
                        shown(parent.table)
                    ),
                    fix: format!("give {}.{name} a kind other than `default`", shown(parent.table)),
                })
            };
            link.parent_columns.iter().map(position).collect()
        };
        let of_table = |table: &DraftTable<'_>| table.links.iter().map(|link| of_link(table, link)).collect();
        self.tables.iter().map(of_table).collect()
    }

    /// Cuts links whose value would, over parents of parents, be taken from itself: keys that are foreign keys in a circle.
    fn break_circles(&mut self) -> Result<(), MockError> {
        while let Some((table, link)) = self.circle() {
            let shown = shown(self.tables[table].table);
            let link = &mut self.tables[table].links[link];
            if !link.nullable {
                return Err(MockError::Plan {
                    table: shown,
                    problem: format!("the values of {} come from themselves, over foreign keys in a circle", link.name),
                    fix: format!("give one of its columns a kind other than {FOREIGN_KEY}, or the table `count: 0`"),
                });
            }
            link.parent = Parent::Nothing;
            link.mode = Mode::Free;
        }
        Ok(())
    }

    /// A link on a circle of cells; a table's reference to its own rows' key is none, unless the key is that reference.
    fn circle(&self) -> Option<(usize, usize)> {
        let mut done: Vec<Vec<bool>> = self.tables.iter().map(|table| vec![false; table.columns.len()]).collect();
        for table in 0..self.tables.len() {
            for column in 0..self.tables[table].columns.len() {
                let mut path: Vec<(usize, usize)> = Vec::new();
                let mut at = (table, column);
                // Every cell has one source at most, so its way is a line.
                while !done[at.0][at.1] {
                    let Source::Link { link, member } = &self.tables[at.0].columns[at.1].source else { break };
                    let from = &self.tables[at.0].links[*link];
                    let Parent::Chosen(parent) = from.parent else { break };
                    if path.contains(&at) {
                        return Some((at.0, *link));
                    }
                    path.push(at);
                    let Some(next) = self.tables[parent].position(&from.parent_columns[*member]) else { break };
                    at = (parent, next);
                }
                for (table, column) in path {
                    done[table][column] = true;
                }
            }
        }
        None
    }
}

/// Positions of the tables, parents first; in a circle of tables the first by name comes first.
fn order(tables: &[DraftTable<'_>]) -> Vec<usize> {
    fn visit(tables: &[DraftTable<'_>], table: usize, seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[table], true) {
            return;
        }
        for link in &tables[table].links {
            if let Parent::Chosen(parent) = link.parent {
                visit(tables, parent, seen, order);
            }
        }
        order.push(table);
    }
    let (mut seen, mut order) = (vec![false; tables.len()], Vec::new());
    for table in 0..tables.len() {
        visit(tables, table, &mut seen, &mut order);
    }
    order
}

/// What one table is compiled with.
struct Context<'c> {
    seed: u64,
    index: usize,
    counts: &'c [u64],
    keys: &'c Keys,
    rank: &'c [usize],
    /// For each table and link with a partner: the rows of the third table.
    thirds: &'c [Vec<u64>],
    positions: &'c [Vec<usize>],
}

impl Context<'_> {
    fn table(&self, draft: DraftTable<'_>, sizes: &[Vec<u64>]) -> Table {
        let name = name_of(draft.table);
        let full = format!("{}.{}", name.schema, name.name);
        let stream = |part: &str| Stream::new(self.seed, &full, part);
        let tuples = draft.tuples.iter().enumerate().map(|(index, tuple)| {
            let members = tuple.members.iter().zip(&sizes[index]);
            let members = members.map(|(member, &size)| {
                let (name, start) = match member {
                    Member::Link(link) => (&draft.links[*link].name, TupleStart::Bounded),
                    // Few values are states, and stand in any order; many are numbers and count.
                    Member::Column(column) if size < 1000 => {
                        (&draft.columns[*column].column.name, TupleStart::Anywhere)
                    }
                    Member::Column(column) => (&draft.columns[*column].column.name, TupleStart::First),
                };
                let stride = if start == TupleStart::First { 1 } else { stride(size) };
                TupleMember { size, stride, stream: stream(&format!("tuple:{name}")), start }
            });
            rows::Tuple { members: members.collect() }
        });
        let tuples = tuples.collect();
        let mut links: Vec<rows::Link> =
            draft.links.iter().enumerate().map(|(index, link)| self.link(link, index, &stream)).collect();
        self.follow(&draft, &mut links);
        let key = key(&draft);
        let columns = draft.columns.into_iter().map(|draft| {
            let name = draft.column.name.clone();
            let cell = match draft.source {
                Source::Link { link, member } => Cell::Link { link, member },
                Source::Values { values, mode } => {
                    let pick = match mode {
                        Mode::Free | Mode::Turn => ValuePick::Free,
                        Mode::Row => ValuePick::Row,
                        Mode::Member { tuple, member } => ValuePick::Member { tuple, member },
                    };
                    Cell::Values { values, stream: stream(&format!("column:{name}")), pick }
                }
            };
            Column { name, cell }
        });
        Table {
            count: self.counts[self.index],
            triggers: draft.triggers,
            columns: columns.collect(),
            links,
            tuples,
            key,
            stream: stream("row"),
            name,
        }
    }

    fn link(&self, link: &Link, index: usize, stream: &dyn Fn(&str) -> Stream) -> rows::Link {
        let size = parents(link, self.counts, self.keys);
        let chosen = match &link.parent {
            Parent::Chosen(parent) => {
                Parents::Rows { table: self.rank[*parent], columns: self.positions[index].clone() }
            }
            Parent::Present(name) => {
                let keys = self.keys.get(&(name.clone(), link.parent_columns.clone()));
                Parents::Keys(keys.cloned().unwrap_or_default())
            }
            Parent::Nothing => Parents::Nothing,
        };
        let zipf = link.skew == Skew::Zipf;
        let pick = match link.mode {
            Mode::Row => LinkPick::Row,
            Mode::Turn => LinkPick::Turn,
            Mode::Member { tuple, member } => LinkPick::Member { tuple, member },
            Mode::Free if link.parent == Parent::Chosen(self.index) => {
                LinkPick::Earlier { nullable: link.nullable, zipf }
            }
            Mode::Free if zipf => LinkPick::Zipf,
            Mode::Free => LinkPick::Uniform,
        };
        // Casts of floats saturate.
        let nulls = (link.nulls * f64::from(u32::MAX)) as u32;
        let stream = stream(&format!("link:{}", link.name));
        rows::Link { stream, parents: chosen, size, nulls, pick, followed: None }
    }

    /// Ties links that must agree in a third row.
    fn follow(&self, draft: &DraftTable<'_>, links: &mut [rows::Link]) {
        for (index, link) in draft.links.iter().enumerate() {
            let Some(partner) = &link.partner else { continue };
            let of = self.thirds[self.index][index];
            let size = links[index].size;
            if of == 0 || size == 0 {
                continue;
            }
            links[index].pick = LinkPick::Follow { link: partner.link, of };
            let first = &mut links[partner.link];
            let fewest = first.followed.map_or(size, |(_, fewest)| fewest.min(size));
            first.followed = Some((of, fewest));
        }
    }
}

/// Positions of the primary key's columns, or of another key's that is never null; empty where there is none.
fn key(draft: &DraftTable<'_>) -> Vec<usize> {
    let table = draft.table;
    let never_null =
        |columns: &[String]| columns.iter().all(|name| table.column(name).is_some_and(|column| column.not_null));
    let keys = table.primary_key.iter().chain(table.unique_keys.iter().filter(|key| never_null(&key.columns)));
    let positions = |columns: &[String]| columns.iter().map(|name| draft.position(name)).collect();
    keys.filter_map(|key| positions(&key.columns)).find(|key: &Vec<usize>| !key.is_empty()).unwrap_or_default()
}
