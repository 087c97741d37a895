//! An Erlang of our own that runs drivers: histories in, traces out, many in one frame.

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::etf;
use crate::otp::Build;
use crate::term::{Term, atom, list, tuple};

/// A running Erlang. Ends when this is dropped, for its input does.
#[derive(Debug)]
pub(crate) struct Port {
    process: Child,
    input: Option<BufWriter<ChildStdin>>,
    output: BufReader<ChildStdout>,
}

impl Port {
    /// Starts an Erlang that knows the drivers of this build.
    pub(crate) fn start(build: &Build) -> Result<Self> {
        let mut process = Command::new("erl")
            .args(["-noinput", "-boot", "no_dot_erlang", "+S", "1:1", "+SDio", "1", "+A", "1"])
            // Nobody reads reports, and standard output belongs to the frames.
            .args(["-kernel", "logger_level", "none"])
            .arg("-pa")
            .arg(&build.folder)
            .args(["-s", "oracle_port"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start erl: install erlang-base")?;
        let input = process.stdin.take().map(BufWriter::new);
        let output = process.stdout.take().expect("standard output was asked to be a pipe");
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Sends histories to a driver. What is sent is answered in order, each time by one [frame](Self::receive).
    pub(crate) fn send(&mut self, driver: &'static str, histories: Vec<Term>) -> Result<()> {
        let bytes = etf::encode(&tuple([atom(driver), list(histories)]));
        let length = u32::try_from(bytes.len()).context("too many histories for one frame")?;
        let input = self.input.as_mut().expect("the input is open as long as this lives");
        input.write_all(&length.to_be_bytes()).context("erl does not listen")?;
        input.write_all(&bytes).context("erl does not listen")?;
        input.flush().context("erl does not listen")
    }

    /// The traces of the histories of the oldest frame that is not answered.
    pub(crate) fn receive(&mut self) -> Result<Vec<Term>> {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).context("erl has ended")?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.output.read_exact(&mut bytes).context("erl has ended")?;
        Ok(etf::decode(&bytes)?.as_list()?.to_vec())
    }

    /// The trace of one history.
    pub(crate) fn ask(&mut self, driver: &'static str, history: Term) -> Result<Term> {
        self.send(driver, vec![history])?;
        let mut traces = self.receive()?;
        ensure!(traces.len() == 1, "one trace was expected, not {}", traces.len());
        Ok(traces.remove(0))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        drop(self.input.take());
        let _it_has_ended = self.process.wait();
    }
}
