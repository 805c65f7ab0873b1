//! People and places. All columns of a row that speak of the same one agree: the e-mail address fits the name, the
//! postcode's country is the city's.

use std::sync::Arc;

use super::{
    Pcg, Row,
    lists::{self, List},
    scalar,
    stream::{self, pick},
    text::{Mark, Text},
    words::Words,
};

/// Words of a column's name that say which trait of a person or place it holds. What is left says whose:
/// `billing_city` and `billing_country` belong together, `shipping_city` does not.
const TRAITS: [&str; 50] = [
    "first",
    "last",
    "full",
    "middle",
    "given",
    "family",
    "display",
    "real",
    "user",
    "nick",
    "name",
    "firstname",
    "lastname",
    "fullname",
    "surname",
    "forename",
    "username",
    "login",
    "handle",
    "screen",
    "email",
    "mail",
    "e",
    "address",
    "avatar",
    "photo",
    "picture",
    "image",
    "url",
    "street",
    "line",
    "1",
    "city",
    "town",
    "state",
    "province",
    "region",
    "country",
    "code",
    "iso",
    "zip",
    "postal",
    "postcode",
    "lat",
    "latitude",
    "lng",
    "lon",
    "long",
    "longitude",
    "timezone",
];

/// The purpose of the stream that the columns of one person (or place) share.
pub fn group(column: &str) -> u64 {
    let rest: Vec<String> =
        super::names::tokens(column).into_iter().filter(|token| !TRAITS.contains(&token.as_str())).collect();
    stream::hash(rest.join("_").as_bytes())
}

/// Who a row speaks of.
struct Person {
    first: usize,
    last: usize,
    rest: Pcg,
}

impl Person {
    #[inline]
    fn of(words: &Words, row: &Row<'_>, group: u64) -> Self {
        let mut rest = stream::shared(row.key, group);
        let first = stream::below(&mut rest, words.first_names.len() as u64) as usize;
        let last = stream::below(&mut rest, words.last_names.len() as u64) as usize;
        Self { first, last, rest }
    }

    fn full_name(&self, words: &Words, out: &mut Vec<u8>) {
        let (mut one, mut two) = (words.first_names[self.first], words.last_names[self.last]);
        if words.last_name_first {
            (one, two) = (two, one);
        }
        out.extend_from_slice(one.as_bytes());
        out.extend_from_slice(words.name_separator.as_bytes());
        out.extend_from_slice(two.as_bytes());
    }

    /// `anna.berg`, `aberg`, `anna_berg` or `anna.berg42`.
    fn handle(&mut self, words: &Words, separators: List, out: &mut Vec<u8>) {
        let (first, last) = (&words.first_handles[self.first], &words.last_handles[self.last]);
        let form = stream::below(&mut self.rest, 8);
        if form < 2 {
            out.push(first.as_bytes()[0]);
        } else {
            out.extend_from_slice(first.as_bytes());
            out.extend_from_slice(pick(&mut self.rest, separators).as_bytes());
        }
        out.extend_from_slice(last.as_bytes());
        if form % 4 == 3 {
            scalar::write_decimal(stream::between(&mut self.rest, 1, 99), 0, out);
        }
    }
}

fn person(
    words: &Arc<Words>,
    group: u64,
    mark: Mark,
    make: impl Fn(&Words, &mut Person, &mut Pcg, &mut Vec<u8>) + Send + Sync + 'static,
) -> Text {
    let words = Arc::clone(words);
    Text::new(mark, move |row, rng, out| make(&words, &mut Person::of(&words, row, group), rng, out))
}

pub fn first_name(words: &Arc<Words>, group: u64) -> Text {
    person(words, group, Mark::End(" "), |words, person, _, out| {
        out.extend_from_slice(words.first_names[person.first].as_bytes());
    })
}

pub fn last_name(words: &Arc<Words>, group: u64) -> Text {
    person(words, group, Mark::End(" "), |words, person, _, out| {
        out.extend_from_slice(words.last_names[person.last].as_bytes());
    })
}

pub fn full_name(words: &Arc<Words>, group: u64, title: bool) -> Text {
    person(words, group, Mark::End(" "), move |words, person, rng, out| {
        if title {
            out.extend_from_slice(pick(rng, words.titles).as_bytes());
            out.push(b' ');
        }
        person.full_name(words, out);
    })
}

pub fn username(words: &Arc<Words>, group: u64) -> Text {
    person(words, group, Mark::End(""), |words, person, _, out| person.handle(words, &["", "_", ".", "_"], out))
}

/// `domains` empty: those that reach nobody.
pub fn email(words: &Arc<Words>, group: u64, domains: Vec<String>) -> Text {
    person(words, group, Mark::Before(b'@'), move |words, person, _, out| {
        person.handle(words, &[".", ".", "_", "-"], out);
        out.push(b'@');
        let count = if domains.is_empty() { lists::SAFE_DOMAINS.len() } else { domains.len() };
        let choice = stream::below(&mut person.rest, count as u64) as usize;
        let domain =
            domains.get(choice).map_or(lists::SAFE_DOMAINS[choice % lists::SAFE_DOMAINS.len()], String::as_str);
        out.extend_from_slice(domain.as_bytes());
    })
}

/// A picture of the person: a path of the project's own, so that pages work offline.
pub fn avatar(words: &Arc<Words>, group: u64) -> Text {
    person(words, group, Mark::Before(b'.'), |words, person, _, out| {
        out.extend_from_slice(b"https://example.com/avatars/");
        person.handle(words, &["-"], out);
        out.extend_from_slice(b".png");
    })
}

/// `Senior Marketing Manager`.
pub fn job_title(words: &Arc<Words>) -> Text {
    let words = Arc::clone(words);
    Text::new(Mark::End(" "), move |_, rng, out| {
        for (index, list) in [words.job_seniorities, words.job_fields, words.job_positions].into_iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(pick(rng, list).as_bytes());
        }
    })
}

/// A town of the table in `cities.tsv`.
#[derive(Debug)]
pub struct City {
    pub name: &'static str,
    pub state: &'static str,
    pub country: &'static str,
    pub country_code: &'static str,
    /// Degrees times 10,000.
    pub latitude: i64,
    pub longitude: i64,
    pub timezone: &'static str,
}

/// The towns of a locale's country, or of the whole world for `en` and where the table has none.
pub fn cities(locale: &str) -> Vec<City> {
    let world = || include_str!("cities.tsv").lines().filter_map(city);
    let country = locale.split('_').nth(1).unwrap_or_default();
    let own: Vec<City> = world().filter(|city| city.country_code == country).collect();
    // Names in other scripts are for those who read them.
    let latin = |city: &City| !super::words::fold(city.name).is_empty();
    if own.is_empty() { world().filter(latin).collect() } else { own }
}

fn city(line: &'static str) -> Option<City> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    Some(City {
        name: next()?,
        state: next()?,
        country: next()?,
        country_code: next()?,
        latitude: scalar::read_decimal(next()?, 4)?.0,
        longitude: scalar::read_decimal(next()?, 4)?.0,
        timezone: next()?,
    })
}

#[inline]
fn city_of<'a>(cities: &'a [City], row: &Row<'_>, group: u64) -> &'a City {
    // A purpose of its own: a person's name does not depend on where he lives.
    let mut rng = stream::shared(row.key, group ^ 0x9d1c_e5b9);
    &cities[stream::below(&mut rng, cities.len() as u64) as usize]
}

/// A text about the row's town.
pub fn place(cities: &Arc<Vec<City>>, group: u64, field: fn(&City) -> &'static str) -> Text {
    let cities = Arc::clone(cities);
    Text::new(Mark::End(" "), move |row, _, out| {
        out.extend_from_slice(field(city_of(&cities, row, group)).as_bytes());
    })
}

/// The row's town's coordinate in units of `10^-4` degrees, moved by up to 0.05 degrees.
pub fn coordinate(cities: &[City], row: &Row<'_>, rng: &mut Pcg, group: u64, latitude: bool) -> i64 {
    let city = city_of(cities, row, group);
    let center = if latitude { city.latitude } else { city.longitude };
    center + stream::between(rng, -500, 500)
}

/// `12 Oak Street`, or `Rue Oak 12` where the language says so.
pub fn street(words: &Arc<Words>) -> Text {
    let words = Arc::clone(words);
    Text::new(Mark::End(" "), move |_, rng, out| street_address(&words, rng, out))
}

fn street_address(words: &Words, rng: &mut Pcg, out: &mut Vec<u8>) {
    let number = stream::between(rng, 1, 299);
    let names = if words.locale.starts_with("en") { lists::STREETS } else { words.last_names };
    let (name, suffix) = (pick(rng, names), pick(rng, words.street_suffixes));
    let number_first = words.locale.starts_with("en") || words.locale.starts_with("fr");
    if number_first {
        scalar::write_decimal(number, 0, out);
        out.push(b' ');
    }
    let (one, two) = if words.street_suffix_first { (suffix, name) } else { (name, suffix) };
    out.extend_from_slice(one.trim().as_bytes());
    if !two.starts_with(char::is_lowercase) || words.street_suffix_first {
        out.push(b' ');
    }
    out.extend_from_slice(two.trim().as_bytes());
    if !number_first {
        out.push(b' ');
        scalar::write_decimal(number, 0, out);
    }
}

/// `12 Oak Street, Boston, United States`.
pub fn address(words: &Arc<Words>, cities: &Arc<Vec<City>>, group: u64) -> Text {
    let (words, cities) = (Arc::clone(words), Arc::clone(cities));
    Text::new(Mark::End(" "), move |row, rng, out| {
        street_address(&words, rng, out);
        let city = city_of(&cities, row, group);
        for part in [city.name, city.country] {
            out.extend_from_slice(b", ");
            out.extend_from_slice(part.as_bytes());
        }
    })
}
