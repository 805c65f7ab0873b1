//! Searches in the words of Mailpit (`to:ann subject:"sign in" -is:read has:attachment`), as conditions of a statement.
//! What is searched for is a parameter.

use tokio_postgres::types::ToSql;

/// Which messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    /// SQL with `$` where the value goes.
    sql: &'static str,
    value: Option<Value>,
    negated: bool,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Texts(Vec<String>),
    Size(i32),
    Seconds(f64),
}

const TO: &str = "strpos(lower(addresses->>'To'), lower($)) > 0";
const FROM: &str = "strpos(lower(addresses->>'From'), lower($)) > 0";
const CC: &str = "strpos(lower(addresses->>'Cc'), lower($)) > 0";
const BCC: &str = "strpos(lower(addresses->>'Bcc'), lower($)) > 0";
const REPLY_TO: &str = "strpos(lower(addresses->>'ReplyTo'), lower($)) > 0";
const ADDRESSED: &str = "strpos(lower(addresses::text), lower($)) > 0";
const SUBJECT: &str = "strpos(lower(subject), lower($)) > 0";
const MESSAGE_ID: &str = "strpos(lower(message_id), lower($)) > 0";
const TEXT: &str = "strpos(search_text, lower($)) > 0";
const RECIPIENT: &str = "EXISTS (SELECT FROM unnest(envelope_to) one WHERE strpos(lower(one), lower($)) > 0)";
const SENDER: &str = "strpos(lower(envelope_from), lower($)) > 0";
const TAG: &str = "EXISTS (SELECT FROM unnest(tags) one WHERE lower(one) = lower($))";

impl Filter {
    pub(crate) fn all() -> Self {
        Self::default()
    }

    pub(crate) fn ids(ids: Vec<String>) -> Self {
        Self::default().and("id = ANY($)", Some(Value::Texts(ids)), false)
    }

    /// Of the envelope; a part of the address is enough.
    pub(crate) fn recipient(self, text: &str) -> Self {
        self.and(RECIPIENT, Some(Value::Text(text.to_owned())), false)
    }

    pub(crate) fn sender(self, text: &str) -> Self {
        self.and(SENDER, Some(Value::Text(text.to_owned())), false)
    }

    pub(crate) fn subject(self, text: &str) -> Self {
        self.and(SUBJECT, Some(Value::Text(text.to_owned())), false)
    }

    pub(crate) fn containing(self, text: &str) -> Self {
        self.and(TEXT, Some(Value::Text(text.to_owned())), false)
    }

    /// Received in the last seconds.
    pub(crate) fn within(self, seconds: f64) -> Self {
        self.and("received_at > now() - make_interval(secs => $)", Some(Value::Seconds(seconds)), false)
    }

    pub(crate) fn id_begins(self, text: &str) -> Self {
        self.and("starts_with(id, $)", Some(Value::Text(text.to_owned())), false)
    }

    pub(crate) fn unread(self) -> Self {
        self.and("NOT read", None, false)
    }

    /// A search as a person types it.
    pub(crate) fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for word in words(query) {
            let (negated, word) = match word.strip_prefix(['-', '!']) {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, &*word),
            };
            if let Some((sql, value)) = condition(word) {
                filter = filter.and(sql, value, negated);
            }
        }
        filter
    }

    fn and(mut self, sql: &'static str, value: Option<Value>, negated: bool) -> Self {
        self.conditions.push(Condition { sql, value, negated });
        self
    }

    /// The condition, with the values of its parameters, which begin at `$1`.
    pub(crate) fn sql(&self) -> (String, Vec<&(dyn ToSql + Sync)>) {
        let mut values: Vec<&(dyn ToSql + Sync)> = Vec::new();
        let mut sql = String::from("true");
        for condition in &self.conditions {
            sql.push_str(if condition.negated { " AND NOT coalesce((" } else { " AND ((" });
            match &condition.value {
                Some(value) => {
                    values.push(value.as_sql());
                    sql.push_str(&condition.sql.replace('$', &format!("${}", values.len())));
                }
                None => sql.push_str(condition.sql),
            }
            sql.push_str(if condition.negated { "), false)" } else { "))" });
        }
        (sql, values)
    }
}

impl Value {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(text) => text,
            Self::Texts(texts) => texts,
            Self::Size(size) => size,
            Self::Seconds(seconds) => seconds,
        }
    }
}

/// What one word of a search means; `None` when it means nothing.
fn condition(word: &str) -> Option<(&'static str, Option<Value>)> {
    let lower = word.to_lowercase();
    match &*lower {
        "is:read" => return Some(("read", None)),
        "is:unread" => return Some(("NOT read", None)),
        "is:tagged" => return Some(("tags <> '{}'", None)),
        "has:attachment" | "has:attachments" => return Some(("attachments > 0", None)),
        "has:inline" | "has:inlines" => return Some(("inline_parts > 0", None)),
        _ => {}
    }
    let text = |sql, text: &str| Some((sql, Some(Value::Text(text.to_owned()))));
    let size = |sql, text: &str| Some((sql, Some(Value::Size(bytes(text)?))));
    match lower.split_once(':') {
        Some((_, "")) => None,
        Some(("to", value)) => text(TO, value),
        Some(("from", value)) => text(FROM, value),
        Some(("cc", value)) => text(CC, value),
        Some(("bcc", value)) => text(BCC, value),
        Some(("reply-to", value)) => text(REPLY_TO, value),
        Some(("addressed", value)) => text(ADDRESSED, value),
        Some(("subject", value)) => text(SUBJECT, value),
        Some(("message-id", value)) => text(MESSAGE_ID, value),
        Some(("tag", value)) => text(TAG, value),
        Some(("larger", value)) => size("octet_length(raw) > $", value),
        Some(("smaller", value)) => size("octet_length(raw) < $", value),
        _ if word.chars().any(char::is_alphanumeric) => text(TEXT, word),
        _ => None,
    }
}

/// Words between spaces; quotes, which may begin inside a word, hold words together.
fn words(query: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for char in query.chars() {
        match char {
            '"' => quoted = !quoted,
            space if space.is_whitespace() && !quoted => words.push(String::new()),
            '\0' => {}
            other => {
                if let Some(word) = words.last_mut() {
                    word.push(other);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `2k`, `4MB`: powers of 1024.
fn bytes(text: &str) -> Option<i32> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim() {
        "" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        _ => return None,
    };
    text[..digits].parse::<i32>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_conditions_with_parameters() {
        let filter = Filter::parse("to:ann subject:\"sign in\" -is:read larger:2k '; : x");
        let (sql, values) = filter.sql();
        assert_eq!(values.len(), 4, "{sql}");
        assert!(sql.contains("strpos(lower(subject), lower($2)) > 0"), "{sql}");
        assert!(sql.contains("NOT coalesce((read), false)"), "{sql}");
        assert!(!sql.contains("sign in") && !sql.contains(';'));
        assert_eq!(words("a \"b c\" d:\"e f\""), ["a", "b c", "d:e f"]);
        assert_eq!(bytes("2k"), Some(2048));
        assert_eq!(bytes("99999999mb"), None);
        assert_eq!(Filter::parse("").sql().0, "true");
    }
}
