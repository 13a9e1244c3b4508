//! Brings to the stream of events what the hub knows nothing of: reloads, and log lines while somebody reads them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::reload::Last;
use crate::admin::config::{ReloadOutcome, ReloadView};
use crate::config::Config;
use crate::events::feed::{Fact, Feed};
use crate::logging::ring::Ring;

/// Tells how each reload ends, in the words of `GET /api/v1/config`.
pub(super) async fn reloads(
    mut last: watch::Receiver<Option<Arc<Last>>>,
    config: watch::Receiver<Arc<Config>>,
    feed: Feed,
    quit: CancellationToken,
) {
    while let Some(Ok(())) = quit.run_until_cancelled(last.changed()).await {
        let view = last.borrow_and_update().as_deref().map(ReloadView::from);
        let told = view.and_then(|view| written(&masked(view, &config.borrow())));
        told.into_iter().for_each(|text| feed.tell(Fact::Config(text)));
    }
}

/// What is wrong with a file may be told in its own words.
fn masked(mut view: ReloadView, config: &Config) -> ReloadView {
    if let ReloadOutcome::Refused { problems } = &mut view.outcome {
        problems.iter_mut().for_each(|problem| *problem = config.redactor.scrub(problem).into_owned());
    }
    view
}

/// Tells every log line that comes while somebody reads them.
pub(super) async fn lines(ring: Ring, feed: Feed, quit: CancellationToken) {
    let (mut readers, mut newest) = (feed.log_readers(), ring.newest());
    let follow = async {
        // The feed is held here: its sender does not go.
        while readers.wait_for(|readers| *readers > 0).await.is_ok() {
            let mut seen = *newest.borrow_and_update();
            while *readers.borrow() > 0 {
                tokio::select! {
                    _ = readers.changed() => {}
                    _ = newest.changed() => {
                        for line in ring.since(seen) {
                            seen = line.seq;
                            written(&*line).into_iter().for_each(|text| feed.tell(Fact::Log(text)));
                        }
                    }
                }
            }
        }
    };
    quit.run_until_cancelled(follow).await;
}

/// As JSON; what cannot be written so is left out.
fn written(value: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;
    use crate::events::board::Board;
    use crate::events::feed::Kind;
    use crate::events::pictures;
    use crate::logging::ring::Line;

    fn line(message: &str) -> Line {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let (target, message) = (String::new(), message.to_owned());
        Line { seq: 0, at, level: Level::Info, target, message, fields: Vec::new(), request: None }
    }

    #[tokio::test(start_paused = true)]
    async fn log_lines_are_told_from_the_moment_somebody_reads_them() {
        let fleet = crate::domain::fleet::Fleet::new(
            crate::domain::testing::settings(),
            &crate::domain::testing::specs(&[1]),
            tokio::time::Instant::now().into_std(),
        );
        let (now, at) = (tokio::time::Instant::now().into_std(), jiff::Timestamp::now());
        let first = Board::new(at).snapshot(&fleet.view(now), now, at);
        let (pictures, _maker) = pictures::channel(first);
        let (ring, quit) = (Ring::default(), CancellationToken::new());
        let told = lines(ring.clone(), pictures.feed().clone(), quit.clone());
        let read = async {
            ring.push(line("before"));
            let mut reader = pictures.read([Kind::Log].into_iter().collect(), None).unwrap();
            let pushed = async {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                ring.push(line("while"));
                std::future::pending::<()>().await;
            };
            let text = tokio::select! {
                text = reader.next() => text.unwrap(),
                () = pushed => unreachable!("it never ends"),
            };
            quit.cancel();
            String::from_utf8(text.to_vec()).unwrap()
        };
        let ((), text) = tokio::join!(told, read);
        assert!(text.contains("event: log\n") && text.contains("\"while\""), "{text}");
        assert!(!text.contains("before"), "{text}");
    }
}
