//! Rows as bytes: for each table, COPY's text of any range of rows, from nothing but numbers.

use std::ops::Range;

use postgres::catalog::Name;

use super::{
    plan::KeyList,
    stream::{Stream, below, high},
    values,
};

/// A compiled plan: pure, and shared by the threads that write rows.
#[derive(Debug)]
pub struct Rows {
    /// Parents before their children, as far as there is such an order.
    pub(crate) tables: Vec<Table>,
}

/// One table's compiled columns.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: Name,
    pub count: u64,
    pub triggers: super::config::Triggers,
    pub columns: Vec<Column>,
    pub links: Vec<Link>,
    pub tuples: Vec<Tuple>,
    /// Positions of the columns that tell its rows apart; empty where it has no key.
    pub key: Vec<usize>,
    /// Shared by all columns of a row.
    pub stream: Stream,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub name: String,
    pub cell: Cell,
}

#[derive(Debug)]
pub(crate) enum Cell {
    Values { values: values::Column, stream: Stream, pick: ValuePick },
    Link { link: usize, member: usize },
}

/// Which of its values a column writes for a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ValuePick {
    Free,
    Row,
    Member { tuple: usize, member: usize },
}

#[derive(Debug)]
pub(crate) struct Link {
    pub stream: Stream,
    pub parents: Parents,
    /// How many parents there are.
    pub size: u64,
    /// Of 2³² rows, so many refer to nothing.
    pub nulls: u32,
    pub pick: LinkPick,
    /// Of a link that others follow: how many rows the third table has, and the fewest that a follower's table has. A parent whose
    /// third row is beyond those would leave the follower without a choice.
    pub followed: Option<(u64, u64)>,
}

#[derive(Debug)]
pub(crate) enum Parents {
    /// A table of this plan, and the positions of the columns of its key.
    Rows {
        table: usize,
        columns: Vec<usize>,
    },
    Keys(KeyList),
    Nothing,
}

/// Which parent a row chooses. Row `i` never chooses a parent beyond number `i`: that is what makes the first rows of a large
/// set equal to a small one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LinkPick {
    Uniform,
    Zipf,
    /// Among the rows before this one; the first refers to nothing, or to itself when it must refer to something.
    Earlier {
        nullable: bool,
        zipf: bool,
    },
    Row,
    Member {
        tuple: usize,
        member: usize,
    },
    /// One after the other.
    Turn,
    /// Among the parents whose third row, which they take in turn, is that of the parent `link` chose; `of` are there.
    Follow {
        link: usize,
        of: u64,
    },
}

/// See [`super::plan::Draft`]: members whose combinations differ.
#[derive(Debug)]
pub(crate) struct Tuple {
    pub members: Vec<TupleMember>,
}

#[derive(Debug)]
pub(crate) struct TupleMember {
    pub size: u64,
    /// Coprime to `size`: how far a step goes.
    pub stride: u64,
    pub stream: Stream,
    /// Where it starts in the first pass.
    pub start: TupleStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TupleStart {
    /// At its first value: the numbers 1, 2, 3 of an order's lines.
    First,
    /// At any of the values up to the row's number.
    Bounded,
    Anywhere,
}

/// What a thread needs to write rows again and again without allocating.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    picks: Vec<u64>,
    cells: Vec<Range<usize>>,
}

/// A link that chose no parent.
const NOTHING: u64 = u64::MAX;

impl Rows {
    /// Appends rows `range` of a table as COPY's text. `keys`, when given, gets the columns of the table's key alone.
    pub(crate) fn write(
        &self,
        table: usize,
        range: Range<u64>,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
        mut keys: Option<&mut Vec<u8>>,
    ) {
        let shape = &self.tables[table];
        for row in range {
            let begin = out.len();
            self.row(table, row, shape.columns.len(), scratch, out);
            // The last cell's tab.
            if out.len() > begin {
                out.pop();
            }
            out.push(b'\n');
            if let Some(keys) = keys.as_deref_mut()
                && !shape.key.is_empty()
            {
                for &column in &shape.key {
                    keys.extend_from_slice(&out[scratch.cells[column].clone()]);
                    keys.push(b'\t');
                }
                keys.pop();
                keys.push(b'\n');
            }
        }
    }

    /// The first `columns` cells of a row, each with a tab behind it.
    fn row(&self, table: usize, row: u64, columns: usize, scratch: &mut Scratch, out: &mut Vec<u8>) {
        let shape = &self.tables[table];
        scratch.picks.clear();
        scratch.picks.extend(shape.links.iter().map(|link| shape.choose(link, row)));
        scratch.cells.clear();
        let key = shape.stream.number(row);
        for column in &shape.columns[..columns] {
            let begin = out.len();
            match &column.cell {
                Cell::Values { values, stream, pick } => {
                    let context = values::Row { index: row, key, cells: &scratch.cells };
                    shape.value(values, stream, *pick, &context, out);
                }
                Cell::Link { link, member } => {
                    self.parent_cell(&shape.links[*link], scratch.picks[*link], *member, out);
                }
            }
            scratch.cells.push(begin..out.len());
            out.push(b'\t');
        }
    }

    /// One cell of one row, without its neighbours.
    fn cell(&self, table: usize, row: u64, column: usize, out: &mut Vec<u8>) {
        let shape = &self.tables[table];
        match &shape.columns[column].cell {
            Cell::Link { link, member } => {
                let link = &shape.links[*link];
                self.parent_cell(link, shape.choose(link, row), *member, out);
            }
            Cell::Values { values, .. } if values.reads_cells() => {
                let (mut scratch, mut prefix) = (Scratch::default(), Vec::new());
                self.row(table, row, column + 1, &mut scratch, &mut prefix);
                out.extend_from_slice(&prefix[scratch.cells[column].clone()]);
            }
            Cell::Values { values, stream, pick } => {
                let context = values::Row { index: row, key: shape.stream.number(row), cells: &[] };
                shape.value(values, stream, *pick, &context, out);
            }
        }
    }

    fn parent_cell(&self, link: &Link, parent: u64, member: usize, out: &mut Vec<u8>) {
        match &link.parents {
            _ if parent == NOTHING => out.extend_from_slice(b"\\N"),
            Parents::Rows { table, columns } => self.cell(*table, parent, columns[member], out),
            Parents::Keys(keys) => out.extend_from_slice(keys.cell(parent, member)),
            Parents::Nothing => out.extend_from_slice(b"\\N"),
        }
    }
}

impl Table {
    #[inline]
    fn value(
        &self,
        values: &values::Column,
        stream: &Stream,
        pick: ValuePick,
        row: &values::Row<'_>,
        out: &mut Vec<u8>,
    ) {
        let mut rng = stream.rng(row.index);
        match pick {
            ValuePick::Free => values.text(row, &mut rng, out),
            ValuePick::Row => values.nth(row.index, row, &mut rng, out),
            ValuePick::Member { tuple, member } => {
                values.nth(self.tuples[tuple].digit(member, row.index), row, &mut rng, out);
            }
        }
    }

    /// The parent's row that a row refers to.
    #[inline]
    fn choose(&self, link: &Link, row: u64) -> u64 {
        if link.size == 0 {
            return NOTHING;
        }
        let random = link.stream.number(row);
        // The lower half decides about nulls, the upper ones about the parent.
        if link.nulls > 0 && (random as u32) < link.nulls {
            return NOTHING;
        }
        let chosen = self.pick(link, row, random);
        match link.followed {
            // Row `n` of the parent, below both numbers, has third row `n`.
            Some((third, fewest)) if chosen != NOTHING && chosen % third >= fewest => chosen % fewest,
            _ => chosen,
        }
    }

    #[inline]
    fn pick(&self, link: &Link, row: u64, random: u64) -> u64 {
        let among = (row + 1).min(link.size);
        match link.pick {
            LinkPick::Uniform => below(random, among),
            LinkPick::Zipf => below(skewed(random), among),
            LinkPick::Earlier { nullable, .. } if row == 0 => {
                if nullable {
                    NOTHING
                } else {
                    0
                }
            }
            LinkPick::Earlier { zipf, .. } => below(if zipf { skewed(random) } else { random }, row.min(link.size)),
            LinkPick::Row => row,
            LinkPick::Member { tuple, member } => self.tuples[tuple].digit(member, row),
            LinkPick::Turn => row % link.size,
            LinkPick::Follow { link: first, of } => {
                let third = self.choose(&self.links[first], row) % of;
                third + of * below(random, (among - third).div_ceil(of))
            }
        }
    }
}

/// A fraction of 2⁶⁴ to its third power. Its density falls with x^(-2/3), which over a thousand parents gives the first of them a
/// tenth of all children, about as Zipf's law does, and needs no logarithm, whose last bit would depend on the machine.
#[inline]
fn skewed(random: u64) -> u64 {
    high(high(random, random), random)
}

impl Tuple {
    /// Which of its values a member takes in a row.
    #[inline]
    fn digit(&self, member: usize, row: u64) -> u64 {
        let first = self.members[0].size;
        let (place, mut pass) = (row % first, row / first);
        if member == 0 {
            return place;
        }
        for other in &self.members[1..member] {
            pass /= other.size;
        }
        let this = &self.members[member];
        let step = u128::from(pass % this.size) * u128::from(this.stride);
        let start = match this.start {
            TupleStart::First => 0,
            TupleStart::Bounded => below(this.stream.number(place), (place + 1).min(this.size)),
            TupleStart::Anywhere => below(this.stream.number(place), this.size),
        };
        ((u128::from(start) + step) % u128::from(this.size)) as u64
    }
}

/// The number nearest below `size` times the golden ratio that is coprime to `size`: steps of it spread evenly.
pub(crate) fn stride(size: u64) -> u64 {
    let divisor = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let ideal = high(size, 0x9e37_79b9_7f4a_7c15);
    (1..=ideal.max(1)).rev().find(|step| divisor(*step, size) == 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tuple(sizes: &[u64], starts: &[TupleStart]) -> Tuple {
        let member = |(index, (size, start)): (usize, (&u64, &TupleStart))| TupleMember {
            size: *size,
            stride: stride(*size),
            stream: Stream::new(1, "public.t", &index.to_string()),
            start: *start,
        };
        Tuple { members: sizes.iter().zip(starts).enumerate().map(member).collect() }
    }

    proptest::proptest! {
        #[test]
        fn combinations_never_come_twice(a in 1_u64..20, b in 1_u64..20, c in 1_u64..6, bounded: bool) {
            let start = if bounded { TupleStart::Bounded } else { TupleStart::Anywhere };
            let tuple = tuple(&[a, b, c], &[TupleStart::First, start, start]);
            let all: BTreeSet<[u64; 3]> =
                (0..a * b * c).map(|row| [0, 1, 2].map(|member| tuple.digit(member, row))).collect();
            proptest::prop_assert_eq!(all.len() as u64, a * b * c);
            proptest::prop_assert!(all.iter().all(|digits| digits[0] < a && digits[1] < b && digits[2] < c));
        }

        #[test]
        fn a_small_set_is_the_beginning_of_a_large_one(small in 1_u64..50, large in 50_u64..500) {
            let make = |size| tuple(&[size, size], &[TupleStart::First, TupleStart::Bounded]);
            let (few, many) = (make(small), make(large));
            for row in 0..small {
                proptest::prop_assert_eq!(few.digit(1, row), many.digit(1, row));
                proptest::prop_assert!(few.digit(1, row) <= row);
            }
        }

        #[test]
        fn strides_visit_everything(size in 1_u64..2000) {
            let seen: BTreeSet<u64> = (0..size).map(|step| step * stride(size) % size).collect();
            proptest::prop_assert_eq!(seen.len() as u64, size);
        }
    }

    #[test]
    fn few_parents_have_many_children() {
        let stream = Stream::new(1, "public.t", "parent");
        let first = (0..10_000).filter(|row| below(skewed(stream.number(*row)), 1000) == 0).count();
        assert!((800..1200).contains(&first), "{first} of 10000 chose the first of 1000");
    }
}
