//! The filter language of the request log: pure, from text to terms and back.
//!
//! ```text
//! opus                    a word: anywhere in the request's names, id, path and errors, whatever the case
//! "two words"             the same with a space in it; \" and \\ inside quotes
//! endpoint:main-a         the word in this field only; model endpoint group session state id path agent class kind
//! status:>=400            a number: status cost tokens in out duration ttft attempts, with = > >= < <=
//! status:5xx              400 to 499, 500 to 599, ...
//! cost:>0.10  tokens:>100k  duration:>10s  ttft:<800ms
//! !opus  -model:opus      not that
//! ```
//!
//! Several terms mean all of them. What a request does not have (a cost that is unknown, the status of one that runs)
//! fits no number. A parsed filter prints as a text that parses to the same filter: a test with made-up ones looks.

mod lex;
#[cfg(test)]
mod tests;
mod unit;

use std::fmt;

pub use self::lex::Word;

/// A field that holds text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name {
    /// The model that was asked for, and the one that answered.
    Model,
    /// The endpoint asked last.
    Endpoint,
    /// Its group.
    Group,
    /// Claude Code's session.
    Session,
    /// How the request stands or ended.
    State,
    /// Ours, and the endpoint's.
    Id,
    /// Path without the query.
    Path,
    /// `x-claude-code-agent-id`.
    Agent,
    /// What kind of request.
    Class,
    /// What kind of failure.
    Kind,
}

impl Name {
    /// All of them, as they are written.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Model, "model"),
        (Self::Endpoint, "endpoint"),
        (Self::Group, "group"),
        (Self::Session, "session"),
        (Self::State, "state"),
        (Self::Id, "id"),
        (Self::Path, "path"),
        (Self::Agent, "agent"),
        (Self::Class, "class"),
        (Self::Kind, "kind"),
    ];
}

/// A field that holds a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// HTTP status.
    Status,
    /// Nanodollars.
    Cost,
    /// Tokens of prompt and answer together.
    Tokens,
    /// Tokens of the prompt.
    In,
    /// Tokens of the answer.
    Out,
    /// Milliseconds from acceptance to the end, or until now.
    Duration,
    /// Milliseconds to the first byte.
    Ttft,
    /// How many endpoints were asked, repeats counted.
    Attempts,
}

impl Number {
    /// All of them, as they are written.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Status, "status"),
        (Self::Cost, "cost"),
        (Self::Tokens, "tokens"),
        (Self::In, "in"),
        (Self::Out, "out"),
        (Self::Duration, "duration"),
        (Self::Ttft, "ttft"),
        (Self::Attempts, "attempts"),
    ];
}

/// How a number is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    /// `=`, or nothing.
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

impl Compare {
    /// As they are written; those with two characters first, or `>=5` would be `>` and `=5`.
    const ALL: [(Self, &'static str); 5] = [
        (Self::AtLeast, ">="),
        (Self::AtMost, "<="),
        (Self::Above, ">"),
        (Self::Below, "<"),
        (Self::Equal, "="),
    ];

    fn holds(self, value: u64, limit: u64) -> bool {
        match self {
            Self::Equal => value == limit,
            Self::AtLeast => value >= limit,
            Self::Above => value > limit,
            Self::AtMost => value <= limit,
            Self::Below => value < limit,
        }
    }
}

/// What a term looks at. Texts are in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// This text is somewhere.
    Anywhere(String),
    /// This text is in the field.
    Contains(Name, String),
    /// The number is such.
    Compares(Number, Compare, u64),
    /// The status has this first digit.
    StatusClass(u64),
}

/// One condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Term {
    /// Must not hold.
    pub negated: bool,
    /// What must hold.
    pub test: Test,
}

/// See the module; the default fits everything.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Filter(Vec<Term>);

/// What a filter looks at.
pub trait Subject {
    /// All texts, in lower case.
    fn everything(&self) -> &str;
    /// One text, in lower case; empty when it is not known.
    fn text(&self, name: Name) -> &str;
    /// One number.
    fn number(&self, number: Number) -> Option<u64>;
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The text says what is wrong and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        lex::words(text)?.into_iter().map(term).collect::<Result<_, _>>().map(Self)
    }

    /// True when everything fits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when all terms hold.
    pub fn fits(&self, subject: &impl Subject) -> bool {
        self.0.iter().all(|term| term.negated != holds(&term.test, subject))
    }
}

fn holds(test: &Test, subject: &impl Subject) -> bool {
    match test {
        Test::Anywhere(text) => subject.everything().contains(text.as_str()),
        Test::Contains(name, text) => subject.text(*name).contains(text.as_str()),
        Test::Compares(number, compare, limit) => {
            subject.number(*number).is_some_and(|value| compare.holds(value, *limit))
        }
        Test::StatusClass(digit) => subject.number(Number::Status).is_some_and(|s| s / 100 == *digit),
    }
}

fn term(word: Word) -> Result<Term, String> {
    let Word { negated, field, value } = word;
    let test = match field {
        None => Test::Anywhere(value.to_lowercase()),
        Some(field) => test(&field.to_lowercase(), &value)?,
    };
    Ok(Term { negated, test })
}

fn test(field: &str, value: &str) -> Result<Test, String> {
    if let Some((name, _)) = Name::ALL.iter().find(|(_, written)| *written == field) {
        return match value.is_empty() {
            true => Err(format!("{field}: needs a text behind the colon")),
            false => Ok(Test::Contains(*name, value.to_lowercase())),
        };
    }
    match Number::ALL.iter().find(|(_, written)| *written == field) {
        Some((number, _)) => compares(*number, field, value),
        None => Err(format!("no field \"{field}\": {}; quote a text with a colon", fields())),
    }
}

fn compares(number: Number, field: &str, value: &str) -> Result<Test, String> {
    if let (Number::Status, [digit @ b'1'..=b'9', b'x' | b'X', b'x' | b'X']) = (number, value.as_bytes()) {
        return Ok(Test::StatusClass(u64::from(digit - b'0')));
    }
    let found =
        Compare::ALL.iter().find_map(|(c, written)| value.strip_prefix(written).map(|rest| (*c, rest)));
    let (compare, rest) = found.unwrap_or((Compare::Equal, value));
    match unit::parse(number, rest) {
        Some(limit) => Ok(Test::Compares(number, compare, limit)),
        None => Err(format!("{field}: wants {}, with = > >= < or <= before it", unit::example(number))),
    }
}

/// The fields there are, for messages.
pub fn fields() -> String {
    let names = Name::ALL.iter().map(|(_, name)| *name);
    names.chain(Number::ALL.iter().map(|(_, name)| *name)).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { " " } else { "" }, if term.negated { "!" } else { "" })?;
            match &term.test {
                Test::Anywhere(text) => f.write_str(&lex::quoted(text))?,
                Test::Contains(name, text) => {
                    write!(f, "{}:{}", written(&Name::ALL, *name), lex::quoted(text))?;
                }
                Test::Compares(number, compare, limit) => {
                    let field = written(&Number::ALL, *number);
                    write!(
                        f,
                        "{field}:{}{}",
                        written(&Compare::ALL, *compare),
                        unit::print(*number, *limit)
                    )?;
                }
                Test::StatusClass(digit) => write!(f, "status:{digit}xx")?,
            }
        }
        Ok(())
    }
}

fn written<T: PartialEq + Copy>(all: &[(T, &'static str)], one: T) -> &'static str {
    all.iter().find(|(item, _)| *item == one).map_or("", |(_, name)| name)
}

/// Words that a line of text must contain, or with `!` must not: the filter of the log lines.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Words(Vec<(bool, String)>);

impl Words {
    /// Reads words; a colon is a character like any other.
    ///
    /// # Errors
    /// When a quote is not closed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole = |word: Word| {
            let field = word.field.map(|field| format!("{field}:")).unwrap_or_default();
            (word.negated, format!("{field}{}", word.value).to_lowercase())
        };
        Ok(Self(lex::words(text)?.into_iter().map(whole).collect()))
    }

    /// True when every text fits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when a text in lower case has all that it must, and nothing that it must not.
    pub fn fit(&self, text: &str) -> bool {
        self.0.iter().all(|(negated, word)| *negated != text.contains(word.as_str()))
    }
}
