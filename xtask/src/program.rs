//! Another program: what it is called with, and whether it succeeded.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};

/// A program about to be run. Its Display is the command line, as one would type it.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    /// What to call it in messages; `cargo` rather than the path it lives at.
    name: String,
}

impl Program {
    pub(crate) fn new(name: &str) -> Self {
        Self { command: Command::new(name), name: name.to_owned() }
    }

    /// The cargo that runs us, so that a toolchain chosen with `+name` stays chosen.
    pub(crate) fn cargo() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        Self { command: Command::new(cargo), name: "cargo".to_owned() }
    }

    pub(crate) fn args<A: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.command.args(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Hides a variable of our own environment from it.
    pub(crate) fn without_env(mut self, name: &OsStr) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn directory(mut self, directory: PathBuf) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs it with our own input and output.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("$ {self}");
        let status = self.command.status().with_context(|| format!("could not start `{self}`"))?;
        if !status.success() {
            bail!("`{self}` failed ({status})");
        }
        Ok(())
    }

    /// Runs it with an output that is not a terminal, even if ours is, and copies the output to ours.
    pub(crate) fn run_without_terminal(mut self) -> Result<()> {
        println!("$ {self}");
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start `{self}`"))?;
        let mut output = child.stdout.take().expect("standard output was asked to be a pipe");
        io::copy(&mut output, &mut io::stdout().lock())?;
        let status = child.wait()?;
        if !status.success() {
            bail!("`{self}` failed ({status})");
        }
        Ok(())
    }

    /// Runs it silently and says whether it is there and succeeded.
    pub(crate) fn succeeds(mut self) -> bool {
        let status = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        status.status().is_ok_and(|status| status.success())
    }

    /// Runs it silently and returns its exit code; nothing if a signal has ended it.
    pub(crate) fn exit_code(mut self) -> Result<Option<i32>> {
        let silent = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = silent.status().with_context(|| format!("could not start `{self}`"))?;
        Ok(status.code())
    }

    /// Runs it and returns what it prints, whether or not it succeeds, with its success.
    pub(crate) fn output(mut self) -> Result<(String, bool)> {
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("could not start `{self}`"))?;
        let text = String::from_utf8(output.stdout)
            .map_err(|_| anyhow!("`{self}` printed something that is not UTF-8"))?;
        Ok((text, output.status.success()))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.command.get_envs() {
            let Some(value) = value else { continue };
            write!(f, "{}={} ", name.to_string_lossy(), value.to_string_lossy())?;
        }
        f.write_str(&self.name)?;
        self.command
            .get_args()
            .try_for_each(|argument| write!(f, " {}", argument.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_one_would_type_it() {
        let program = Program::cargo().args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings");
        assert_eq!(program.to_string(), "RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps");
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_that_names_it() {
        let error = Program::new("no-such-program-anywhere").run().expect_err("it does not exist");
        assert!(error.to_string().contains("no-such-program-anywhere"), "{error}");
    }
}
