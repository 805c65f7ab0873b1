//! What the partitions of a table accept, as conditions that the values of a column have to meet like its checks.

use postgres::catalog::{Catalog, Strategy, Table};

/// `(column, expression)` for every key column that partitions restrict. Hash partitions take everything, and so does a
/// default one.
pub(super) fn conditions(catalog: &Catalog, table: &Table) -> Vec<(String, String)> {
    let mut conditions = Vec::new();
    collect(catalog, &[table], &mut conditions);
    conditions
}

/// One level: all partitions of `parents`, which are the partitions of one level above.
fn collect(catalog: &Catalog, parents: &[&Table], conditions: &mut Vec<(String, String)>) {
    let is_child = |table: &&Table| {
        table.partition_of.as_ref().is_some_and(|of| {
            parents.iter().any(|parent| of.parent.schema == parent.schema && of.parent.name == parent.name)
        })
    };
    let children: Vec<&Table> = catalog.tables.iter().filter(is_child).collect();
    let Some(partitioning) = parents.iter().find_map(|parent| parent.partitioning.as_ref()) else { return };
    let bounds: Vec<&str> =
        children.iter().filter_map(|child| child.partition_of.as_ref()).map(|of| of.bound.as_str()).collect();
    if let Some(column) = partitioning.columns.first()
        && partitioning.strategy != Strategy::Hash
        && !bounds.is_empty()
        && !bounds.contains(&"DEFAULT")
    {
        let name = spelled(column);
        let parts: Option<Vec<String>> = bounds.iter().map(|bound| condition(&name, bound)).collect();
        if let Some(parts) = parts {
            // Partitions of partitions by the same column are narrower: theirs replace the level above.
            conditions.retain(|(other, _)| other != column);
            conditions.push((column.clone(), parts.join(" OR ")));
        }
    }
    if children.iter().any(|child| child.partitioning.is_some()) {
        collect(catalog, &children, conditions);
    }
}

/// A name as SQL writes it, in quotes only when it needs them.
fn spelled(name: &str) -> String {
    let simple = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if simple { name.to_owned() } else { postgres::Ident::new(name).to_string() }
}

/// `FOR VALUES FROM (a) TO (b)` or `FOR VALUES IN (a, b)` as a condition on the first key column; none for what restricts
/// nothing.
fn condition(column: &str, bound: &str) -> Option<String> {
    let bound = bound.strip_prefix("FOR VALUES ")?;
    if let Some(values) = bound.strip_prefix("IN ") {
        let values: Vec<&str> = list(values)?.0.into_iter().filter(|value| *value != "NULL").collect();
        return (!values.is_empty()).then(|| format!("({column} = ANY (ARRAY[{}]))", values.join(", ")));
    }
    let (from, rest) = list(bound.strip_prefix("FROM ")?)?;
    let (to, _) = list(rest.trim_start().strip_prefix("TO ")?)?;
    let (from, to) = (*from.first()?, *to.first()?);
    let wide = from.len() > 1 && from == to;
    let low = (from != "MINVALUE").then(|| format!("({column} >= {from})"));
    let high = (to != "MAXVALUE").then(|| format!("({column} < {to})"));
    match (low, high) {
        // The same first value on both sides: a further key column tells these partitions apart.
        _ if wide => Some(format!("({column} = {from})")),
        (Some(low), Some(high)) => Some(format!("({low} AND {high})")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

/// The items of `(a, 'b, c', …)` and what follows the parenthesis.
fn list(text: &str) -> Option<(Vec<&str>, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut items, mut begin, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b',' | b')' if !quoted => {
                items.push(inner[begin..at].trim());
                begin = at + 1;
                if byte == b')' {
                    return Some((items, &inner[begin..]));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_conditions() {
        let of = |bound| condition("day", bound).unwrap_or_default();
        assert_eq!(
            of("FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"),
            "((day >= '2024-01-01') AND (day < '2025-01-01'))"
        );
        assert_eq!(of("FOR VALUES FROM (MINVALUE) TO (10)"), "(day < 10)");
        assert_eq!(of("FOR VALUES FROM ('a', 1) TO ('a', 5)"), "(day = 'a')");
        assert_eq!(of("FOR VALUES IN ('it''s, (x)', NULL, 'b')"), "(day = ANY (ARRAY['it''s, (x)', 'b']))");
        assert_eq!(of("FOR VALUES WITH (modulus 4, remainder 0)"), "");
    }

    #[test]
    fn names_are_quoted_when_they_must_be() {
        assert_eq!(spelled("created_at"), "created_at");
        assert_eq!(spelled("Created At"), "\"Created At\"");
    }
}
