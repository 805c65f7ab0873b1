//! Values of types that no kind speaks of: network addresses, geometry, search documents, and everything an extension
//! or PostgreSQL itself brings along. Each is one small function; unique ones carry the index in a place of their own.

use super::{Generate, Pcg, Row, scalar::write_decimal, stream};

/// A type of [`super::target::SPECIAL`].
#[derive(Debug, Clone)]
pub struct Special {
    pub name: String,
    /// What stood in the type's parentheses: `Point,4326` of a geometry, `3` of a vector.
    pub modifier: String,
}

impl Generate for Special {
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let seed = stream::below(rng, 1 << 20);
        self.put(seed, rng, out);
    }

    fn distinct(&self) -> Option<u64> {
        match self.name.as_str() {
            "inet" | "cidr" => Some(1 << 24),
            "macaddr" => Some(1 << 40),
            "macaddr8" | "pg_lsn" => Some(1 << 56),
            "regtype" | "regclass" | "regproc" | "regrole" | "regnamespace" => Some(1),
            "tid" | "int2vector" => Some(1 << 15),
            "lquery" | "jsonpath" | "hstore" | "ltree" | "ltxtquery" | "tsvector" | "tsquery" | "xml" | "refcursor" => {
                None
            }
            // Coordinates hold the index exactly; vectors in single precision only so far.
            "vector" | "halfvec" => Some(2_048),
            _ => Some(1 << 31),
        }
    }

    fn nth(&self, index: u64, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        self.put(index, rng, out);
    }
}

impl Special {
    /// The value that `seed` names: different for every seed below `distinct()`.
    fn put(&self, seed: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
        match self.name.as_str() {
            "inet" | "cidr" => octets([10, (seed >> 16) as u8, (seed >> 8) as u8, seed as u8], out),
            // A locally administered address, so that no maker owns it.
            "macaddr" => hex_pairs(0x02_00_00_00_00_00 | seed, 6, b':', out),
            "macaddr8" => hex_pairs(0x0200_0000_0000_0000 | seed, 8, b':', out),
            "tsvector" => text(&["'mock':1 'row", "':2"], seed, out),
            "tsquery" => text(&["'mock' & 'row", "'"], seed, out),
            "xml" => text(&["<row id=\"", "\"/>"], seed, out),
            "jsonpath" => text(&["$.\"row", "\""], seed, out),
            "hstore" => text(&["\"row\"=>\"", "\""], seed, out),
            "ltree" => text(&["mock.row", ""], seed, out),
            "lquery" | "ltxtquery" => text(&["mock", ""], seed, out),
            "refcursor" => text(&["cursor", ""], seed, out),
            "pg_lsn" => text_hex(seed, out),
            "txid_snapshot" | "pg_snapshot" => {
                for (index, end) in [(0, ":"), (1, ":")] {
                    write_decimal(seed as i64 + 10 + index, 0, out);
                    out.extend_from_slice(end.as_bytes());
                }
            }
            "tid" => text(&["(0,", ")"], seed + 1, out),
            "int2vector" | "oidvector" => text(&["1 ", ""], seed, out),
            "regtype" => out.extend_from_slice(b"integer"),
            "regclass" => out.extend_from_slice(b"pg_class"),
            "regproc" => out.extend_from_slice(b"now"),
            "regrole" => out.extend_from_slice(b"pg_monitor"),
            "regnamespace" => out.extend_from_slice(b"pg_catalog"),
            "vector" | "halfvec" => self.vector(seed, rng, out),
            "cube" => text(&["(", ",0)"], seed, out),
            "geometry" | "geography" => self.geometry(seed, rng, out),
            _ => self.plane(seed, rng, out),
        }
    }

    fn vector(&self, seed: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
        let dimensions: usize = self.modifier.parse().unwrap_or(3);
        out.push(b'[');
        write_decimal(seed as i64, 0, out);
        for _ in 1..dimensions {
            out.push(b',');
            write_decimal(stream::between(rng, -1_000, 1_000), 3, out);
        }
        out.push(b']');
    }

    /// PostGIS: extended well-known text of the declared kind of geometry.
    fn geometry(&self, seed: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
        let (shape, srid) = self.modifier.split_once(',').unwrap_or((self.modifier.as_str(), ""));
        let srid = if srid.trim().is_empty() && self.name == "geography" { "4326" } else { srid.trim() };
        if !srid.is_empty() {
            out.extend_from_slice(b"SRID=");
            out.extend_from_slice(srid.as_bytes());
            out.push(b';');
        }
        let shape = shape.trim().to_ascii_uppercase();
        let (base, extra) = ["ZM", "Z", "M"]
            .into_iter()
            .find_map(|suffix| shape.strip_suffix(suffix).map(|base| (base, suffix.len())))
            .unwrap_or((shape.as_str(), 0));
        // A square of a ten-thousandth of a degree, its corner at a point that the seed names.
        let x = (seed % 3_400_000) as i64 - 1_700_000;
        let y = (seed / 3_400_000) as i64 % 1_600_000 - 800_000 + stream::between(rng, 0, 0);
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)].map(|(right, up)| (x + right, y + up));
        let (word, open, count) = match base {
            "LINESTRING" => ("LINESTRING", "(", 3),
            "POLYGON" => ("POLYGON", "((", 5),
            "MULTIPOINT" => ("MULTIPOINT", "(", 2),
            "MULTILINESTRING" => ("MULTILINESTRING", "((", 3),
            "MULTIPOLYGON" => ("MULTIPOLYGON", "(((", 5),
            "GEOMETRYCOLLECTION" => ("GEOMETRYCOLLECTION", "(POINT(", 1),
            _ => ("POINT", "(", 1),
        };
        out.extend_from_slice(word.as_bytes());
        out.extend_from_slice([" ", " Z", " ZM"][extra.min(2)].as_bytes());
        if extra == 1 && shape.ends_with('M') {
            out.pop();
            out.push(b'M');
        }
        out.extend_from_slice(open.as_bytes());
        for (index, (x, y)) in corners.into_iter().take(count).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_decimal(x, 4, out);
            out.push(b' ');
            write_decimal(y, 4, out);
            for _ in 0..extra {
                out.extend_from_slice(b" 0");
            }
        }
        out.extend(open.bytes().filter(|byte| *byte == b'(').map(|_| b')'));
    }

    /// PostgreSQL's own geometry.
    fn plane(&self, seed: u64, rng: &mut Pcg, out: &mut Vec<u8>) {
        let (x, y) = (seed as i64, stream::between(rng, 0, 999));
        let point = |x: i64, y: i64, out: &mut Vec<u8>| {
            out.push(b'(');
            write_decimal(x, 1, out);
            out.push(b',');
            write_decimal(y, 1, out);
            out.push(b')');
        };
        let corners: &[(i64, i64)] = match self.name.as_str() {
            "lseg" | "box" => &[(0, 0), (20, 10)],
            "path" | "polygon" => &[(0, 0), (20, 0), (20, 10)],
            _ => &[(0, 0)],
        };
        let (open, close) = match self.name.as_str() {
            "lseg" => ("[", "]"),
            "path" | "polygon" => ("(", ")"),
            "circle" => ("<", ",1.5>"),
            _ => ("", ""),
        };
        if self.name == "line" {
            return text(&["{1,-1,", "}"], seed, out);
        }
        out.extend_from_slice(open.as_bytes());
        for (index, (right, up)) in corners.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            point(x + right, y + up, out);
        }
        out.extend_from_slice(close.as_bytes());
    }
}

fn text(around: &[&str; 2], seed: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(around[0].as_bytes());
    write_decimal(seed as i64, 0, out);
    out.extend_from_slice(around[1].as_bytes());
}

fn text_hex(seed: u64, out: &mut Vec<u8>) {
    hex(seed >> 32, 8, out);
    out.push(b'/');
    hex(seed & 0xffff_ffff, 8, out);
}

pub fn octets(octets: [u8; 4], out: &mut Vec<u8>) {
    for (index, octet) in octets.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        write_decimal(i64::from(octet), 0, out);
    }
}

/// The lowest `digits` hexadecimal digits.
pub fn hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for shift in (0..digits).rev() {
        out.push(HEX[(value >> (4 * shift) & 15) as usize]);
    }
}

/// The lowest bytes in pairs of digits.
pub fn hex_pairs(value: u64, bytes: u32, separator: u8, out: &mut Vec<u8>) {
    for index in (0..bytes).rev() {
        hex(value >> (8 * index), 2, out);
        if index > 0 {
            out.push(separator);
        }
    }
}

/// A UUID of version 4.
#[derive(Debug, Clone, Copy)]
pub struct Uuid;

impl Uuid {
    fn put(high: u64, low: u64, out: &mut Vec<u8>) {
        let high = high & !0xf000 | 0x4000;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        hex(high >> 32, 8, out);
        out.push(b'-');
        hex(high >> 16, 4, out);
        out.push(b'-');
        hex(high, 4, out);
        out.push(b'-');
        hex(low >> 48, 4, out);
        out.push(b'-');
        hex(low, 12, out);
    }
}

impl Generate for Uuid {
    #[inline]
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let high = stream::word(rng);
        Self::put(high, stream::word(rng), out);
    }

    fn distinct(&self) -> Option<u64> {
        None
    }

    fn nth(&self, index: u64, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        // A bijection of the index, sixty bits of it in the upper half and four below: the rest stays random.
        let mixed = stream::mix(index);
        let high = (mixed >> 4 & 0xfff) | (mixed >> 16 << 16);
        let low = (mixed & 15) << 58 | stream::word(rng) >> 6;
        Self::put(high, low, out);
    }
}

/// `bytea` in its hexadecimal form.
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    pub min: usize,
    pub max: usize,
}

impl Generate for Bytes {
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\\x");
        let length = stream::between(rng, self.min as i64, self.max as i64);
        for _ in 0..length / 8 {
            hex(stream::word(rng), 16, out);
        }
        let rest = (length % 8) as u32 * 2;
        hex(stream::word(rng), rest, out);
    }

    fn distinct(&self) -> Option<u64> {
        if self.max >= 8 { None } else { 1u64.checked_shl(8 * self.max as u32) }
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\\x");
        for _ in 8..self.max {
            out.extend_from_slice(b"00");
        }
        hex(index, 2 * self.max.min(8) as u32, out);
    }
}

/// `bit(n)` and `bit varying(n)`.
#[derive(Debug, Clone, Copy)]
pub struct Bits {
    pub length: u32,
}

impl Generate for Bits {
    fn write(&self, _: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let mut word = 0;
        for index in 0..self.length {
            if index % 64 == 0 {
                word = stream::word(rng);
            }
            out.push(b'0' + (word >> (index % 64) & 1) as u8);
        }
    }

    fn distinct(&self) -> Option<u64> {
        1u64.checked_shl(self.length)
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        for shift in (0..self.length).rev() {
            out.push(b'0' + index.checked_shr(shift).map_or(0, |bits| bits & 1) as u8);
        }
    }
}
