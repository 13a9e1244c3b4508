//! A program in a pty, and the screen it makes.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use vt100::{MouseProtocolMode, Parser, Screen};

use crate::support::PATIENCE;

/// Set for every program that has a terminal of its own.
pub const OWN_TERMINAL: &str = "CC_FORWARDER_TEST_TERMINAL";

/// `ICANON` and `ECHO` of Linux.
#[cfg(target_os = "linux")]
const LINES_AND_ECHO: u32 = 0o2 | 0o10;

/// Begins a frame: a synchronized update.
const FRAME: &[u8] = b"\x1b[?2026h";

/// A directory with a configuration, and nothing else in the world.
pub struct World {
    dir: TempDir,
}

impl World {
    /// One endpoint that nobody answers at.
    pub fn new(more: &str) -> Self {
        Self::with_endpoint(more, "http://127.0.0.1:1")
    }

    /// One endpoint at this address; `more` is configuration beside it.
    pub fn with_endpoint(more: &str, url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Self { dir };
        world.file(
            "config.yaml",
            &format!(
                "server: {{ port: 0, shutdown_grace: 5s }}\nweb: {{ enabled: false }}\nusage_tracking: {{ enabled: false }}\n\
                 health: {{ check_interval: 1h }}\n{more}\nendpoints:\n  - {{ name: a, url: \"{url}\", token: tok-a }}\n"
            ),
        );
        world
    }

    /// Writes a file.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// What a file says.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// The forwarder in a terminal of 80x24.
    pub fn open(&self, args: &[&str]) -> Session {
        self.open_with(&[&["--config", "config.yaml"], args].concat())
    }

    /// The program with these arguments in a terminal of 80x24.
    pub fn open_with(&self, args: &[&str]) -> Session {
        self.open_program(Path::new(env!("CARGO_BIN_EXE_cc-forwarder")), args)
    }

    /// The program in a terminal of 80x24, its output on another one.
    #[cfg(target_os = "linux")]
    pub fn open_elsewhere(&self, output: &Path, args: &[&str]) -> Session {
        let script = r#"output=$1; shift; exec "$@" > "$output""#;
        let program = env!("CARGO_BIN_EXE_cc-forwarder");
        let words = ["-c", script, "sh", output.to_str().unwrap(), program];
        self.open_program(Path::new("sh"), &[&words, args].concat())
    }

    /// A test of this file in a terminal of its own.
    pub fn open_this_test(&self, name: &str) -> Session {
        let program = std::env::current_exe().unwrap();
        self.open_program(&program, &["--exact", "--nocapture", name])
    }

    fn open_program(&self, program: &Path, args: &[&str]) -> Session {
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(self.dir.path());
        command.env(OWN_TERMINAL, "1");
        for name in ["HOME", "XDG_CONFIG_HOME"] {
            command.env(name, self.dir.path());
        }
        for name in ["NO_COLOR", "COLORTERM", "LC_ALL", "CC_FORWARDER_CONFIG"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        // An editor that changes nothing.
        command.env("VISUAL", "true");
        Session::start(command)
    }

    /// Exit code and standard error without any terminal.
    pub fn without_terminal(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cc-forwarder"));
        command.args(args).args(["--config", "config.yaml"]).current_dir(self.dir.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

struct Seen {
    parser: Parser,
    frames: usize,
    /// The end of what was read, where a frame may begin.
    tail: Vec<u8>,
    paused: bool,
    /// Nobody is to read any more.
    closed: bool,
    ended: bool,
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.tail.extend_from_slice(bytes);
        self.frames += self.tail.windows(FRAME.len()).filter(|window| *window == FRAME).count();
        let keep = self.tail.len().saturating_sub(FRAME.len() - 1);
        self.tail.drain(..keep);
    }
}

/// A running program; killed if a test fails.
pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.lock().paused = false;
        self.seen.1.notify_all();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Session {
    fn start(command: CommandBuilder) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let reader = pair.master.try_clone_reader().unwrap();
        let keys = Some(pair.master.take_writer().unwrap());
        let (rows, columns) = (cells(24), cells(80));
        let seen = Seen {
            parser: Parser::new(rows, columns, 0),
            frames: 0,
            tail: Vec::new(),
            paused: false,
            closed: false,
            ended: false,
        };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        let reader = Some(std::thread::spawn(move || read(reader, &shared)));
        Self { child, master: Some(pair.master), keys, seen, reader }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the forwarder listens, as the first-run card says.
    pub fn address(&self) -> SocketAddr {
        let text = self.text();
        let (_, url) = text.split_once("ANTHROPIC_BASE_URL=http://").expect("the first-run card");
        url.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Presses keys.
    pub fn types(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// What is on screen.
    pub fn text(&self) -> String {
        self.lock().parser.screen().contents()
    }

    /// Frames drawn so far.
    pub fn frames(&self) -> usize {
        self.lock().frames
    }

    /// Waits until the screen is like this.
    pub fn until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let (seen, news) = &*self.seen;
        let wait = |seen: &mut Seen| !holds(seen.parser.screen()) && !seen.ended;
        let (seen, _) = news.wait_timeout_while(seen.lock().unwrap(), PATIENCE, wait).unwrap();
        assert!(holds(seen.parser.screen()), "{what} on\n{}", seen.parser.screen().contents());
    }

    /// Waits for a text.
    pub fn until_text(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until this tab is the one in front, which is written in bold.
    pub fn until_tab(&self, title: &str) {
        self.until(title, |screen| {
            let line = screen.contents().lines().nth(1).unwrap_or_default().to_owned();
            let Some(column) = line.find(title) else { return false };
            screen.cell(1, u16::try_from(column).unwrap()).is_some_and(vt100::Cell::bold)
        });
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.lock().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// From now on nobody reads what the program writes.
    pub fn stop_reading(&self) {
        self.lock().paused = true;
    }

    /// Closes the terminal, whose last reader we are: the system tells the program.
    pub fn hang_up(&mut self) {
        self.lock().closed = true;
        // The reader notices when there is something to read.
        self.types("\x0c");
        self.reader.take().unwrap().join().unwrap();
        (self.keys, self.master) = (None, None);
    }

    /// Wakes the program and its group, as a shell does for `fg`.
    #[cfg(target_os = "linux")]
    pub fn wake(&self) {
        let group = format!("-{}", self.child.process_id().unwrap());
        assert!(Command::new("kill").args(["-s", "CONT", "--", &group]).status().unwrap().success());
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits until the program has been put to sleep.
    #[cfg(target_os = "linux")]
    pub fn until_stopped(&self) {
        let stat = format!("/proc/{}/stat", self.child.process_id().unwrap());
        wait(|| {
            let text = std::fs::read_to_string(&stat).unwrap();
            text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')).then_some(())
        });
    }

    /// Waits for the end; the exit code.
    pub fn code(&mut self) -> Option<i32> {
        let status = wait(|| self.child.try_wait().unwrap());
        let (seen, news) = &*self.seen;
        let paused = seen.lock().unwrap().paused;
        if !paused {
            // What it wrote last is still on its way.
            drop(news.wait_timeout_while(seen.lock().unwrap(), PATIENCE, |seen| !seen.ended).unwrap());
        }
        i32::try_from(status.exit_code()).ok()
    }

    /// Waits until a screen has taken the terminal: no lines, no echo.
    #[cfg(target_os = "linux")]
    pub fn until_raw(&self) {
        wait(|| (self.line_flags() == Some(0)).then_some(()));
    }

    /// What of reading lines and echo is on, as bits. POSIX names them; their values are Linux's.
    #[cfg(target_os = "linux")]
    fn line_flags(&self) -> Option<u32> {
        let flags = self.master.as_ref()?.get_termios()?.local_flags.bits();
        Some(flags & LINES_AND_ECHO)
    }

    /// The terminal is as it was: main screen, cursor, no mouse, no bracketed paste, lines and echo.
    pub fn assert_restored(&self) {
        self.until("the main screen", |screen| !screen.alternate_screen());
        let seen = self.lock();
        let screen = seen.parser.screen();
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        assert!(!screen.bracketed_paste());
        #[cfg(target_os = "linux")]
        assert_eq!(self.line_flags(), Some(LINES_AND_ECHO));
    }
}

fn read(mut reader: Box<dyn Read + Send>, shared: &(Mutex<Seen>, Condvar)) {
    let (seen, news) = shared;
    let mut buffer = [0; 8192];
    loop {
        drop(news.wait_while(seen.lock().unwrap(), |seen| seen.paused).unwrap());
        let read = reader.read(&mut buffer).unwrap_or(0);
        let mut seen = seen.lock().unwrap();
        match buffer.get(..read) {
            Some(bytes) if read > 0 => seen.take(bytes),
            _ => seen.ended = true,
        }
        seen.ended |= seen.closed;
        news.notify_all();
        if seen.ended {
            return;
        }
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

/// Asks until there is an answer.
fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}
