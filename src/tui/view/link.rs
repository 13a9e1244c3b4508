//! How the way to a forwarder elsewhere is, on every screen: in the header, and over what is shown while it is lost.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::tui::format::{between, span};
use crate::tui::model::Model;
use crate::tui::source::LinkState;
use crate::tui::theme::Role;

/// From this many columns on there is room for the whole address, and for it without its scheme.
const WHOLE: u16 = 130;
const WITHOUT_SCHEME: u16 = 100;

/// `attached to http://host:8010 3 ms   `, or since when the connection is lost; nothing for a forwarder in this process.
pub(super) fn words(model: &Model, width: u16) -> Vec<Span<'static>> {
    let Some(link) = &model.link else { return Vec::new() };
    let (role, text) = match &link.state {
        LinkState::Up { latency } => {
            let latency = latency.map(took).unwrap_or_default();
            let readonly = if model.facts.readonly { " read-only" } else { "" };
            (Role::Header, format!("attached{readonly}{}{latency}", place(model, &link.address, width)))
        }
        LinkState::Lost { since, .. } => {
            let at = since.to_zoned(model.facts.zone.clone()).strftime("%H:%M:%S");
            let ago = span(between(*since, model.clock));
            (Role::Error, format!("connection lost {ago} ago, trying again   as of {at}"))
        }
    };
    let header = model.theme().style(Role::Header);
    vec![Span::styled(text, header.patch(model.theme().style(role))), Span::styled("   ", header)]
}

fn place(model: &Model, address: &str, width: u16) -> String {
    let address = model.public(address);
    match width {
        WHOLE.. => format!(" to {address}"),
        WITHOUT_SCHEME.. => format!(" to {}", address.trim_start_matches("http://")),
        _ => String::new(),
    }
}

fn took(latency: Duration) -> String {
    match latency.as_millis() {
        0 => " <1 ms".to_owned(),
        ms => format!(" {ms} ms"),
    }
}

/// What is shown is how it was: without the colours of what is.
pub(super) fn stale(model: &Model, frame: &mut Frame<'_>, body: Rect) {
    if model.lost().is_some() {
        frame.buffer_mut().set_style(body, model.theme().style(Role::Muted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Action;
    use crate::tui::model::Screen;
    use crate::tui::msg::{Effect, Msg};
    use crate::tui::source::Link;
    use crate::tui::testing::{ago, busy, drawn, model, press, tell};

    fn link(state: LinkState) -> Msg {
        Msg::Link(Link { address: "http://10.0.0.7:8010".to_owned(), state })
    }

    fn up(ms: u64) -> Msg {
        link(LinkState::Up { latency: Some(Duration::from_millis(ms)) })
    }

    fn lost() -> Msg {
        link(LinkState::Lost { since: ago(12), why: "connection refused".to_owned() })
    }

    fn header(model: &mut Model, width: u16) -> String {
        let buffer = drawn(model, width, 30).buffer().clone();
        (0..width).map(|column| buffer[(column, 0)].symbol().to_owned()).collect()
    }

    #[test]
    fn the_header_says_where_the_forwarder_is_as_far_as_there_is_room() {
        let mut model = model(busy());
        assert!(!header(&mut model, 150).contains("attached"), "it is in this process");
        tell(&mut model, up(3));
        assert!(
            header(&mut model, 150).starts_with(" cc-forwarder  attached to http://10.0.0.7:8010 3 ms   ")
        );
        assert!(header(&mut model, 110).contains("attached to 10.0.0.7:8010 3 ms   "));
        assert!(header(&mut model, 80).contains("  attached 3 ms   "), "{}", header(&mut model, 80));
        tell(&mut model, up(0));
        model.facts.readonly = true;
        assert!(header(&mut model, 80).contains("  attached read-only <1 ms   "));
        model.privacy = true;
        assert!(!header(&mut model, 150).contains("10.0.0.7"));
    }

    #[test]
    fn what_is_lost_grows_no_older_but_messages_go() {
        let mut model = model(busy());
        tell(&mut model, lost());
        assert_eq!(model.now, ago(12));
        let later = ago(0) + jiff::SignedDuration::from_secs(60);
        tell(&mut model, Msg::Tick(later));
        assert_eq!((model.now, model.toast.is_none()), (ago(12), true));
        let text = header(&mut model, 80);
        assert!(text.contains("connection lost 1m12s ago, trying again   as of 14:01:59"), "{text}");
        tell(&mut model, up(3));
        assert_eq!(model.now, later);
    }

    #[test]
    fn a_lost_connection_is_seen_and_orders_wait_until_it_is_back() {
        let mut model = model(busy());
        tell(&mut model, up(3));
        assert_eq!(model.why_not(Action::Quit), None);
        model.screen = Screen::Endpoints;
        assert_eq!(model.why_not(Action::Probe), None);
        tell(&mut model, lost());
        let text = header(&mut model, 80);
        assert!(text.contains("connection lost 12s ago, trying again   as of 14:01:59"), "{text}");
        assert_eq!(model.toast.as_ref().map(|toast| toast.text.as_str()), Some("connection refused"));
        let why = model.why_not(Action::Probe).unwrap();
        assert!(why.starts_with("the connection is lost (connection refused)"), "{why}");
        let muted = model.theme().style(Role::Muted).fg;
        assert_eq!(drawn(&mut model, 80, 24).buffer()[(3, 5)].style().fg, muted);
        tell(&mut model, up(3));
        assert_eq!(model.why_not(Action::Probe), None);
        assert_eq!(model.toast.as_ref().map(|toast| toast.text.as_str()), Some("connected again"));
    }

    #[test]
    fn leaving_an_attached_screen_stops_nothing_and_asks_nothing() {
        let mut model = model(busy());
        tell(&mut model, up(3));
        assert!(matches!(press(&mut model, &["q"])[..], [Effect::Quit]));
    }
}
