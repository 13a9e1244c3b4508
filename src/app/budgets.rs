//! Budgets: from what the store knows to what the fleet refuses.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::control::Control;
use crate::domain::budget::{Bounds, BudgetStatus, Overruns, Sums};
use crate::domain::civil::Clock;
use crate::domain::fleet::Input;
use crate::store::spending::spending;
use crate::store::{Store, StoreError};

/// What was spent before this start: what the store knows, else nothing. A store that cannot be read costs the budgets
/// their memory, not the program its start.
pub(super) async fn before(store: Option<Store>, clock: &Clock, now: Timestamp) -> Sums {
    let nothing = Sums::new(Bounds::at(clock, now));
    let Some(store) = store else { return nothing };
    let clock = clock.clone();
    let read = move || spending(&store.disk().begin_read()?, &clock, now);
    // The task ends early only when the runtime does.
    let known = tokio::task::spawn_blocking(read).await;
    known.unwrap_or(Err(StoreError::Closed)).unwrap_or_else(|error| {
        tracing::error!(target: "cc_forwarder::budget", "budgets start at zero: {error}");
        nothing
    })
}

/// The input that puts these limits into effect.
pub(super) fn input(statuses: &[BudgetStatus], clock: &Clock) -> Input {
    Input::Overspent(Overruns::of(statuses, clock))
}

/// Tells the fleet which limits are used up, whenever that changes.
pub(super) async fn follow(
    mut statuses: watch::Receiver<Arc<[BudgetStatus]>>,
    clock: Clock,
    control: Control,
    quit: CancellationToken,
) {
    loop {
        control.tell(input(&statuses.borrow_and_update(), &clock));
        tokio::select! {
            () = quit.cancelled() => break,
            changed = statuses.changed() => if changed.is_err() { break },
        }
    }
}
