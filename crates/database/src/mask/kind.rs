//! What a replacement looks like: the kinds of the rule `fake`.

use serde::Serialize;

/// A kind of invented value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Email,
    Name,
    FirstName,
    LastName,
    Username,
    Phone,
    Address,
    Street,
    City,
    State,
    Postcode,
    Country,
    Company,
    JobTitle,
    Url,
    Ip,
    Mac,
    Uuid,
    /// A national identity number.
    NationalId,
    CreditCard,
    Iban,
    /// A day of birth or another date.
    Date,
    Latitude,
    Longitude,
    /// A key, token or other secret.
    Token,
    UserAgent,
    /// Words that mean nothing.
    Text,
    /// Letters for letters, digits for digits.
    Scramble,
}

/// Every kind with its spellings, the first of which is the one that is written.
const NAMES: &[(Kind, &[&str])] = &[
    (Kind::Email, &["email", "mail"]),
    (Kind::Name, &["name", "fullname"]),
    (Kind::FirstName, &["first_name", "givenname"]),
    (Kind::LastName, &["last_name", "surname", "familyname"]),
    (Kind::Username, &["username", "handle", "login"]),
    (Kind::Phone, &["phone", "phonenumber"]),
    (Kind::Address, &["address"]),
    (Kind::Street, &["street"]),
    (Kind::City, &["city"]),
    (Kind::State, &["state", "region"]),
    (Kind::Postcode, &["postcode", "zip", "zipcode"]),
    (Kind::Country, &["country"]),
    (Kind::Company, &["company"]),
    (Kind::JobTitle, &["job_title", "job"]),
    (Kind::Url, &["url", "avatar"]),
    (Kind::Ip, &["ip", "ipaddress"]),
    (Kind::Mac, &["mac", "macaddress"]),
    (Kind::Uuid, &["uuid"]),
    (Kind::NationalId, &["national_id", "ssn"]),
    (Kind::CreditCard, &["credit_card", "card"]),
    (Kind::Iban, &["iban"]),
    (Kind::Date, &["date", "birthdate", "birthday"]),
    (Kind::Latitude, &["latitude"]),
    (Kind::Longitude, &["longitude"]),
    (Kind::Token, &["token", "secret"]),
    (Kind::UserAgent, &["user_agent"]),
    (Kind::Text, &["text", "words", "sentence", "paragraph"]),
    (Kind::Scramble, &["scramble"]),
];

impl Kind {
    /// By any spelling: `firstName`, `first_name` and `first-name` are the same.
    pub fn parse(text: &str) -> Option<Self> {
        let wanted = plain(text);
        NAMES.iter().find(|(_, names)| names.iter().any(|name| plain(name) == wanted)).map(|(kind, _)| *kind)
    }

    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("scramble", |(_, names)| names[0])
    }

    /// Every name that [`Kind::parse`] reads first, for messages and docs.
    pub fn all() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, names)| names[0])
    }

    /// True where a replacement cannot be anybody's value by chance, so that one which equals an original anywhere is a
    /// leak. The others come from small worlds (towns, digits of a phone): those must only differ from what they replace.
    pub fn is_telling(self) -> bool {
        matches!(
            self,
            Self::Email
                | Self::Name
                | Self::Username
                | Self::Address
                | Self::Url
                | Self::Uuid
                | Self::Token
                | Self::CreditCard
                | Self::Iban
        )
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names() {
        for (kind, names) in NAMES {
            assert!(names.iter().all(|name| Kind::parse(name) == Some(*kind)));
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("firstName"), Some(Kind::FirstName));
        assert_eq!(Kind::parse("colour"), None);
    }
}
