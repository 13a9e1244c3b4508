//! What an answer cost: [`PriceTable`], from usage to [`Bill`].
//!
//! | part | is |
//! |---|---|
//! | [`tariff`] | prices as data: per model, from which day, up to which prompt size, seen where |
//! | `name` | the spellings under which one model is known |
//! | `layer` | which of several entries a name means |
//! | `lines` | the amounts, line by line |
//! | `table` | all of it together |
//!
//! The price is the first found of: the operator's for the model, for the model this is a variant of, for its family
//! (`claude-opus-*`); the shipped ones in the same order; the operator's default, if there is one. Else there is no
//! bill: a cost that nobody knows is never shown as zero. Of a model's rows that of the day and the prompt size counts.
//!
//! What the answer says about its price, and what it does to the lines:
//!
//! | in the usage | effect |
//! |---|---|
//! | prompt size (uncached + read + written) | the whole answer is priced by the tier it falls into |
//! | `service_tier: batch` | input, output and cache lines at the batch factor: cache prices are multiples of the input price and follow it; tool calls cost the same |
//! | `inference_geo: us` | all token lines at the regional factor, for models that have one; tool calls cost the same |
//! | any other tier or region | none |
//! | web searches | per call; fetches cost nothing |
//! | code executions | none: they are billed by container time, which no answer states, and are free beside web tools |
//!
//! The endpoint's own factor applies to every line. All factors of a line are multiplied exactly and the line is
//! rounded once, half to even. Not seen in an answer, and so not priced: fast mode, regional surcharges of other
//! clouds, refunds after a refusal. The operator's prices and the endpoint's factor are the way to say such things.

mod layer;
mod lines;
mod name;
mod table;
pub mod tariff;

pub use self::lines::{Bill, CostLines};
pub use self::table::PriceTable;
pub use self::tariff::{Rates, Tariff};

#[cfg(test)]
mod tests;
