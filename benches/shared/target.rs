//! What a bench promises and what it reached, as the last table of its report.

/// One line of the last table.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    /// At least this, or at most.
    pub(crate) wanted: Wanted,
    pub(crate) unit: &'static str,
    /// Nothing where the system does not tell.
    pub(crate) reached: Option<f64>,
}

/// A bound.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// The line.
    pub(crate) fn print(&self) {
        let (sign, bound) = match self.wanted {
            Wanted::AtLeast(bound) => (">=", bound),
            Wanted::AtMost(bound) => ("<=", bound),
        };
        let verdict = match (self.reached, self.wanted) {
            (None, _) => "not measured",
            (Some(value), Wanted::AtLeast(bound)) if value >= bound => "ok",
            (Some(value), Wanted::AtMost(bound)) if value <= bound => "ok",
            _ => "MISSED",
        };
        let reached = self.reached.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
        say(&format!("  {:58}{sign} {bound:>5} {:8}{reached:>9}  {verdict}", self.what, self.unit));
    }
}

/// Prints a line of the report.
#[allow(clippy::print_stdout, reason = "the report is what a bench is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// The middle value; not a number for none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
