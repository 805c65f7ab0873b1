//! Lines of SMTP clients (RFC 5321 section 4.1), read.

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `true`: EHLO, which wants to know the extensions.
    Hello(String, bool),
    MailFrom(String, Parameters),
    RcptTo(String),
    Data,
    Auth(String, Option<String>),
    Reset,
    Noop,
    Verify,
    Help,
    Quit,
    StartTls,
}

/// Of `MAIL FROM`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parameters {
    /// Bytes that the client announces (RFC 1870).
    pub size: Option<usize>,
}

/// Why a line is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    Unknown,
    Syntax,
    Parameter,
}

impl Command {
    pub(super) fn parse(line: &str) -> Result<Self, Mistake> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let plain = |command: Self| if rest.is_empty() { Ok(command) } else { Err(Mistake::Syntax) };
        match &*verb.to_ascii_uppercase() {
            "HELO" | "EHLO" if rest.is_empty() => Err(Mistake::Syntax),
            "HELO" => Ok(Self::Hello(rest.to_owned(), false)),
            "EHLO" => Ok(Self::Hello(rest.to_owned(), true)),
            "MAIL" => {
                let (path, parameters) = path(rest, "FROM:")?;
                Ok(Self::MailFrom(path, self::parameters(parameters)?))
            }
            "RCPT" => match path(rest, "TO:")? {
                (path, _) if path.is_empty() => Err(Mistake::Syntax),
                // What a client asks about delivery (DSN) means nothing here: nothing is delivered.
                (path, _) => Ok(Self::RcptTo(path)),
            },
            "DATA" => plain(Self::Data),
            "AUTH" => match rest.split_once(' ') {
                Some((mechanism, first)) => {
                    Ok(Self::Auth(mechanism.to_ascii_uppercase(), Some(first.trim().to_owned())))
                }
                None if rest.is_empty() => Err(Mistake::Syntax),
                None => Ok(Self::Auth(rest.to_ascii_uppercase(), None)),
            },
            "RSET" => plain(Self::Reset),
            "NOOP" => Ok(Self::Noop),
            "VRFY" | "EXPN" => Ok(Self::Verify),
            "HELP" => Ok(Self::Help),
            "QUIT" => plain(Self::Quit),
            "STARTTLS" => Ok(Self::StartTls),
            _ => Err(Mistake::Unknown),
        }
    }
}

/// `FROM:<ann@example.com> SIZE=3` as the address and the rest. An address without brackets is taken too: scripts send
/// them.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(String, &'a str), Mistake> {
    let (start, rest) = rest.split_at_checked(keyword.len()).ok_or(Mistake::Syntax)?;
    if !start.eq_ignore_ascii_case(keyword) {
        return Err(Mistake::Syntax);
    }
    let rest = rest.trim_start();
    let (address, rest) = match rest.strip_prefix('<') {
        Some(inner) => inner.split_once('>').ok_or(Mistake::Syntax)?,
        None => rest.split_once(' ').unwrap_or((rest, "")),
    };
    // A source route, `@one.example,@two.example:ann@example.com`, is read and ignored (RFC 5321 section 4.1.1.3).
    let address = match address.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(Mistake::Syntax)?.1,
        None => address,
    };
    let right = |char: char| !char.is_control() && char != '<' && char != '>';
    if address.len() > 320 || !address.chars().all(right) {
        return Err(Mistake::Syntax);
    }
    Ok((address.to_owned(), rest.trim()))
}

fn parameters(text: &str) -> Result<Parameters, Mistake> {
    let mut parameters = Parameters::default();
    for parameter in text.split_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match &*name.to_ascii_uppercase() {
            "SIZE" => parameters.size = Some(value.parse().map_err(|_| Mistake::Parameter)?),
            "BODY" | "SMTPUTF8" | "AUTH" | "RET" | "ENVID" => {}
            _ => return Err(Mistake::Parameter),
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let from = |address: &str, size| Ok(Command::MailFrom(address.to_owned(), Parameters { size }));
        assert_eq!(Command::parse("ehlo localhost"), Ok(Command::Hello("localhost".to_owned(), true)));
        assert_eq!(Command::parse("MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME"), from("a@b.example", Some(12)));
        assert_eq!(Command::parse("mail from: a@b.example"), from("a@b.example", None));
        assert_eq!(Command::parse("MAIL FROM:<>"), from("", None));
        assert_eq!(Command::parse("RCPT TO:<@x.example:a@b.example>"), Ok(Command::RcptTo("a@b.example".to_owned())));
        assert_eq!(Command::parse("AUTH PLAIN AGEAYg=="), {
            Ok(Command::Auth("PLAIN".to_owned(), Some("AGEAYg==".to_owned())))
        });
        for wrong in
            ["RCPT TO:<>", "RCPT", "MAIL", "MAIL FROM", "MAIL FROM:<a", "EHLO", "DATA now", "RCPT TO:<a\u{7}b>"]
        {
            assert_eq!(Command::parse(wrong), Err(Mistake::Syntax), "{wrong}");
        }
        assert_eq!(Command::parse("MAIL FROM:<a@b> SIZE=x"), Err(Mistake::Parameter));
        assert_eq!(Command::parse("MAIL FROM:<a@b> FOO=x"), Err(Mistake::Parameter));
        assert_eq!(Command::parse("GET / HTTP/1.1"), Err(Mistake::Unknown));
    }
}
