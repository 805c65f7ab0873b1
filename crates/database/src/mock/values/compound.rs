//! Values made of other values: lists of choices, arrays, ranges, composites, quoted text.

use super::{Generate, Pcg, Row, distribution::Weighted, encode, scalar::Scalar, stream};

/// A list of values as the type writes them.
#[derive(Debug, Clone)]
pub struct Choice {
    pub values: Vec<String>,
    pub weights: Option<Weighted>,
}

impl Generate for Choice {
    #[inline]
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let index = match &self.weights {
            Some(weights) => weights.sample(rng),
            None => stream::below(rng, self.values.len() as u64) as usize,
        };
        out.extend_from_slice(self.values[index].as_bytes());
    }

    fn distinct(&self) -> Option<u64> {
        Some(self.values.len() as u64)
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        out.extend_from_slice(self.values[index as usize % self.values.len()].as_bytes());
    }
}

/// Two words for true and false.
#[derive(Debug, Clone)]
pub struct Boolean {
    pub probability: u64,
    pub words: [&'static str; 2],
}

impl Generate for Boolean {
    #[inline]
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let truth = stream::hit(rng, self.probability);
        out.extend_from_slice(self.words[usize::from(truth)].as_bytes());
    }

    fn distinct(&self) -> Option<u64> {
        Some(if matches!(self.probability, 0 | u64::MAX) { 1 } else { 2 })
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        let truth = match self.probability {
            0 => false,
            u64::MAX => true,
            _ => index & 1 == 1,
        };
        out.extend_from_slice(self.words[usize::from(truth)].as_bytes());
    }
}

/// `start`, `start + step`, … by the row's number.
#[derive(Debug, Clone)]
pub struct Sequence {
    pub start: i64,
    pub step: i64,
    /// Numbers of the type, from `start` on.
    pub count: u64,
}

impl Sequence {
    fn put(&self, index: u64, out: &mut Vec<u8>) {
        let value = self.start.wrapping_add((index as i64).wrapping_mul(self.step));
        super::scalar::write_decimal(value, 0, out);
    }
}

impl Generate for Sequence {
    #[inline]
    fn write(&self, row: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        self.put(row.index % self.count, out);
    }

    fn distinct(&self) -> Option<u64> {
        Some(self.count)
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        self.put(index, out);
    }
}

/// `{a,b}`: elements of one generator.
#[derive(Debug)]
pub struct Array {
    pub element: Box<dyn Generate>,
    pub min: u64,
    pub max: u64,
}

impl Array {
    fn fill(&self, first: Option<u64>, count: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        out.push(b'{');
        for position in 0..count {
            if position > 0 {
                out.push(b',');
            }
            let start = out.len();
            // Elements that follow the row's person or place differ among themselves.
            let row = &Row { index: row.index, key: stream::mix(row.key ^ position), cells: row.cells };
            match first.filter(|_| position == 0) {
                Some(index) => self.element.nth(index, row, rng, out),
                None => self.element.write(row, rng, out),
            }
            encode::element(start, out);
        }
        out.push(b'}');
    }
}

impl Generate for Array {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let count = stream::between(rng, self.min as i64, self.max as i64) as u64;
        self.fill(None, count, row, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        if self.max == 0 { Some(1) } else { self.element.distinct() }
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.fill(Some(index), self.min.max(1).min(self.max), row, rng, out);
    }
}

/// `[low,high)` of numbers or moments; as a multirange, one range in braces.
#[derive(Debug)]
pub struct Range {
    pub bound: Scalar,
    /// The longest one, in steps of the bound's span.
    pub width: u64,
    pub multi: bool,
}

impl Range {
    fn put(&self, from: u64, to: u64, out: &mut Vec<u8>) {
        if self.multi {
            out.push(b'{');
        }
        out.push(b'[');
        // Moments have a space in them, which only double quotes keep together.
        let quoted = |position: u64, out: &mut Vec<u8>| {
            let start = out.len();
            self.bound.format.write(self.bound.span.at(position), out);
            encode::element(start, out);
        };
        quoted(from, out);
        out.push(b',');
        quoted(to, out);
        out.push(b')');
        if self.multi {
            out.push(b'}');
        }
    }
}

impl Generate for Range {
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let total = self.bound.span.total();
        let width = 1 + stream::below(rng, self.width.min(total.saturating_sub(1)).max(1));
        let from = stream::below(rng, total.saturating_sub(width).max(1));
        self.put(from, from + width, out);
    }

    fn distinct(&self) -> Option<u64> {
        // Pairwise disjoint, so that exclusion constraints are met: each range takes its own stretch.
        Some(((self.bound.span.total() - 1) / self.stretch()).max(1))
    }

    fn nth(&self, index: u64, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let from = index.saturating_mul(self.stretch());
        self.put(from, from + 1 + stream::below(rng, self.stretch()), out);
    }
}

impl Range {
    /// Steps that each of the disjoint ranges may take.
    fn stretch(&self) -> u64 {
        // A million disjoint ranges, if the span has room for them.
        (self.bound.span.total() / 1_000_000).clamp(1, self.width.max(1))
    }
}

/// `(a,"b c",)`: a composite.
#[derive(Debug)]
pub struct Composite {
    pub fields: Vec<Box<dyn Generate>>,
}

impl Composite {
    fn put(&self, index: Option<u64>, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let mut numbered = index.zip(self.numbered());
        out.push(b'(');
        for (position, field) in self.fields.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            let start = out.len();
            match numbered.take_if(|(_, chosen)| *chosen == position) {
                Some((index, _)) => field.nth(index, row, rng, out),
                None => field.write(row, rng, out),
            }
            encode::element(start, out);
        }
        out.push(b')');
    }

    /// The field with the most values: it makes a unique composite unique.
    fn numbered(&self) -> Option<usize> {
        let size = |field: &dyn Generate| field.distinct().unwrap_or(u64::MAX);
        (0..self.fields.len()).max_by_key(|&position| size(&*self.fields[position]))
    }
}

impl Generate for Composite {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.put(None, row, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        self.numbered().map_or(Some(1), |position| self.fields[position].distinct())
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.put(Some(index), row, rng, out);
    }
}

/// Another generator's text as a JSON string.
#[derive(Debug)]
pub struct Quoted(pub Box<dyn Generate>);

impl Generate for Quoted {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        self.0.write(row, rng, out);
        encode::json(start, out);
    }

    fn distinct(&self) -> Option<u64> {
        self.0.distinct()
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        self.0.nth(index, row, rng, out);
        encode::json(start, out);
    }
}

/// Literal text and generators in turn: templates, and JSON objects.
#[derive(Debug)]
pub struct Parts {
    pub parts: Vec<(String, Option<Box<dyn Generate>>)>,
    /// Nothing but text separates the parts: in a unique value only the numbered one may vary.
    pub template: bool,
}

impl Parts {
    fn put(&self, index: Option<u64>, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let mut numbered = index.zip(self.numbered());
        for (position, (literal, part)) in self.parts.iter().enumerate() {
            out.extend_from_slice(literal.as_bytes());
            let Some(part) = part else { continue };
            match numbered.take_if(|(_, chosen)| *chosen == position) {
                Some((index, _)) => part.nth(index, row, rng, out),
                None if index.is_some() && self.template => part.nth(0, row, rng, out),
                None => part.write(row, rng, out),
            }
        }
    }

    fn numbered(&self) -> Option<usize> {
        let size = |position: usize| self.parts[position].1.as_ref().map(|part| part.distinct().unwrap_or(u64::MAX));
        (0..self.parts.len()).filter(|&position| size(position).is_some()).max_by_key(|&position| size(position))
    }
}

impl Generate for Parts {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.put(None, row, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        self.numbered().and_then(|position| self.parts[position].1.as_ref()).map_or(Some(1), |part| part.distinct())
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.put(Some(index), row, rng, out);
    }
}

/// Made of the row's town: a latitude or a longitude.
#[derive(Debug)]
pub struct Coordinate {
    pub cities: std::sync::Arc<Vec<super::people::City>>,
    pub group: u64,
    pub latitude: bool,
}

impl Generate for Coordinate {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let value = super::people::coordinate(&self.cities, row, rng, self.group, self.latitude);
        super::scalar::write_decimal(value, 4, out);
    }

    fn distinct(&self) -> Option<u64> {
        Some(1_600_000)
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        super::scalar::write_decimal(index as i64 - 800_000, 4, out);
    }
}
