//! One request as exports have it: an object with the columns of [`crate::store::export::columns`], typed, and its `attempts`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::AttemptView;
use crate::store::export::columns::{COLUMNS, Facts, Value};
use crate::store::key::instant;
use crate::store::row::Row;

/// A request. Its JSON is for writing as text.
pub struct RowView<'a>(Facts<'a>);

impl<'a> RowView<'a> {
    /// The view of a row.
    pub fn of(row: &'a Row) -> Self {
        Self(Facts::of(row))
    }
}

impl Serialize for RowView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(COLUMNS.len() + 1))?;
        for column in &COLUMNS {
            object.serialize_entry(column.name, &(column.of)(&self.0))?;
        }
        object.serialize_entry("attempts", &Attempts(self.0.row))?;
        object.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Id(id) => id.serialize(serializer),
            Self::Address(address) => serializer.collect_str(address),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Length(us) => serializer.serialize_f64(ms(*us)),
            Self::Instant(us) => serializer.collect_str(&format_args!("{:.6}", instant(*us))),
            Self::Usd(amount) => amount.serialize(serializer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

struct Attempts<'a>(&'a Row);

impl Serialize for Attempts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq((1..).zip(&self.0.attempts).map(|(number, a)| AttemptView::of(number, a, self.0)))
    }
}

pub(super) fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}
