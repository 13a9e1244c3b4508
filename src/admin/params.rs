//! The parameters of a query string: each known name once, anything else is a 400 that names it.

use std::convert::Infallible;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::error::ApiError;

/// The parameters that came, checked off one by one.
#[derive(Clone, Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Params {
    /// Reads a query string.
    pub fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        Self { pairs, known: Vec::new() }
    }

    /// The text `name`. Given and empty counts as not given: forms send every field.
    ///
    /// # Errors
    /// When it was given more than once.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        Ok(self.word(name)?.filter(|value| !value.is_empty()))
    }

    /// The value of `name`, to be read as one of a few words. No word is empty.
    ///
    /// # Errors
    /// When it was given more than once.
    pub fn word(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        self.known.push(name);
        let mut given = self.pairs.iter().filter(|(key, _)| key == name);
        let value = given.next().map(|(_, value)| value.clone());
        match given.next() {
            None => Ok(value),
            Some(_) => Err(ApiError::bad_request(format!("`{name}` is given more than once"))),
        }
    }

    /// The value of `name`, read as a `T`.
    ///
    /// # Errors
    /// When it was given more than once, or is no `T`.
    pub fn parsed<T>(&mut self, name: &'static str) -> Result<Option<T>, ApiError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let read = |text: String| text.parse().map_err(|error| wrong(name, &text, error));
        self.word(name)?.map(read).transpose()
    }

    /// The number `name`.
    ///
    /// # Errors
    /// When it was given more than once, or is no number within these bounds.
    pub fn within(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<usize>,
    ) -> Result<Option<usize>, ApiError> {
        let (least, most) = (bounds.start(), bounds.end());
        match self.parsed::<usize>(name)? {
            Some(n) if !bounds.contains(&n) => {
                Err(wrong(name, &n.to_string(), format!("expected {least} to {most}")))
            }
            fine => Ok(fine),
        }
    }

    /// To be called when every known name was asked for.
    ///
    /// # Errors
    /// When something else was given.
    pub fn finish(self) -> Result<(), ApiError> {
        let unknown: Vec<String> = self
            .pairs
            .iter()
            .filter(|(key, _)| !self.known.contains(&key.as_str()))
            .map(|(key, _)| format!("`{key}`"))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let error = ApiError::bad_request(format!("unknown parameter {}", unknown.join(", ")));
        Err(match self.known.is_empty() {
            true => error.hint("this route takes none"),
            false => error.hint(format!("this route takes {}", self.known.join(", "))),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query()))
    }
}

/// For routes that take no parameters: refuses every one.
pub(super) struct NoParams;

impl<S: Sync> FromRequestParts<S> for NoParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Params::of(parts.uri.query()).finish().map(|()| Self)
    }
}

/// `name` holds something that is not what it should be.
pub fn wrong(name: &str, value: &str, why: impl fmt::Display) -> ApiError {
    ApiError::bad_request(format!("`{name}` is {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_read_and_others_named() {
        let mut params = Params::of(Some("a=1&b=x%20y&empty=&odd=1&odder"));
        assert_eq!(params.parsed::<u32>("a"), Ok(Some(1)));
        assert_eq!(params.text("b"), Ok(Some("x y".to_owned())));
        assert_eq!((params.text("empty"), params.parsed::<u32>("empty").is_err()), (Ok(None), true));
        assert_eq!(params.text("absent"), Ok(None));
        let error = params.finish().unwrap_err();
        assert_eq!(error.message, "unknown parameter `odd`, `odder`");
        assert_eq!(error.hint.as_deref(), Some("this route takes a, b, empty, empty, absent"));
        assert_eq!(Params::of(None).finish(), Ok(()));
    }

    #[test]
    fn a_value_that_is_none_or_two_is_refused() {
        let mut params = Params::of(Some("n=x&n2=1&n2=2"));
        assert!(params.parsed::<u32>("n").unwrap_err().message.starts_with("`n` is \"x\": "));
        assert_eq!(params.text("n2").unwrap_err().message, "`n2` is given more than once");
    }
}
