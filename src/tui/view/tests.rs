//! What holds for every screen, whatever it shows: privacy, terminals without unicode, and the look of the themes.

mod ascii;
mod header;
mod keys;
mod privacy;
mod small;
mod themes;

use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::msg::{Effect, Msg};
use crate::tui::source::{Answer, Ask};
use crate::tui::testing::usage::{answer_usage, config_refused};
use crate::tui::testing::{busy, drawn, fresh, model, tell};
use crate::tui::update::perform;

/// The screens with data on them, and the one of a forwarder that nobody has asked anything.
fn screens() -> Vec<(&'static str, Model)> {
    let mut all = vec![("fresh", model(fresh()))];
    all.extend(Screen::ALL.map(|screen| (screen.title(), opened(screen))));
    let mut detail = opened(Screen::Endpoints);
    perform(&mut detail, Action::Details);
    all.push(("endpoint's details", detail));
    let mut request = opened(Screen::Requests);
    perform(&mut request, Action::Open);
    all.push(("request's details", request));
    let mut help = opened(Screen::Endpoints);
    perform(&mut help, Action::Help);
    all.push(("help", help));
    let mut palette = opened(Screen::Config);
    perform(&mut palette, Action::Palette);
    all.push(("palette", palette));
    all
}

/// This screen with what its source says.
fn opened(screen: Screen) -> Model {
    let mut model = model(busy());
    perform(&mut model, Action::Go(screen));
    let effects = tell(&mut model, Msg::Snapshot);
    for effect in &effects {
        if matches!(effect, Effect::Ask(Ask::Config)) {
            tell(&mut model, Msg::Answer(Box::new(Answer::Config(Ok(config_refused())))));
        }
    }
    answer_usage(&mut model, effects);
    model
}

/// Its text at both sizes.
fn text(model: &mut Model) -> String {
    format!("{}{}", drawn(model, 80, 24), drawn(model, 120, 40))
}
