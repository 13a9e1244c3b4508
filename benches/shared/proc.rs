//! What the system says about a process.

use std::time::Duration;

/// `/proc/<pid>/stat` counts CPU time in this unit on every Linux there is (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// CPU time a process has used so far, all threads together, to 10 ms; nothing where there is no `/proc`.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything; user and system time are 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u32>().ok());
    Some(TICK * (ticks.next()? + ticks.next()?))
}
