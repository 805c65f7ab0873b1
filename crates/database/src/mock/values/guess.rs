//! What a column means, by its name, its table's name, its type and its checks.

use postgres::catalog::{self, Table};
use serde_json::json;

use super::{
    Guess, Spec,
    checks::Constraint,
    names::{singular, tokens},
    target::{Resolved, Target},
};

/// A column to guess about.
pub struct Subject<'a> {
    pub table: &'a Table,
    pub column: &'a catalog::Column,
    pub resolved: &'a Resolved,
    /// Of the column and its domains.
    pub constraint: &'a Constraint,
}

/// Names and the kinds of their texts: the last words of a column's name must be these. Longer names first.
#[rustfmt::skip]
const TEXTS: &[(&str, &str)] = &[
    ("first name", "firstName"), ("given name", "firstName"), ("fore name", "firstName"), ("middle name", "firstName"),
    ("last name", "lastName"), ("family name", "lastName"), ("user name", "username"), ("screen name", "username"),
    ("full name", "fullName"), ("display name", "fullName"), ("real name", "fullName"), ("contact name", "fullName"),
    ("company name", "company"), ("product name", "productName"), ("file name", "fileName"), ("host name", "domain"),
    ("domain name", "domain"), ("city name", "city"), ("country name", "country"), ("currency name", "currencyName"),
    ("language name", "languageName"), ("category name", "category"), ("tag name", "tag"), ("bank name", "company"),
    ("firstname", "firstName"), ("lastname", "lastName"), ("fullname", "fullName"), ("surname", "lastName"),
    ("forename", "firstName"), ("username", "username"), ("nickname", "username"), ("login", "username"),
    ("handle", "username"), ("author", "fullName"), ("director", "fullName"), ("artist", "fullName"), ("composer", "fullName"),
    ("email address", "email"), ("mail address", "email"), ("email", "email"), ("e mail", "email"), ("mail", "email"),
    ("ip address", "ipv4"), ("mac address", "mac"), ("remote addr", "ipv4"), ("client ip", "ipv4"), ("ip", "ipv4"),
    ("phone number", "phone"), ("phone", "phone"), ("telephone", "phone"), ("mobile", "phone"), ("fax", "phone"), ("tel", "phone"),
    ("avatar url", "avatar"), ("photo url", "avatar"), ("profile picture", "avatar"), ("avatar", "avatar"),
    ("image url", "imageUrl"), ("thumbnail url", "imageUrl"), ("thumbnail", "imageUrl"), ("picture url", "imageUrl"), ("image", "imageUrl"),
    ("picture", "imageUrl"), ("photo", "imageUrl"), ("logo", "imageUrl"), ("cover", "imageUrl"), ("icon", "imageUrl"),
    ("user agent", "userAgent"), ("agent", "userAgent"), ("url", "url"), ("uri", "url"), ("link", "url"), ("website", "url"), ("homepage", "url"), ("href", "url"),
    ("street address", "streetAddress"), ("address line 1", "streetAddress"), ("address 1", "streetAddress"), ("street", "streetAddress"),
    ("address line 2", "streetAddress"), ("address 2", "streetAddress"), ("address", "address"), ("location", "city"),
    ("city", "city"), ("town", "city"), ("state code", "stateCode"), ("state", "state"), ("province", "state"), ("region", "state"), ("district", "state"), ("county", "state"),
    ("country code", "countryCode"), ("country iso", "countryCode"), ("country", "country"), ("nationality", "country"),
    ("postal code", "postcode"), ("post code", "postcode"), ("zip code", "postcode"), ("postcode", "postcode"), ("zip", "postcode"), ("plz", "postcode"),
    ("time zone", "timezone"), ("timezone", "timezone"), ("tz", "timezone"),
    ("job title", "jobTitle"), ("occupation", "jobTitle"), ("profession", "jobTitle"), ("department", "department"),
    ("company", "company"), ("organization", "company"), ("organisation", "company"), ("employer", "company"), ("manufacturer", "company"), ("brand", "company"), ("vendor", "company"), ("supplier", "company"), ("publisher", "company"), ("label", "title"),
    ("password hash", "password"), ("password digest", "password"), ("encrypted password", "password"), ("password", "password"), ("passwd", "password"),
    ("api key", "token"), ("secret key", "token"), ("access token", "token"), ("refresh token", "token"), ("token", "token"), ("secret", "token"), ("nonce", "token"), ("session id", "token"),
    ("ssn", "ssn"), ("social security number", "ssn"), ("gender", "gender"), ("sex", "gender"), ("bio", "bio"), ("biography", "bio"), ("about", "bio"),
    ("currency code", "currency"), ("currency symbol", "currencySymbol"), ("currency", "currency"),
    ("credit card", "creditCard"), ("card number", "creditCard"), ("card type", "creditCardType"), ("card brand", "creditCardType"), ("iban", "iban"), ("bic", "bic"), ("swift", "bic"),
    ("sku", "sku"), ("product code", "sku"), ("item number", "sku"), ("article number", "sku"), ("part number", "sku"), ("ean", "ean"), ("upc", "ean"), ("gtin", "ean"), ("barcode", "ean"), ("isbn", "isbn"),
    ("slug", "slug"), ("permalink", "slug"), ("hex color", "hexColor"), ("colour", "color"), ("color", "color"),
    ("mime type", "mimeType"), ("content type", "mimeType"), ("media type", "mimeType"), ("extension", "fileExtension"),
    ("filename", "fileName"), ("file path", "filePath"), ("path", "filePath"), ("hostname", "domain"), ("host", "domain"), ("domain", "domain"),
    ("checksum", "hex"), ("hash", "hex"), ("digest", "hex"), ("sha 256", "hex"), ("etag", "hex"), ("md 5", "hex"), ("fingerprint", "hex"),
    ("http method", "httpMethod"), ("method", "httpMethod"), ("version", "version"),
    ("locale", "locale"), ("language code", "language"), ("language", "language"), ("lang", "language"),
    ("category", "category"), ("genre", "category"), ("tag", "tag"), ("unit", "unit"), ("hashtag", "hashtag"), ("emoji", "emoji"), ("reaction", "emoji"),
    ("status", "status"), ("role", "role"), ("plan", "plan"), ("tier", "plan"), ("kind", "word"), ("type", "word"), ("code", "token"), ("key", "slug"),
    ("title", "title"), ("subject", "title"), ("headline", "title"), ("caption", "title"), ("subtitle", "title"), ("heading", "title"),
    ("summary", "sentence"), ("excerpt", "sentence"), ("tagline", "catchPhrase"), ("slogan", "catchPhrase"), ("motto", "catchPhrase"),
    ("description", "paragraph"), ("comment", "paragraph"), ("content", "paragraphs"), ("body", "paragraphs"), ("text", "paragraph"), ("message", "sentence"),
    ("note", "sentence"), ("notes", "sentence"), ("remark", "sentence"), ("reason", "sentence"), ("review", "paragraph"), ("feedback", "sentence"), ("answer", "paragraph"), ("question", "sentence"),
    ("lyrics", "paragraphs"), ("markdown", "markdown"), ("html", "html"), ("latitude", "latitude"), ("longitude", "longitude"), ("uuid", "uuid"), ("guid", "uuid"), ("phrase", "sentence"), ("month", "month"), ("weekday", "weekday"),
];

/// The same for numbers.
#[rustfmt::skip]
const NUMBERS: &[(&str, &str)] = &[
    ("price", "price"), ("cost", "price"), ("fee", "price"), ("rate", "price"), ("msrp", "price"), ("fare", "price"),
    ("amount", "amount"), ("total", "amount"), ("subtotal", "amount"), ("balance", "amount"), ("salary", "amount"), ("revenue", "amount"), ("budget", "amount"), ("payment", "amount"), ("paid", "amount"), ("credit limit", "amount"), ("cents", "amount"),
    ("quantity", "quantity"), ("qty", "quantity"), ("stock", "count"), ("inventory", "count"), ("count", "count"), ("views", "count"), ("likes", "count"), ("followers", "count"), ("downloads", "count"), ("hits", "count"), ("clicks", "count"), ("visits", "count"),
    ("rating", "rating"), ("stars", "rating"), ("score", "score"), ("points", "count"), ("percent", "percentage"), ("percentage", "percentage"), ("pct", "percentage"), ("discount", "percentage"), ("progress", "percentage"),
    ("age", "age"), ("latitude", "latitude"), ("lat", "latitude"), ("longitude", "longitude"), ("lng", "longitude"), ("lon", "longitude"),
    ("year", "year"), ("weight", "weight"), ("height", "dimension"), ("width", "dimension"), ("depth", "dimension"), ("length", "dimension"),
    ("duration", "duration"), ("seconds", "duration"), ("file size", "fileSize"), ("size bytes", "fileSize"), ("bytes", "fileSize"), ("size", "fileSize"),
    ("port", "port"), ("http status", "httpStatus"), ("status code", "httpStatus"), ("position", "position"), ("rank", "position"), ("sort order", "position"), ("order", "position"), ("priority", "position"), ("temperature", "temperature"), ("probability", "fraction"), ("ratio", "fraction"),
    ("phone number", "phone"), ("ean", "ean"), ("timestamp", "recentDate"), ("created at", "pastDate"), ("updated at", "pastDate"),
];

/// The same for moments.
#[rustfmt::skip]
const MOMENTS: &[(&str, &str)] = &[
    ("birth date", "birthDate"), ("date of birth", "birthDate"), ("birthday", "birthDate"), ("birthdate", "birthDate"), ("dob", "birthDate"), ("born", "birthDate"), ("born on", "birthDate"), ("born at", "birthDate"),
    ("expires at", "futureDate"), ("expires on", "futureDate"), ("expiry", "futureDate"), ("expiry date", "futureDate"), ("expiration", "futureDate"), ("expiration date", "futureDate"), ("expires", "futureDate"), ("due at", "futureDate"), ("due date", "futureDate"), ("due on", "futureDate"), ("due", "futureDate"), ("deadline", "futureDate"),
    ("scheduled at", "soonDate"), ("scheduled for", "soonDate"), ("starts at", "soonDate"), ("ends at", "soonDate"), ("remind at", "soonDate"), ("next run at", "soonDate"), ("next run", "soonDate"), ("valid until", "futureDate"), ("valid to", "futureDate"),
    ("last login", "recentDate"), ("last seen", "recentDate"), ("last seen at", "recentDate"), ("last login at", "recentDate"), ("last sign in at", "recentDate"), ("logged at", "recentDate"),
];

/// Columns that are mostly empty where they may be, and the share of nulls.
#[rustfmt::skip]
const NULLS: &[(&str, f64)] = &[
    ("deleted at", 0.95), ("deleted on", 0.95), ("archived at", 0.9), ("banned at", 0.97), ("banned until", 0.97), ("cancelled at", 0.9), ("canceled at", 0.9), ("blocked at", 0.97),
    ("suspended at", 0.97), ("revoked at", 0.9), ("refunded at", 0.95), ("failed at", 0.95), ("locked at", 0.97), ("middle name", 0.6), ("address 2", 0.7), ("address line 2", 0.7),
    ("published at", 0.2), ("closed at", 0.4), ("completed at", 0.3), ("finished at", 0.3), ("ended at", 0.3), ("resolved at", 0.4), ("shipped at", 0.3), ("delivered at", 0.4), ("read at", 0.4), ("verified at", 0.2), ("confirmed at", 0.2), ("paid at", 0.3),
    ("phone", 0.2), ("bio", 0.3), ("avatar", 0.2), ("avatar url", 0.2), ("website", 0.4), ("fax", 0.7), ("notes", 0.5), ("note", 0.5), ("last login at", 0.1), ("last seen at", 0.1),
];

impl Subject<'_> {
    pub fn guess(&self) -> Guess {
        let mut guess = self.without_nulls();
        let words = tokens(&self.column.name).join(" ");
        let nullable = !self.column.not_null && !self.resolved.not_null && self.constraint.null().is_none();
        if let (true, Some((_, share))) = (nullable, NULLS.iter().find(|(name, _)| ends_with(&words, name))) {
            guess.spec.options.insert("nulls".to_owned(), json!(share));
        }
        guess
    }

    fn without_nulls(&self) -> Guess {
        let guess = |kind: &str, why| Guess { spec: Spec::kind(kind), why };
        if self.column.generated.is_some() {
            return guess("default", "the database computes it");
        }
        if self.constraint.null() == Some(true) {
            return guess("null", "its checks");
        }
        let whole =
            matches!(self.resolved.target, Target::Integer { .. } | Target::Decimal { scale: None | Some(0), .. });
        let key = self.table.primary_key.as_ref().is_some_and(|key| key.columns == [self.column.name.clone()]);
        if whole && (key || self.column.identity.is_some() || self.column.sequence.is_some()) {
            return guess("sequence", "it numbers the rows");
        }
        if matches!(self.resolved.target, Target::Enum(_)) {
            return guess("enum", "its type");
        }
        let listed =
            matches!(self.resolved.target, Target::Text { .. } | Target::Integer { .. } | Target::Decimal { .. });
        if let (true, Some(values)) = (listed, self.constraint.values()) {
            return Guess {
                spec: Spec::kind("oneOf").option("values", json!(values)),
                why: "its check lists the values",
            };
        }
        let words = tokens(&self.column.name);
        match &self.resolved.target {
            Target::Text { max, .. } => self.text(&words, *max),
            Target::Boolean => boolean(&words),
            Target::Integer { .. } | Target::Decimal { .. } | Target::Float | Target::Money => self.number(&words),
            Target::Date | Target::Timestamp { .. } => self.moment(&words),
            Target::Time { .. } => guess("time", "its type"),
            Target::Interval => guess("duration", "its type"),
            Target::Uuid => guess("uuid", "its type"),
            Target::Json => guess("json", "its type"),
            Target::Bytea => guess("bytes", "its type"),
            Target::Bits { .. } => guess("bits", "its type"),
            Target::Array(element) => array(&words, element, self.constraint),
            Target::Range(_) | Target::Multirange(_) => guess("range", "its type"),
            Target::Special { name, .. } if name == "inet" || name == "cidr" => guess("ipv4", "its type"),
            Target::Special { name, .. } if name == "macaddr" => guess("mac", "its type"),
            Target::Enum(_) | Target::Composite(_) | Target::Special { .. } => guess("auto", "its type"),
            Target::Unknown if self.column.default.is_some() => guess("default", "its type is not known"),
            Target::Unknown if !self.column.not_null => guess("null", "its type is not known"),
            Target::Unknown => guess("auto", "its type is not known"),
        }
    }

    fn text(&self, words: &[String], max: usize) -> Guess {
        let by_name = |kind: &str| Guess { spec: Spec::kind(kind), why: "its name" };
        let by_table = |kind: &str| Guess { spec: Spec::kind(kind), why: "its name and its table's" };
        let pattern = self.constraint.first().matches.iter().find(|matched| !matched.negated);
        let found = find(TEXTS, words).map(|kind| match (kind, max) {
            ("country", 0..=3) => "countryCode",
            ("state", 0..=3) => "stateCode",
            ("phone", 0..=7) | ("token", 0..=3) => "word",
            ("status", _) if self.table.name.contains("http") => "httpStatus",
            ("title", _) if is_person(&self.table.name) => "jobTitle",
            ("uuid", 0..=35) => "token",
            (kind, _) => kind,
        });
        match (found, pattern) {
            // What the name says is kept where its texts meet the pattern, and replaced by the pattern's where not.
            (Some(kind), _) if !matches!(kind, "word" | "title" | "slug" | "token") => return by_name(kind),
            (_, Some(matched)) => {
                return Guess {
                    spec: Spec::kind("regex").option("pattern", matched.pattern.clone()),
                    why: "its check's regular expression",
                };
            }
            (Some(kind), None) => return by_name(kind),
            (None, None) => {}
        }
        if words.last().is_some_and(|word| word == "name") || self.column.name == "name" {
            return by_table(self.name_of_table());
        }
        if words.last().is_some_and(|word| word == "id" || word == "identifier" || word == "reference" || word == "ref")
        {
            return by_name(if max >= 36 { "uuid" } else { "token" });
        }
        Guess { spec: Spec::kind(if max <= 24 { "word" } else { "title" }), why: "its type" }
    }

    /// What a column called `name` holds in this table.
    fn name_of_table(&self) -> &'static str {
        let words = tokens(&self.table.name);
        let noun = words.last().map(|word| singular(word)).unwrap_or_default();
        match noun.as_str() {
            _ if is_person(&self.table.name) => "fullName",
            "company" | "organization" | "organisation" | "vendor" | "supplier" | "brand" | "publisher" | "store"
            | "shop" | "team" | "manufacturer" | "client" | "account" | "tenant" | "workspace" => "company",
            "product" | "item" | "article" | "good" => "productName",
            "category" | "genre" | "collection" => "category",
            "tag" | "label" => "tag",
            "country" => "country",
            "city" | "town" | "place" | "location" => "city",
            "state" | "region" | "province" => "state",
            "department" => "department",
            "currency" => "currencyName",
            "language" => "languageName",
            "color" | "colour" => "color",
            "role" => "role",
            "plan" => "plan",
            "file" | "attachment" | "document" | "upload" => "fileName",
            _ => "title",
        }
    }

    fn number(&self, words: &[String]) -> Guess {
        let whole = matches!(self.resolved.target, Target::Integer { .. } | Target::Decimal { scale: Some(0), .. });
        // A short integer has no room for bytes or amounts; the check's interval says more than the name.
        let bounded = !self.constraint.first().low.is_empty() && !self.constraint.first().high.is_empty();
        match find(NUMBERS, words) {
            Some("duration") if self.resolved.target == Target::Money => {}
            Some(kind @ ("pastDate" | "recentDate")) if whole => {
                return Guess { spec: Spec::kind(kind), why: "its name" };
            }
            Some("pastDate" | "recentDate" | "phone") => {}
            Some("ean") if !matches!(self.resolved.target, Target::Integer { high: i64::MAX, .. }) => {}
            Some(kind) if !bounded || matches!(kind, "rating" | "price" | "latitude" | "longitude" | "percentage") => {
                return Guess { spec: Spec::kind(kind), why: "its name" };
            }
            _ => {}
        }
        Guess { spec: Spec::kind(if whole { "integer" } else { "number" }), why: "its type" }
    }

    fn moment(&self, words: &[String]) -> Guess {
        if let Some(kind) = find(MOMENTS, words) {
            return Guess { spec: Spec::kind(kind), why: "its name" };
        }
        Guess {
            spec: Spec::kind(if self.resolved.target == Target::Date { "date" } else { "pastDate" }),
            why: "its type",
        }
    }
}

fn array(words: &[String], element: &Resolved, constraint: &Constraint) -> Guess {
    let mut spec = Spec::kind("array");
    let one: Vec<String> = words.iter().map(|word| singular(word)).collect();
    if matches!(element.target, Target::Text { .. })
        && constraint.first().one_of.is_none()
        && element.constraint == Constraint::default()
    {
        spec = spec.option("of", find(TEXTS, &one).unwrap_or("tag"));
    }
    Guess { spec, why: "its type" }
}

fn boolean(words: &[String]) -> Guess {
    let share = |share: f64| Guess { spec: Spec::kind("boolean").option("probability", json!(share)), why: "its name" };
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&[
        "active",
        "enabled",
        "verified",
        "confirmed",
        "published",
        "available",
        "visible",
        "approved",
        "valid",
        "public",
    ]) {
        share(0.8)
    } else if has(&[
        "deleted",
        "archived",
        "banned",
        "blocked",
        "locked",
        "admin",
        "superuser",
        "staff",
        "hidden",
        "suspended",
        "disabled",
        "featured",
        "draft",
        "spam",
        "test",
    ]) {
        share(0.1)
    } else {
        Guess { spec: Spec::kind("boolean"), why: "its type" }
    }
}

/// The kind of the longest name that the column's ends with.
fn find(rules: &'static [(&str, &str)], words: &[String]) -> Option<&'static str> {
    let name = words.join(" ");
    rules
        .iter()
        .filter(|(ending, _)| ends_with(&name, ending))
        .max_by_key(|(ending, _)| ending.len())
        .map(|(_, kind)| *kind)
}

fn ends_with(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
}

fn is_person(table: &str) -> bool {
    const PEOPLE: [&str; 24] = [
        "user",
        "person",
        "people",
        "customer",
        "employee",
        "author",
        "contact",
        "member",
        "profile",
        "actor",
        "staff",
        "student",
        "teacher",
        "patient",
        "doctor",
        "artist",
        "player",
        "guest",
        "subscriber",
        "lead",
        "owner",
        "driver",
        "candidate",
        "participant",
    ];
    let words = tokens(table);
    words.last().is_some_and(|word| PEOPLE.contains(&singular(word).as_str()))
}

/// Columns whose names say that one follows the other: `(earlier, later)`.
pub fn pairs(table: &Table) -> impl Iterator<Item = (String, String)> + '_ {
    const FOLLOW: [(&str, &str); 14] = [
        ("start", "end"),
        ("starts", "ends"),
        ("started", "ended"),
        ("started", "finished"),
        ("from", "to"),
        ("from", "until"),
        ("begin", "end"),
        ("opened", "closed"),
        ("min", "max"),
        ("minimum", "maximum"),
        ("in", "out"),
        ("ordered", "shipped"),
        ("shipped", "delivered"),
        ("created", "updated"),
    ];
    // What happened to a row happened after it was made.
    const FIRST: [&str; 4] = ["created at", "inserted at", "created", "created on"];
    let plain =
        |column: &&catalog::Column| column.generated.is_none() && matches!(column.r#type.category, 'D' | 'N' | 'U');
    let named = move || table.columns.iter().filter(plain).map(|column| (column, tokens(&column.name)));
    named().flat_map(move |(earlier, first)| {
        let start = first.join(" ");
        named().filter_map(move |(later, second)| {
            if earlier.name == later.name || earlier.r#type.name != later.r#type.name {
                return None;
            }
            let follows = first.len() == second.len()
                && first.iter().zip(&second).filter(|(a, b)| a != b).count() == 1
                && first.iter().zip(&second).any(|(a, b)| FOLLOW.contains(&(a.as_str(), b.as_str())));
            let end = second.join(" ");
            let happened = FIRST.contains(&start.as_str())
                && later.r#type.category == 'D'
                && second.last().is_some_and(|word| word == "at" || word == "on")
                && !FIRST.contains(&end.as_str())
                && super::guess::find(MOMENTS, &second).is_none();
            (follows || happened).then(|| (earlier.name.clone(), later.name.clone()))
        })
    })
}

/// For the tests: every kind that a rule names.
#[cfg(test)]
pub fn kinds() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().chain(NUMBERS).chain(MOMENTS).map(|(_, kind)| *kind)
}
