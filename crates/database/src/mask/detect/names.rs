//! What a column's name says about its values.

use postgres::catalog::Table;

use crate::mask::Kind;
use crate::mask::shape::Shape;

/// A column that looks personal, and the rule that suits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// To be replaced by an invented value.
    Fake(Kind),
    /// To be removed: nothing invented is of use.
    Null,
    Hash,
    Noise,
    Shift,
    /// A hash of a password.
    Password,
}

/// Words of a name, in the order in which they count: the first line that matches decides.
const SAID: &[(&[&str], Guess)] = &[
    (&["password", "passwd", "pwd", "passwort", "motdepasse", "contrasena"], Guess::Password),
    (
        &[
            "secret",
            "token",
            "apikey",
            "accesskey",
            "privatekey",
            "otp",
            "totp",
            "salt",
            "cvv",
            "cvc",
            "pin",
            "credential",
            "signature",
            "fingerprint",
            "cookie",
            "session key",
            "api key",
            "access key",
            "private key",
            "recovery code",
        ],
        Guess::Hash,
    ),
    (&["email", "mail", "emailaddress", "correo", "courriel"], Guess::Fake(Kind::Email)),
    (&["user agent", "useragent"], Guess::Fake(Kind::UserAgent)),
    (
        &[
            "phone",
            "tel",
            "telephone",
            "mobile",
            "cell",
            "cellphone",
            "fax",
            "phonenumber",
            "telefon",
            "handy",
            "telefono",
            "whatsapp",
            "msisdn",
        ],
        Guess::Fake(Kind::Phone),
    ),
    (
        &[
            "ssn",
            "sin",
            "nin",
            "nino",
            "bsn",
            "pesel",
            "cpf",
            "cnpj",
            "nif",
            "dni",
            "aadhaar",
            "passport",
            "national id",
            "tax id",
            "taxid",
            "vat id",
            "vat number",
            "social security",
            "insurance number",
            "driver license",
            "drivers license",
            "license number",
            "licence number",
            "identity number",
            "steuer",
            "medical record",
            "mrn",
        ],
        Guess::Fake(Kind::NationalId),
    ),
    (
        &["credit card", "creditcard", "card number", "cardnumber", "pan", "cc number", "ccnumber"],
        Guess::Fake(Kind::CreditCard),
    ),
    (
        &["iban", "bank account", "account number", "accountnumber", "routing number", "sort code", "bic", "swift"],
        Guess::Fake(Kind::Iban),
    ),
    (
        &[
            "first name",
            "firstname",
            "given name",
            "givenname",
            "forename",
            "middle name",
            "middlename",
            "vorname",
            "prenom",
            "fname",
        ],
        Guess::Fake(Kind::FirstName),
    ),
    (
        &[
            "last name",
            "lastname",
            "surname",
            "family name",
            "familyname",
            "maiden name",
            "nachname",
            "apellido",
            "lname",
        ],
        Guess::Fake(Kind::LastName),
    ),
    (
        &[
            "full name",
            "fullname",
            "display name",
            "displayname",
            "real name",
            "legal name",
            "contact name",
            "customer name",
            "person name",
            "holder name",
            "cardholder",
            "account holder",
            "author name",
            "sender name",
            "recipient name",
            "recipient",
            "contact person",
            "patient name",
            "employee name",
            "owner name",
        ],
        Guess::Fake(Kind::Name),
    ),
    (
        &[
            "user name",
            "username",
            "login",
            "handle",
            "nickname",
            "nick",
            "screen name",
            "twitter",
            "skype",
            "telegram",
        ],
        Guess::Fake(Kind::Username),
    ),
    (&["birth", "birthday", "birthdate", "dob", "born", "geburtsdatum", "date of birth", "death"], Guess::Shift),
    (&["ip", "ipaddress", "ip address", "remote addr", "client ip", "remote ip"], Guess::Fake(Kind::Ip)),
    (
        &["mac address", "macaddress", "device id", "imei", "udid", "advertising id", "idfa"],
        Guess::Fake(Kind::Scramble),
    ),
    (
        &["street", "strasse", "address line", "addressline", "address1", "address2", "line1", "line2"],
        Guess::Fake(Kind::Street),
    ),
    (&["address", "addr", "adresse", "direccion", "billing address", "shipping address"], Guess::Fake(Kind::Address)),
    (&["city", "town", "ort", "ville", "ciudad"], Guess::Fake(Kind::City)),
    (&["zip", "zipcode", "postcode", "postal code", "postalcode", "zip code", "plz"], Guess::Fake(Kind::Postcode)),
    (&["latitude", "lat"], Guess::Fake(Kind::Latitude)),
    (&["longitude", "lng", "lon"], Guess::Fake(Kind::Longitude)),
    (&["geo", "gps", "geolocation", "coordinates", "home location"], Guess::Null),
    (&["avatar", "photo", "picture", "selfie", "portrait", "profile image"], Guess::Fake(Kind::Url)),
    (&["salary", "income", "wage", "net worth", "credit score", "gehalt"], Guess::Noise),
    (
        &[
            "gender",
            "sex",
            "religion",
            "ethnicity",
            "race",
            "nationality",
            "marital",
            "diagnosis",
            "disease",
            "medical",
            "medication",
            "allergies",
            "blood type",
            "disability",
            "orientation",
            "political",
        ],
        Guess::Null,
    ),
    (&["bio", "biography", "about me", "aboutme"], Guess::Fake(Kind::Text)),
];

/// Words that make a name one of a count, a flag or a time instead of the thing.
const ABOUT: &[&str] = &[
    "count",
    "total",
    "verified",
    "confirmed",
    "enabled",
    "sent",
    "type",
    "status",
    "format",
    "template",
    "at",
    "length",
    "is",
    "has",
    "num",
    "subject",
    "policy",
    "method",
    "expires",
    "attempts",
    "version",
    "lang",
];

/// Tables whose `name` is a person's.
const PEOPLE: &[&str] = &[
    "user",
    "users",
    "customer",
    "customers",
    "client",
    "clients",
    "person",
    "persons",
    "people",
    "employee",
    "employees",
    "staff",
    "contact",
    "contacts",
    "member",
    "members",
    "patient",
    "patients",
    "author",
    "authors",
    "profile",
    "profiles",
    "account",
    "accounts",
    "guest",
    "guests",
    "student",
    "students",
    "teacher",
    "teachers",
    "driver",
    "drivers",
    "subscriber",
    "subscribers",
    "lead",
    "leads",
    "actor",
    "actors",
    "participant",
    "participants",
    "recipient",
    "recipients",
    "owner",
    "owners",
    "candidate",
    "candidates",
    "applicant",
    "applicants",
    "doctor",
    "doctors",
    "tenant",
    "tenants",
    "artist",
    "agent",
    "agents",
    "player",
    "players",
    "visitor",
    "visitors",
    "donor",
    "donors",
    "beneficiary",
    "beneficiaries",
    "kunde",
    "kunden",
];

/// What the name says; none where it says nothing, or where the type cannot hold such a thing.
pub(super) fn guess(table: &Table, column: &str, shape: &Shape) -> Option<Guess> {
    let words = words(column);
    let about = words.iter().any(|word| ABOUT.contains(&word.as_str()));
    let found = SAID.iter().find(|(names, _)| names.iter().any(|name| says(&words, name))).map(|(_, guess)| *guess);
    let found = found.or_else(|| {
        let tables = self::words(&table.name);
        let of_people = tables.iter().any(|word| PEOPLE.contains(&word.as_str()));
        (words == ["name"] && of_people).then_some(Guess::Fake(Kind::Name))
    })?;
    fits(found, shape.element(), about, &words).then_some(found)
}

/// The kind of value that a member of a document or a column called so holds.
pub(in crate::mask) fn kind(name: &str) -> Option<Kind> {
    let words = words(name);
    if words.iter().any(|word| ABOUT.contains(&word.as_str())) {
        return None;
    }
    let found = SAID.iter().find(|(names, _)| names.iter().any(|name| says(&words, name))).map(|(_, guess)| *guess);
    match found? {
        Guess::Fake(kind) => Some(kind),
        Guess::Password | Guess::Hash => Some(Kind::Token),
        Guess::Shift => Some(Kind::Date),
        Guess::Noise | Guess::Null => Some(Kind::Scramble),
    }
}

fn fits(guess: Guess, shape: &Shape, about: bool, words: &[String]) -> bool {
    let reference = words.last().is_some_and(|word| word == "id") && words.len() < 3;
    match shape {
        Shape::Choice | Shape::Other { text: false } => false,
        // `email_sent_at` is a time; only the day of a birth or death is somebody's.
        Shape::Date | Shape::Timestamp => guess == Guess::Shift,
        Shape::Integer { .. } | Shape::Decimal { .. } | Shape::Float => {
            let number = matches!(
                guess,
                Guess::Noise
                    | Guess::Hash
                    | Guess::Fake(
                        Kind::Phone
                            | Kind::NationalId
                            | Kind::CreditCard
                            | Kind::Iban
                            | Kind::Postcode
                            | Kind::Latitude
                            | Kind::Longitude
                            | Kind::Ip
                    )
            );
            number && !about && (!reference || guess == Guess::Fake(Kind::NationalId))
        }
        Shape::Uuid => guess == Guess::Hash && !reference,
        _ => !about,
    }
}

/// True when the words of `name` stand in `words` one after another.
fn says(words: &[String], name: &str) -> bool {
    let wanted: Vec<&str> = name.split(' ').collect();
    words.windows(wanted.len()).any(|window| window.iter().zip(&wanted).all(|(word, wanted)| word == wanted))
}

/// `billingAddress`, `billing_address` and `BILLING-ADDRESS` are `billing` and `address`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = None;
    for c in name.chars() {
        let begins =
            c.is_uppercase() && before.is_some_and(|before: char| before.is_lowercase() || before.is_numeric());
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("there is always one").extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_hold() {
        for (name, expected) in [
            ("email", Some(Kind::Email)),
            ("workEmail", Some(Kind::Email)),
            ("e_mail", Some(Kind::Email)),
            ("billing_address", Some(Kind::Address)),
            ("ip_address", Some(Kind::Ip)),
            ("first-name", Some(Kind::FirstName)),
            ("api_key", Some(Kind::Token)),
            ("description", None),
            ("shipped_at", None),
            ("email_verified", None),
            ("skip", None),
            ("recipe", None),
            ("relation", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
