use super::*;

fn read(expressions: &[&str]) -> Checks {
    Checks::new(expressions.iter().map(|expression| ("c", *expression)))
}

fn column(expression: &str) -> Conditions {
    let checks = read(&[expression]);
    assert_eq!(checks.not_understood, [], "{expression}");
    let (_, constraint) = checks.columns.iter().next().unwrap_or_else(|| panic!("no column: {expression}"));
    assert_eq!(constraint.alternatives.len(), 1, "{expression}");
    constraint.first().clone()
}

fn bound(value: &str, inclusive: bool) -> Vec<Bound> {
    vec![Bound { value: Literal::Text(value.to_owned()), inclusive }]
}

#[test]
fn ranges() {
    let both = column("((rating >= 1) AND (rating <= 5))");
    assert_eq!((both.low, both.high), (bound("1", true), bound("5", true)));
    assert_eq!(column("(price > (0)::numeric)").low, bound("0", false));
    assert_eq!(column("(lat >= ('-90'::integer)::double precision)").low, bound("-90", true));
    assert_eq!(column("(0 < price)").low, bound("0", false));
    assert_eq!(column("(NOT (price <= 0.5))").low, bound("0.5", false));
    assert_eq!(column("((\"Größe\" IS NULL) OR (\"Größe\" > 3))").low, bound("3", false));
    assert_eq!(column("(abs(x) <= 7)").low, bound("-7", true));
    let year = column("(EXTRACT(year FROM born) >= (1900)::numeric)");
    assert_eq!(year.low, bound("1900-01-01", true));
    let adult = column("(born <= (CURRENT_DATE - '18 years'::interval))");
    assert_eq!(adult.high[0].value, Literal::Now(-18 * (365 * 86_400_000_000 + 21_600_000_000)));
    let difference = read(&["(VALUE >= 0)", "(VALUE <> 3)"]);
    assert_eq!(difference.column(VALUE).first().none_of, ["3"]);
}

#[test]
fn lists() {
    let abc = Some(vec!["a".to_owned(), "b c".to_owned()]);
    assert_eq!(column("(x = ANY (ARRAY['a'::text, 'b c'::text]))").one_of, abc);
    let cast = "((x)::text = ANY ((ARRAY['a'::character varying, 'b c'::character varying])::text[]))";
    assert_eq!(column(cast).one_of, abc);
    assert_eq!(column("(x = ANY ('{a,\"b c\"}'::text[]))").one_of, abc);
    assert_eq!(column("(x <> ALL (ARRAY[1, 2]))").none_of, ["1", "2"]);
    assert_eq!(column("(NOT (x = ANY (ARRAY[1, 2])))").none_of, ["1", "2"]);
    let or = read(&["((x = 'a'::text) OR (x = 'b c'::text))"]);
    assert_eq!(or.column("x").values().unwrap(), ["a", "b c"]);
    assert_eq!(column("active").one_of, Some(vec!["true".to_owned()]));
    assert_eq!(column("(active IS NOT TRUE)").one_of, Some(vec!["false".to_owned()]));
}

#[test]
fn texts() {
    let matched = |expression: &str| column(expression).matches[0].clone();
    assert_eq!(matched("((email)::text ~* '^[^@]+@x$'::text)").pattern, "^[^@]+@x$");
    assert!(matched("(x !~ 'a'::text)").negated);
    assert_eq!(matched("(x ~~ 'a\\_%.b_'::text)").pattern, "^a_.*\\.b.$");
    assert_eq!(matched("(\"position\"(x, '@'::text) > 1)").pattern, "^.{1}.*@");
    let length = column("((char_length((x)::text) >= 2) AND (length(x) < 10))");
    assert_eq!((length.min_length, length.max_length), (Some(2), Some(9)));
    assert_eq!(column("(btrim(x) <> ''::text)").min_length, Some(1));
    assert!(column("(x = lower(x))").lower);
    assert_eq!(column("(x = round(x, 2))").scale, Some(2));
    assert_eq!(column("((x % 5) = 0)").modulus, Some((5, 0)));
    assert_eq!(column("(cardinality(tags) <= 5)").max_length, Some(5));
    assert_eq!(column("(jsonb_typeof(x) = 'object'::text)").json_type.as_deref(), Some("object"));
    assert_eq!(column("(x IS NOT NULL)").null, Some(false));
}

#[test]
fn partitions_are_alternatives() {
    let expression = "((x >= '2026-01-01') AND (x < '2026-02-01')) OR ((x >= '2026-02-01') AND (x < '2026-03-01')) OR (x = ANY (ARRAY['2027-01-01']))";
    let checks = read(&[expression]);
    assert_eq!(checks.column("x").alternatives.len(), 3);
    let joined = read(&[expression, "(x < '2026-02-15')"]);
    assert!(joined.column("x").alternatives.iter().all(|alternative| !alternative.high.is_empty()));
}

#[test]
fn columns_among_each_other() {
    let one = |expression: &str| {
        let checks = read(&[expression]);
        assert_eq!(checks.not_understood, [], "{expression}");
        let relation = checks.relations[0].clone();
        format!("{} {} {} {}", relation.left, relation.operator, relation.right, relation.plus.unwrap_or_default())
    };
    assert_eq!(one("(ends_at > starts_at)"), "ends_at > starts_at ");
    assert_eq!(one("((high - low) < 1000)"), "high < low 1000");
    assert_eq!(one("(ends_at >= (starts_at + '01:00:00'::interval))"), "ends_at >= starts_at 01:00:00");
    let nulls = read(&["(num_nonnulls(a, b) = 1)"]);
    assert_eq!((nulls.column("a").null(), nulls.column("b").null()), (Some(false), Some(true)));
    let either = read(&["((a IS NULL) <> (b IS NULL))"]);
    assert_eq!(either.relations, []);
    let kinds = "(((kind = 'card'::text) AND (iban IS NULL)) OR ((kind = 'bank'::text) AND (iban IS NOT NULL)))";
    let kinds = read(&[kinds]);
    assert_eq!(kinds.column("kind").values().unwrap(), ["bank"]);
    assert_eq!(kinds.column("iban").null(), Some(false));
}

#[test]
fn what_is_not_understood_is_said() {
    for expression in
        ["(my_check(x))", "CASE WHEN a THEN b END", "((a * 2) = b)", "(x", "(x @> '{}')", "", "((x = 1) AND (x = 2))"]
    {
        assert_eq!(read(&[expression]).not_understood.len(), 1, "{expression}");
    }
    // The rest of a conjunction counts all the same.
    let partly = read(&["((x > 3) AND my_check(x))"]);
    assert_eq!((partly.not_understood.len(), partly.column("x").first().low.len()), (1, 1));
    let deep = format!("{}x{}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(read(&[&deep]).not_understood.len(), 1);
}
