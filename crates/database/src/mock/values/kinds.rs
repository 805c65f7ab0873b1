//! The kinds: what a column of the configuration may say as its `type`. Documentation, validation and the making of
//! generators come from this one table.

use super::{
    Made, Recipe, auto,
    lists::{self, List},
    numeric::{Fall, Moments, Numbers},
    people, prose,
    text::Text,
};

/// One kind of value.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    pub group: &'static str,
    pub description: &'static str,
    /// Name and meaning of each option, besides those that all kinds have ([`COMMON`]).
    pub options: &'static [(&'static str, &'static str)],
    pub(super) form: Form,
}

/// How a kind makes its generator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Number(Numbers),
    Moment(Moments),
    Clock(i64, i64),
    List(List),
    Text(fn(&Recipe<'_>) -> Result<Text, super::SpecError>),
    Own(fn(&Recipe<'_>) -> Made),
    /// The table's plan makes it, not a value.
    Plan,
}

impl Kind {
    pub(super) fn make(&self, recipe: &Recipe<'_>) -> Made {
        match self.form {
            Form::Number(numbers) => recipe.number(numbers),
            Form::Moment(moments) => recipe.moment(moments),
            Form::Clock(low, high) => recipe.clock(low, high),
            Form::List(list) => recipe.list(list),
            Form::Text(make) => recipe.text(make(recipe)?),
            Form::Own(make) => make(recipe),
            Form::Plan => Err(recipe.misfit()),
        }
    }
}

/// The kind of that name or alias, in any case.
pub fn find(name: &str) -> Option<&'static Kind> {
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    KINDS.iter().find(|kind| same(kind.name) || kind.aliases.iter().any(|alias| same(alias)))
}

/// Options of every kind.
pub const COMMON: &[(&str, &str)] =
    &[("nulls", "share of nulls, 0 to 1, in a column that allows them"), ("unique", "no value twice")];

type Options = &'static [(&'static str, &'static str)];

const NUMBER: Options = &[
    ("min", "the smallest number"),
    ("max", "the greatest number"),
    ("decimals", "digits behind the point"),
    ("step", "distance of neighbouring numbers"),
    ("distribution", "`uniform`, `normal`, `lognormal` or `zipf`"),
    ("mean", "for `normal` the mean, for `lognormal` the median: a share of the way from `min` to `max`"),
    ("deviation", "for `normal` the deviation as such a share; for `lognormal` its sigma"),
    ("exponent", "for `zipf`: 1 is the classic one, more is steeper"),
    ("after", "a column that must be smaller in the same row"),
    ("before", "a column that must be greater in the same row"),
];
const MOMENT: Options = &[
    ("from", "the earliest date, `2026-01-31` or with a time"),
    ("to", "the latest date"),
    ("years", "how far from now, instead of `from` or `to`"),
    ("days", "the same in days"),
    ("hours", "`waking` (more by day), `office` or `any`"),
    ("weekends", "share of week-end days that stay, 0 to 1"),
    ("fraction", "digits of the seconds' fraction, 0 to 6"),
    ("after", "a column that must be earlier in the same row"),
    ("before", "a column that must be later in the same row"),
];
const CLOCK: Options = &[("from", "the shortest or earliest, `08:00:00`"), ("to", "the longest or latest")];
const NONE: Options = &[];

const fn kind(name: &'static str, group: &'static str, form: Form, description: &'static str) -> Kind {
    let options = match form {
        Form::Number(_) => NUMBER,
        Form::Moment(_) => MOMENT,
        Form::Clock(..) => CLOCK,
        _ => NONE,
    };
    Kind { name, aliases: &[], group, description, options, form }
}

impl Kind {
    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn with(self, options: Options) -> Self {
        Self { options, ..self }
    }
}

const fn numbers(low: i64, high: i64, scale: u32, fall: Fall) -> Form {
    Form::Number(Numbers { low, high, scale, fall, open: false })
}

const fn moments(from: i64, to: i64, day: bool) -> Form {
    Form::Moment(Moments { from, to, day })
}

const PERSON: &str = "People";
const PLACE: &str = "Places";
const BUSINESS: &str = "Business";
const NET: &str = "Internet";
const TEXT: &str = "Text";
const NUMBERS: &str = "Numbers";
const TIME: &str = "Time";
const KEYS: &str = "Keys";
const ANY: &str = "Structure";

/// All kinds, by group.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    kind("firstName", PERSON, Form::Text(|r| Ok(people::first_name(&r.shared.words, r.group))), "A given name."),
    kind("lastName", PERSON, Form::Text(|r| Ok(people::last_name(&r.shared.words, r.group))), "A family name.")
        .also(&["surname"]),
    kind("fullName", PERSON, Form::Text(|r| Ok(people::full_name(&r.shared.words, r.group, false))), "Given and family name, in the locale's order.")
        .also(&["name"]),
    kind("nameWithTitle", PERSON, Form::Text(|r| Ok(people::full_name(&r.shared.words, r.group, true))), "The same with a title."),
    kind("namePrefix", PERSON, Form::Own(|r| r.list(r.shared.words.titles)), "A title before a name.").also(&["title_prefix"]),
    kind("username", PERSON, Form::Text(|r| Ok(people::username(&r.shared.words, r.group))), "A name to sign in with, made of the row's person."),
    kind("email", PERSON, Form::Text(auto::email), "An address made of the row's person, at a domain that reaches nobody.")
        .with(&[("domains", "the domains to choose from")]),
    kind("phone", PERSON, Form::Own(|r| auto::template(r, r.shared.words.phone)), "A telephone number of the locale's country.")
        .also(&["phoneNumber", "mobile"]),
    kind("avatar", PERSON, Form::Text(|r| Ok(people::avatar(&r.shared.words, r.group))), "The address of a picture of the row's person."),
    kind("gender", PERSON, Form::List(lists::GENDERS), "A gender."),
    kind("birthDate", PERSON, moments(-80 * 365, -18 * 365, true), "A birthday of an adult.")
        .with(&[("minAge", "the youngest, in years"), ("maxAge", "the oldest"), ("from", "the earliest date"), ("to", "the latest date"), ("after", "a column that must be earlier in the same row"), ("before", "a column that must be later in the same row")]),
    kind("age", PERSON, numbers(18, 90, 0, Fall::Bell(0.35, 0.2)), "An age in years."),
    kind("jobTitle", PERSON, Form::Text(|r| Ok(people::job_title(&r.shared.words))), "A position."),
    kind("bio", PERSON, Form::Text(|r| Ok(prose::sentences(&r.shared.words, 2, None))), "Two sentences about a person."),
    kind("password", PERSON, Form::Text(|_| Ok(prose::password_hash())), "The hash of a password, in bcrypt's form: nobody can sign in with it.")
        .also(&["passwordHash"]),
    kind("ssn", PERSON, Form::Own(|r| auto::template(r, "9##-##-####")), "A number in the form of a US social security number, from a range that is never given out."),
    kind("streetAddress", PLACE, Form::Text(|r| Ok(people::street(&r.shared.words))), "Street and number.").also(&["street"]),
    kind("address", PLACE, Form::Text(|r| Ok(people::address(&r.shared.words, &r.shared.cities, r.group))), "Street, town and country."),
    kind("city", PLACE, Form::Text(|r| Ok(people::place(&r.shared.cities, r.group, |city| city.name))), "A town; state, country, coordinates and time zone of the same row fit."),
    kind("state", PLACE, Form::Text(|r| Ok(people::place(&r.shared.cities, r.group, |city| city.state))), "The state or region of the row's town.").also(&["region", "province"]),
    kind("stateCode", PLACE, Form::Own(|r| r.list(r.shared.words.state_codes)), "A state's abbreviation."),
    kind("country", PLACE, Form::Text(|r| Ok(people::place(&r.shared.cities, r.group, |city| city.country))), "The country of the row's town."),
    kind("countryCode", PLACE, Form::Own(auto::country_code), "Its code of two letters (ISO 3166)."),
    kind("postcode", PLACE, Form::Own(|r| auto::template(r, r.shared.words.postcode)), "A postcode in the form of the locale's country.").also(&["zipCode", "zip"]),
    kind("latitude", PLACE, Form::Own(|r| auto::coordinate(r, true)), "Near the row's town, in degrees."),
    kind("longitude", PLACE, Form::Own(|r| auto::coordinate(r, false)), "Near the row's town, in degrees."),
    kind("timezone", PLACE, Form::Text(|r| Ok(people::place(&r.shared.cities, r.group, |city| city.timezone))), "The time zone of the row's town."),
    kind("company", BUSINESS, Form::Text(|r| Ok(prose::company(&r.shared.words))), "A company's name.").also(&["companyName"]),
    kind("department", BUSINESS, Form::List(lists::DEPARTMENTS), "A department."),
    kind("catchPhrase", BUSINESS, Form::Text(|r| Ok(prose::catch_phrase(&r.shared.words))), "A slogan."),
    kind("productName", BUSINESS, Form::Text(|_| Ok(prose::joined(&[lists::PRODUCT_ADJECTIVES, lists::MATERIALS, lists::PRODUCTS], super::text::Mark::End(" ")))), "A product.").also(&["product"]),
    kind("category", BUSINESS, Form::Text(|_| Ok(prose::joined(&[lists::CATEGORIES], super::text::Mark::End(" ")))), "A category of a shop."),
    kind("tag", BUSINESS, Form::Text(|_| Ok(prose::joined(&[lists::TAGS], super::text::Mark::End("-")))), "A label."),
    kind("unit", BUSINESS, Form::List(lists::UNITS), "A unit of measure."),
    kind("sku", BUSINESS, Form::Own(|r| auto::template(r, "???-######")), "A stock number.").also(&["productCode"]),
    kind("price", BUSINESS, numbers(100, 50_000, 2, Fall::Long(0.06)), "A price: many low ones, few high ones.").with(NUMBER),
    kind("amount", BUSINESS, numbers(100, 1_000_000, 2, Fall::Long(0.03)), "An amount of money.").also(&["money", "balance"]),
    kind("currency", BUSINESS, Form::List(lists::CURRENCIES), "A currency's code (ISO 4217).").also(&["currencyCode"]),
    kind("currencyName", BUSINESS, Form::List(lists::CURRENCY_NAMES), "A currency's name."),
    kind("currencySymbol", BUSINESS, Form::List(lists::CURRENCY_SYMBOLS), "A currency's sign."),
    kind("creditCard", BUSINESS, Form::Own(auto::credit_card), "A card number with a right check digit that begins with 400000, as test cards do."),
    kind("creditCardType", BUSINESS, Form::List(lists::CARD_TYPES), "A brand of card."),
    kind("iban", BUSINESS, Form::Own(auto::iban), "A German bank account number with right check digits, of a bank that does not exist."),
    kind("bic", BUSINESS, Form::Own(|r| auto::template(r, "????DE##XXX")), "A bank's code in the form of a BIC."),
    kind("ean", BUSINESS, Form::Own(auto::ean), "An article number (EAN-13) with a right check digit.").also(&["barcode"]),
    kind("isbn", BUSINESS, Form::Own(auto::isbn), "A book's number (ISBN-13) with a right check digit."),
    kind("status", BUSINESS, Form::List(lists::STATUSES), "`active`, `inactive`, `pending` or `archived`."),
    kind("plan", BUSINESS, Form::List(lists::PLANS), "`free`, `basic`, `pro` or `enterprise`."),
    kind("role", BUSINESS, Form::List(lists::ROLES), "`user`, `editor`, `admin` or `viewer`."),
    kind("vehicle", BUSINESS, Form::List(lists::VEHICLE_MAKERS), "A maker of cars."),
    kind("url", NET, Form::Text(|_| Ok(prose::url("", ""))), "An address at a domain that reaches nobody.").also(&["uri", "link"]),
    kind("imageUrl", NET, Form::Text(|_| Ok(prose::url("images/", ".jpg"))), "The address of a picture.").also(&["image"]),
    kind("domain", NET, Form::Text(|_| Ok(prose::domain())), "A domain below `.example`.").also(&["hostname"]),
    kind("ipv4", NET, Form::Own(|r| auto::address(r, "inet")), "An address of the private net 10.0.0.0/8.").also(&["ip", "ipAddress"]),
    kind("ipv6", NET, Form::Own(auto::ipv6), "An address of the range for documentation, 2001:db8::/32."),
    kind("mac", NET, Form::Own(|r| auto::address(r, "macaddr")), "A network card's address.").also(&["macAddress"]),
    kind("port", NET, numbers(1_024, 65_535, 0, Fall::Even), "A port."),
    kind("userAgent", NET, Form::Text(|_| Ok(prose::joined(&[lists::USER_AGENTS], super::text::Mark::End(" ")))), "What a browser calls itself."),
    kind("httpMethod", NET, Form::List(lists::METHODS), "A method of HTTP."),
    kind("httpStatus", NET, Form::List(lists::HTTP_STATUSES), "A status of HTTP."),
    kind("mimeType", NET, Form::List(lists::MIME_TYPES), "A media type.").also(&["contentType"]),
    kind("fileName", NET, Form::Text(|_| Ok(prose::file(false))), "A file's name."),
    kind("filePath", NET, Form::Text(|_| Ok(prose::file(true))), "A file's path."),
    kind("fileExtension", NET, Form::List(lists::EXTENSIONS), "A file name's ending."),
    kind("fileSize", NET, numbers(1_000, 20_000_000, 0, Fall::Long(0.02)), "A size in bytes."),
    kind("slug", NET, Form::Text(|r| Ok(prose::slug(r.count("words")?.unwrap_or(3)))), "Small words with hyphens.").with(&[("words", "how many, 3")]),
    kind("token", NET, Form::Text(|r| auto::characters(r, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")), "Letters and digits.").also(&["apiKey", "nanoid"]).with(&[("length", "characters, 32")]),
    kind("hex", NET, Form::Text(|r| auto::characters(r, b"0123456789abcdef")), "Hexadecimal digits, as of a checksum.").also(&["sha256", "hash"]).with(&[("length", "characters, 64")]),
    kind("version", NET, Form::Text(|_| Ok(prose::version())), "A version such as 3.14.2.").also(&["semver"]),
    kind("color", NET, Form::List(lists::COLORS), "A colour's name."),
    kind("hexColor", NET, Form::Own(|r| auto::pattern(r, "#[0-9a-f]{6}")), "A colour such as #3fa9c2."),
    kind("hashtag", NET, Form::Text(|_| Ok(prose::hashtag())), "A word behind #."),
    kind("emoji", NET, Form::List(lists::EMOJI), "A small picture."),
    kind("locale", NET, Form::List(lists::LOCALES), "A locale such as en-US."),
    kind("language", NET, Form::List(lists::LANGUAGES), "A language's code.").also(&["languageCode"]),
    kind("languageName", NET, Form::List(lists::LANGUAGE_NAMES), "A language's name."),
    kind("word", TEXT, Form::Text(|r| Ok(prose::words(&r.shared.words, 1))), "One word."),
    kind("words", TEXT, Form::Text(|r| Ok(prose::words(&r.shared.words, r.count("count")?.unwrap_or(3)))), "Some words.").with(&[("count", "how many, 3")]),
    kind("title", TEXT, Form::Text(|r| Ok(prose::title(&r.shared.words, r.count("words")?))), "A heading of a few words.").with(&[("words", "how many, 2 to 5")]),
    kind("sentence", TEXT, Form::Text(|r| Ok(prose::sentences(&r.shared.words, 1, r.count("words")?))), "One sentence.").with(&[("words", "how many, 6 to 12")]),
    kind("sentences", TEXT, Form::Text(|r| Ok(prose::sentences(&r.shared.words, r.count("count")?.unwrap_or(3), None))), "Some sentences.").with(&[("count", "how many, 3")]),
    kind("paragraph", TEXT, Form::Text(|r| Ok(prose::paragraphs(&r.shared.words, 1, r.count("sentences")?.unwrap_or(4), ""))), "One paragraph.").also(&["text"]).with(&[("sentences", "how many, 4")]),
    kind("paragraphs", TEXT, Form::Text(|r| Ok(prose::paragraphs(&r.shared.words, r.count("count")?.unwrap_or(3), r.count("sentences")?.unwrap_or(4), "\n\n"))), "Some paragraphs.").with(&[("count", "how many, 3"), ("sentences", "of each, 4")]),
    kind("markdown", TEXT, Form::Text(|r| Ok(prose::markdown(&r.shared.words, r.count("count")?.unwrap_or(2)))), "A page of Markdown.").with(&[("count", "paragraphs, 2")]),
    kind("html", TEXT, Form::Text(|r| Ok(prose::html(&r.shared.words, r.count("count")?.unwrap_or(2)))), "Paragraphs of HTML.").with(&[("count", "how many, 2")]),
    kind("regex", TEXT, Form::Own(auto::regex), "Text that matches a regular expression.").with(&[("pattern", "the expression, as PostgreSQL writes it")]),
    kind("template", TEXT, Form::Own(auto::written_template), "Text with other kinds in braces: `INV-{year}-{sequence}`; `#` stands for a digit, `?` for a letter.").with(&[("template", "the text")]),
    kind("integer", NUMBERS, Form::Number(Numbers { low: 1, high: 1_000, scale: 0, fall: Fall::Even, open: true }), "A whole number.").also(&["int"]),
    kind("number", NUMBERS, Form::Number(Numbers { low: 0, high: 100_000, scale: 2, fall: Fall::Even, open: true }), "A number.").also(&["float", "decimal", "numeric"]),
    kind("count", NUMBERS, numbers(0, 10_000, 0, Fall::Long(0.02)), "How many: mostly few."),
    kind("quantity", NUMBERS, numbers(1, 20, 0, Fall::Long(0.1)), "A number of pieces."),
    kind("percentage", NUMBERS, numbers(0, 1_000, 1, Fall::Even), "0 to 100.").also(&["percent"]),
    kind("fraction", NUMBERS, numbers(0, 10_000, 4, Fall::Even), "0 to 1.").also(&["probability"]),
    kind("rating", NUMBERS, numbers(10, 50, 1, Fall::Bell(0.7, 0.2)), "1 to 5, mostly good."),
    kind("score", NUMBERS, numbers(0, 100, 0, Fall::Bell(0.6, 0.2)), "0 to 100."),
    kind("weight", NUMBERS, numbers(5, 10_000, 2, Fall::Long(0.05)), "Kilograms."),
    kind("dimension", NUMBERS, numbers(10, 2_000, 1, Fall::Long(0.15)), "Centimetres.").also(&["length", "height", "width"]),
    kind("temperature", NUMBERS, numbers(-100, 350, 1, Fall::Bell(0.5, 0.2)), "Degrees Celsius."),
    kind("position", NUMBERS, numbers(1, 100, 0, Fall::Even), "A place in an order.").also(&["rank"]),
    kind("boolean", NUMBERS, Form::Own(auto::boolean), "True or false.").also(&["bool"]).with(&[("probability", "share of true, 0.5")]),
    kind("pastDate", TIME, moments(-2 * 365, 0, false), "A moment of the last two years.").also(&["past"]),
    kind("futureDate", TIME, moments(1, 365, false), "A moment of the next year.").also(&["future"]),
    kind("recentDate", TIME, moments(-30, 0, false), "A moment of the last thirty days.").also(&["recent"]),
    kind("soonDate", TIME, moments(1, 30, false), "A moment of the next thirty days.").also(&["soon"]),
    kind("date", TIME, moments(-5 * 365, 0, true), "A day of the last five years.").also(&["dateBetween"]),
    kind("timestamp", TIME, moments(-5 * 365, 0, false), "A moment of the last five years.").also(&["dateTime"]),
    kind("time", TIME, Form::Clock(0, 86_399), "A time of the day."),
    kind("duration", TIME, Form::Clock(60, 86_400), "A span of time; a number means seconds.").also(&["interval"]),
    kind("year", TIME, Form::Own(auto::year), "A year since 1990.").with(NUMBER),
    kind("month", TIME, Form::List(lists::MONTHS), "A month's name."),
    kind("weekday", TIME, Form::List(lists::WEEKDAYS), "A day's name."),
    kind("uuid", KEYS, Form::Own(auto::uuid), "A UUID of version 4.").also(&["guid"]),
    kind("sequence", KEYS, Form::Own(auto::sequence), "1, 2, 3, … by the row.").also(&["autoIncrement", "serial", "rowNumber"]).with(&[("start", "the first number, 1"), ("step", "1")]),
    kind("foreignKey", KEYS, Form::Plan, "A row of another table; few are popular, most are not.").with(&[("table", "the other table"), ("distribution", "`zipf` or `uniform`"), ("exponent", "for `zipf`")]),
    kind("default", KEYS, Form::Plan, "What the database itself fills in.").also(&["skip"]),
    kind("enum", ANY, Form::Own(auto::enumeration), "One of the enum type's values.").with(&[("weights", "a number for each value, in the type's order")]),
    kind("oneOf", ANY, Form::Own(auto::one_of), "One of a list.").also(&["pick", "choice"]).with(&[("values", "the list"), ("weights", "a number for each")]),
    kind("constant", ANY, Form::Own(auto::constant), "Always the same.").also(&["value"]).with(&[("value", "the value")]),
    kind("null", ANY, Form::Own(auto::nothing), "Null."),
    kind("array", ANY, Form::Own(auto::array), "An array.").with(&[("of", "the element's kind: a name, or a column's entry"), ("min", "the fewest elements, 0"), ("max", "the most, 4")]),
    kind("json", ANY, Form::Own(super::json::make), "A JSON object.").also(&["jsonb", "object"]).with(&[("schema", "a kind for each key; objects and lists nest")]),
    kind("range", ANY, Form::Own(auto::range), "A range of the type's values.").with(&[("of", "the kind of its ends"), ("width", "the longest one, in steps of its ends")]),
    kind("bytes", ANY, Form::Own(auto::bytes), "Bytes.").also(&["binary"]).with(&[("length", "how many, 16 to 64")]),
    kind("bits", ANY, Form::Own(auto::bits), "A bit string."),
    kind("point", ANY, Form::Own(auto::any), "A geometric value of the column's type.").also(&["geometry", "geography"]),
    kind("auto", ANY, Form::Own(auto::any), "Any value that the column's type takes.").also(&["byType", "any"]),
];
