//! Prices follow the configuration.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, pricing};
use crate::domain::pricebook::PriceBook;

/// The prices of a configuration.
pub(super) fn of(config: &Config) -> PriceBook {
    PriceBook::new(pricing::table(&config.usage), config.endpoints.iter().map(AsRef::as_ref))
}

/// Publishes the prices of every configuration that takes effect.
pub(super) async fn follow(
    mut config: watch::Receiver<Arc<Config>>,
    prices: watch::Sender<Arc<PriceBook>>,
    quit: CancellationToken,
) {
    loop {
        tokio::select! {
            () = quit.cancelled() => break,
            changed = config.changed() => if changed.is_err() { break },
        }
        let book = of(&config.borrow_and_update());
        prices.send_replace(Arc::new(book));
    }
}
