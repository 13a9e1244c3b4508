use jiff::tz::TimeZone;

use super::*;
use crate::store::testing::{batch, database, row};
