//! An endpoint whose answers the test lets out one by one, and which sees whether it is run over.
//!
//! A request counts as answered before the first byte of its answer is written: whatever the forwarder makes of that
//! answer comes later, so the count is never too small.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::PATIENCE;

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#;
const ERROR: &str = r#"{"type":"error","error":{"type":"api_error","message":"down"}}"#;

/// The endpoint; it goes with its last owner.
pub(crate) struct Gate {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

struct Seen {
    count: Mutex<Count>,
    /// Answers that may go out.
    answers: Semaphore,
}

/// What came since it is up.
#[derive(Default)]
pub(crate) struct Count {
    up: bool,
    /// The marks of the requests, in the order they came.
    pub(crate) came: Vec<String>,
    pub(crate) answered: usize,
    /// The largest number that was on its way without an answer.
    pub(crate) most: usize,
    /// Requests that came although the step before was not through.
    pub(crate) too_early: usize,
}

impl Count {
    fn take(&mut self, mark: String) {
        self.came.push(mark);
        self.most = self.most.max(self.came.len() - self.answered);
        // The step of 2^k opens when the 2^k - 1 before it have been answered, and ends 2^(k+1) - 1.
        let step = (self.answered + 1).next_power_of_two();
        let step = if step > self.answered + 1 { step / 2 } else { step };
        self.too_early += usize::from(self.came.len() > 2 * step - 1);
    }
}

impl Gate {
    /// It answers with 503 until [`Gate::come_up`].
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen { count: Mutex::default(), answers: Semaphore::new(0) });
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn come_up(&self) {
        self.count().up = true;
    }

    pub(crate) fn answer(&self, requests: usize) {
        self.seen.answers.add_permits(requests);
    }

    pub(crate) fn count(&self) -> MutexGuard<'_, Count> {
        self.seen.count.lock().unwrap()
    }

    /// Waits until this many have come.
    pub(crate) async fn came(&self, requests: usize) {
        let reached = async {
            while self.count().came.len() < requests {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let found = || format!("{} came, not {requests}", self.count().came.len());
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{}", found()));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut mark, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut line).await.ok()?;
    let is_message = line.starts_with("POST /v1/messages ");
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        match line.trim_end().split_once(": ") {
            Some(("x-mark", value)) => mark = value.to_owned(),
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    let answer = if is_message { message(&seen, mark).await } else { (200, "{}") };
    let (status, body) = answer;
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

async fn message(seen: &Seen, mark: String) -> (u16, &'static str) {
    {
        let mut count = seen.count.lock().unwrap();
        if !count.up {
            return (503, ERROR);
        }
        count.take(mark);
    }
    seen.answers.acquire().await.unwrap().forget();
    seen.count.lock().unwrap().answered += 1;
    (200, ANSWER)
}
