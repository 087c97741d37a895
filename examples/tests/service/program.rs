//! The service, as a program of its own.

use std::process::{Command as Kill, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// A running service; killed when dropped.
pub(crate) struct Program {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    complaints: ChildStderr,
}

/// How it ended.
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// What it said last on standard output.
    pub(crate) said: Vec<String>,
    /// What it said on standard error.
    pub(crate) complaint: String,
}

impl Program {
    /// Starts it with these arguments, and on a free port unless they say where.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let anywhere = ["--listen", "127.0.0.1:0"];
        let address = if arguments.contains(&"--listen") { &[] } else { &anywhere[..] };
        let mut child = Command::new(env!("CARGO_BIN_EXE_service"))
            .args(address)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the service starts");
        let stdout = child.stdout.take().expect("it is piped");
        let complaints = child.stderr.take().expect("it is piped");
        Self { child, said: BufReader::new(stdout).lines(), complaints }
    }

    /// Waits until it listens, and tells where.
    pub(crate) async fn port(&mut self) -> u16 {
        let line = soon(self.said.next_line()).await.expect("it can be read").expect("a line");
        let port = line.strip_prefix("listening on 127.0.0.1:").and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("no address in {line:?}"))
    }

    /// Sends a real signal: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Kill::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Whether it catches a signal by now, as Linux tells.
    pub(crate) async fn catches(&self, number: u32) {
        let path = format!("/proc/{}/status", self.child.id().expect("it runs"));
        let catches = || {
            let status = std::fs::read_to_string(&path).expect("Linux tells");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = u64::from_str_radix(caught.expect("it is there").trim(), 16);
            mask.expect("a number") & (1 << (number - 1)) != 0
        };
        soon(async {
            while !catches() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until it has ended.
    pub(crate) async fn end(mut self) -> End {
        let mut said = Vec::new();
        let mut complaint = String::new();
        let read = async {
            while let Some(line) = self.said.next_line().await.expect("it can be read") {
                said.push(line);
            }
        };
        let complaints = self.complaints.read_to_string(&mut complaint);
        let ((), read, status) =
            soon(async { tokio::join!(read, complaints, self.child.wait()) }).await;
        read.expect("it can be read");
        End { status: status.expect("it ends"), said, complaint }
    }
}

impl End {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("no hang")
}
