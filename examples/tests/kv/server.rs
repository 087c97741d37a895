//! The real server, as a program of its own, and the real clients.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::client::Client;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a server on a free port and waits until it listens.
    pub(crate) fn start(shards: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv_server"))
            .args(["--port", "0", "--shards", &shards.to_string()])
            .stdout(Stdio::piped())
            // Each crash of a shard is told there.
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it listens");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no address in {line:?}")) }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    /// What `redis-cli` prints for a command, in the form for people.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let output = Command::new(program("redis-cli"))
            .args(["-p", &self.port.to_string(), "--no-raw"])
            .args(words)
            .output()
            .expect("redis-cli runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// `redis-benchmark` against this server, not started yet.
    pub(crate) fn benchmark(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program("redis-benchmark"));
        command.args(["-p", &self.port.to_string(), "-q"]).kill_on_drop(true);
        command
    }

    /// The memory the server holds now.
    pub(crate) fn memory_mb(&self) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux tells");
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
        let kb: usize = line.trim().trim_end_matches(" kB").parse().expect("is a number");
        kb / 1024
    }

    /// Asks the server to end, and waits until it has.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// One of Redis' programs, which must be installed.
fn program(name: &'static str) -> &'static str {
    let found = Command::new(name).arg("--version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "`{name}` is missing; install it with `apt-get install -y redis-tools`"
    );
    name
}
