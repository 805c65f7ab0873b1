//! What of a value may be shown. A name tells most secrets ([`crate::is_secret`]); this module finds those that stand
//! inside other values: passwords in URLs, `TOKEN=…` in lists of pairs, and keys that are known by their beginning.

use crate::is_secret;

/// Stands where a secret is not shown.
pub const DOTS: &str = "••••";

/// How keys of well-known services begin: Stripe, GitHub, Slack, AWS, Google, GitLab, SendGrid, and PEM files.
const KEYS: [&str; 16] = [
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "whsec_",
    "ghp_",
    "gho_",
    "github_pat_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "glpat-",
    "SG.",
    "key-",
    "https://hooks.slack.com/",
    "-----BEGIN ",
];

/// `value` with the secrets inside it replaced by dots.
pub(crate) fn inside(value: &str) -> String {
    if KEYS.iter().any(|key| value.len() >= key.len() + 12 && value.starts_with(key)) {
        return DOTS.to_owned();
    }
    let pairs = |part: &str| match part.split_once('=') {
        Some((name, rest)) if !rest.is_empty() && is_secret(name.trim()) => format!("{name}={DOTS}"),
        _ => credentials(part),
    };
    value.split(',').map(pairs).collect::<Vec<_>>().join(",")
}

/// `scheme://user:password@host` without the password, and `https://key@host` without the key.
fn credentials(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, after) = rest.split_at(at + 3);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        shown.push_str(scheme);
        match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
            Some((Some((user, _)), host)) => shown.push_str(&format!("{user}:{DOTS}@{host}")),
            Some((None, host)) if scheme.ends_with("https://") || scheme.ends_with("http://") => {
                shown.push_str(&format!("{DOTS}@{host}"));
            }
            _ => shown.push_str(authority),
        }
        rest = tail;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_inside_values_are_not_shown() {
        for (value, shown) in [
            ("plain", "plain"),
            ("", ""),
            ("https://example.com:8080/a@b?c=d", "https://example.com:8080/a@b?c=d"),
            ("postgres://u:hunter2@h:5432/db", "postgres://u:••••@h:5432/db"),
            ("postgres://postgres@h/db", "postgres://postgres@h/db"),
            ("redis://:hunter2@h", "redis://:••••@h"),
            ("https://hunter2@sentry.io/1", "https://••••@sentry.io/1"),
            ("A=1,MY_TOKEN=hunter2,B=2", "A=1,MY_TOKEN=••••,B=2"),
            ("https://a:hunter2@x,https://b:hunter2@y", "https://a:••••@x,https://b:••••@y"),
            ("http://a:hunter2@", "http://a:••••@"),
            ("sk_live_hunter2hunter2", "••••"),
            ("://", "://"),
            ("✓://ü:é@ß", "✓://ü:••••@ß"),
        ] {
            assert_eq!(inside(value), shown, "{value}");
        }
    }
}
