//! GeoJSON (RFC 7946, with the older `crs` member), as far as a mistake in it can be told before PostGIS sees it.

use super::Datum;

/// Nested geometry collections that are looked into; PostGIS has a limit of its own.
const DEPTH: usize = 32;

/// # Errors
/// What is wrong, in Hasura's words.
pub fn check(datum: &Datum<'_>) -> Result<(), String> {
    geometry(datum, DEPTH)
}

fn geometry(datum: &Datum<'_>, depth: usize) -> Result<(), String> {
    let Datum::Object(_) = datum else { return Err(expected("Geometry", "Object", datum)) };
    let kind = match member(datum, "type") {
        Some(Datum::String(kind) | Datum::Enum(kind)) => kind.as_ref(),
        Some(other) => return Err(expected("Text", "String", other)),
        None => return Err(missing("type")),
    };
    if kind == "GeometryCollection" {
        let geometries = member(datum, "geometries").ok_or_else(|| missing("geometries"))?;
        let depth = depth.checked_sub(1).ok_or_else(|| "the geometry is nested too deeply".to_owned())?;
        return items(geometries, "[]")?.iter().try_for_each(|item| geometry(item, depth));
    }
    let check: fn(&Datum<'_>) -> Result<(), String> = match kind {
        "Point" => position,
        "MultiPoint" => |found| each(found, position),
        "LineString" => line,
        "MultiLineString" => |found| each(found, line),
        "Polygon" => polygon,
        "MultiPolygon" => |found| each(found, polygon),
        other => return Err(format!("unexpected geometry type: {other}")),
    };
    check(member(datum, "coordinates").ok_or_else(|| missing("coordinates"))?)
}

fn position(datum: &Datum<'_>) -> Result<(), String> {
    let numbers = items(datum, "Position")?;
    if let Some(other) = numbers.iter().find(|number| !matches!(number, Datum::Number(_))) {
        return Err(expected("Double", "Number", other));
    }
    if numbers.len() < 2 { Err("A Position needs at least 2 elements".to_owned()) } else { Ok(()) }
}

fn line(datum: &Datum<'_>) -> Result<(), String> {
    let positions = items(datum, "LineString")?;
    positions.iter().try_for_each(position)?;
    if positions.len() < 2 { Err("A LineString needs at least 2 Positions".to_owned()) } else { Ok(()) }
}

fn ring(datum: &Datum<'_>) -> Result<(), String> {
    let positions = items(datum, "LinearRing")?;
    positions.iter().try_for_each(position)?;
    if positions.len() < 4 {
        return Err("A LinearRing needs at least 4 Positions".to_owned());
    }
    let same = positions.first().map(numbers) == positions.last().map(numbers);
    if same { Ok(()) } else { Err("the first and last locations have to be equal for a LinearRing".to_owned()) }
}

fn polygon(datum: &Datum<'_>) -> Result<(), String> {
    each(datum, ring)
}

/// `1` and `1.0` are the same place.
fn numbers(position: &Datum<'_>) -> Vec<Option<f64>> {
    let Datum::List(items) = position else { return Vec::new() };
    let number = |item: &Datum<'_>| match item {
        Datum::Number(digits) => digits.parse().ok(),
        _ => None,
    };
    items.iter().take(3).map(number).collect()
}

fn each(datum: &Datum<'_>, check: impl Fn(&Datum<'_>) -> Result<(), String>) -> Result<(), String> {
    items(datum, "[]")?.iter().try_for_each(check)
}

fn member<'d, 'a>(datum: &'d Datum<'a>, name: &str) -> Option<&'d Datum<'a>> {
    let Datum::Object(fields) = datum else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn items<'d, 'a>(datum: &'d Datum<'a>, what: &str) -> Result<&'d [Datum<'a>], String> {
    match datum {
        Datum::List(items) => Ok(items),
        other => Err(expected(what, "Array", other)),
    }
}

fn missing(name: &str) -> String {
    format!("parsing Geometry failed, key \"{name}\" not found")
}

fn expected(what: &str, wanted: &str, found: &Datum<'_>) -> String {
    format!("parsing {what} failed, expected {wanted}, but encountered {}", super::encode::json_kind(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: serde_json::Value) -> Result<(), String> {
        check(&Datum::from_json(&json))
    }

    #[test]
    fn shapes_that_postgis_reads_pass() {
        for json in [
            serde_json::json!({"type": "Point", "coordinates": [1, 2.5]}),
            serde_json::json!({"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0.0, 0]]]}),
            serde_json::json!({"type": "GeometryCollection", "geometries": [{"type": "MultiPoint", "coordinates": [[1, 2]]}]}),
        ] {
            assert_eq!(told(json), Ok(()));
        }
    }

    #[test]
    fn mistakes_are_named_as_hasura_names_them() {
        let cases = [
            (serde_json::json!({"type": "Random", "coordinates": []}), "unexpected geometry type: Random"),
            (serde_json::json!({"type": "Point", "coordinates": [1]}), "A Position needs at least 2 elements"),
            (
                serde_json::json!({"type": "LineString", "coordinates": [[1, 2]]}),
                "A LineString needs at least 2 Positions",
            ),
            (
                serde_json::json!({"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [2, 2]]]}),
                "the first and last locations have to be equal for a LinearRing",
            ),
        ];
        for (json, message) in cases {
            assert_eq!(told(json), Err(message.to_owned()));
        }
    }
}
