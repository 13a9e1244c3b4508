//! What an answer cost: [`PriceTable`], from usage to [`Bill`].
//!
//! | part | is |
//! |---|---|
//! | [`tariff`] | prices as data: per model, from which day, up to which prompt size, seen where |
//! | `name` | the spellings under which one model is known |
//! | `table` | which row prices this model, on this day, for this prompt |
//! | `lines` | the amounts, line by line |
//!
//! The row is the first found of: the operator's price for the name, the operator's longest pattern (`claude-opus-*`),
//! the shipped price of the model, of the model this is a variant of, of its family; then the operator's default, if
//! there is one. Else there is no bill: a cost that nobody knows is never shown as zero.
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

mod lines;
mod name;
mod table;
pub mod tariff;

pub use self::lines::{Bill, CostLines};
pub use self::table::PriceTable;
pub use self::tariff::{Rates, Tariff};

#[cfg(test)]
mod tests;
