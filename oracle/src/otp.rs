//! What the Erlang side is made of: our drivers, and OTP modules taken from this machine with a few words replaced.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail, ensure};

/// OTP's modules that need a clock or a name of ours: the module, what it is called here, and the words replaced, each
/// of which must be there.
const REPLACED: [Replaced; 5] = [
    Replaced {
        module: "supervisor",
        renamed: "oracle_otp_supervisor",
        words: &[
            ("-module(supervisor).", "-module(oracle_otp_supervisor)."),
            ("gen_server:start_link(supervisor,", "gen_server:start_link(oracle_otp_supervisor,"),
            ("SupName, supervisor, {", "SupName, oracle_otp_supervisor, {"),
            ("erlang:monotonic_time(1)", "oracle_clock:seconds()"),
        ],
    },
    Replaced {
        module: "gen",
        renamed: "oracle_otp_gen",
        words: &[
            ("-module(gen).", "-module(oracle_otp_gen)."),
            // A call's time is over when the driver says so.
            (
                "exit(Reason)\n    after Timeout ->",
                "exit(Reason);\n        oracle_elapsed when Timeout =/= infinity ->",
            ),
            ("proc_lib:start", "oracle_otp_proc_lib:start"),
            ("proc_lib:stop(", "oracle_otp_proc_lib:stop("),
        ],
    },
    Replaced {
        module: "proc_lib",
        renamed: "oracle_otp_proc_lib",
        words: &[
            ("-module(proc_lib).", "-module(oracle_otp_proc_lib)."),
            // So is that of a start, and that of a stop.
            (
                "{error, Reason}\n    after Timeout ->",
                "{error, Reason};\n        oracle_elapsed when Timeout =/= infinity ->",
            ),
            (
                "exit(Reason2)\n    after RemainingTimeout ->",
                "exit(Reason2);\n        oracle_elapsed when RemainingTimeout =/= infinity ->",
            ),
            ("sys:terminate(", "oracle_otp_sys:terminate("),
        ],
    },
    Replaced {
        module: "sys",
        renamed: "oracle_otp_sys",
        words: &[
            ("-module(sys).", "-module(oracle_otp_sys)."),
            ("gen:call(", "oracle_otp_gen:call("),
        ],
    },
    Replaced {
        module: "gen_server",
        renamed: "oracle_otp_gen_server",
        words: &[
            ("-module(gen_server).", "-module(oracle_otp_gen_server)."),
            ("gen:call(", "oracle_otp_gen:call("),
            ("gen:start(", "oracle_otp_gen:start("),
            ("gen:stop(", "oracle_otp_gen:stop("),
            // The driver is told how long the server waits, and sends what the timer would have made of it.
            (
                "after Time ->\n\t\t  timeout",
                "after oracle_server:patience(Time) ->\n\t\t  timeout",
            ),
        ],
    },
];

struct Replaced {
    module: &'static str,
    renamed: &'static str,
    words: &'static [(&'static str, &'static str)],
}

/// A folder with everything compiled, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) folder: PathBuf,
}

impl Build {
    /// Compiles our drivers and what they need of OTP.
    pub(crate) fn prepare() -> Result<Self> {
        let folder = target().join(format!("oracle/{}", process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("could not create {folder:?}"))?;
        let build = Self { folder };
        for replaced in &REPLACED {
            build.rewrite(replaced)?;
        }
        let drivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("erlang");
        for entry in
            fs::read_dir(&drivers).with_context(|| format!("could not list {drivers:?}"))?
        {
            let entry = entry?;
            let copy = build.folder.join(entry.file_name());
            fs::copy(entry.path(), &copy).with_context(|| format!("could not write {copy:?}"))?;
        }
        build.compile()?;
        Ok(build)
    }

    /// Takes a module of OTP's and replaces what has to be.
    fn rewrite(&self, replaced: &Replaced) -> Result<()> {
        let original = source_of(replaced.module)?;
        let bytes = fs::read(&original).with_context(|| format!("could not read {original:?}"))?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for (word, other) in replaced.words {
            ensure!(text.contains(word), "{original:?} does not contain {word:?}");
            text = text.replace(word, other);
        }
        let path = self.folder.join(format!("{}.erl", replaced.renamed));
        fs::write(&path, text).with_context(|| format!("could not write {path:?}"))
    }

    /// From within the folder, for erlc mistakes some paths for options.
    fn compile(&self) -> Result<()> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            sources.push(entry?.file_name());
        }
        let include = erlang_library("kernel")?.join("include");
        let mut erlc = Command::new("erlc");
        erlc.current_dir(&self.folder).arg("-I").arg(include).args(sources);
        let output = erlc.output().context("could not start erlc: install erlang-base")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            bail!("erlc failed:\n{text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        let _only_rubbish_is_left = fs::remove_dir_all(&self.folder);
    }
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// The source of a module of `stdlib`.
fn source_of(module: &str) -> Result<PathBuf> {
    let path = erlang_library("stdlib")?.join(format!("src/{module}.erl"));
    ensure!(path.is_file(), "{path:?} is missing: install erlang-src");
    Ok(path)
}

/// The folder of an application of the Erlang on this machine. Asked once, for it takes a while to ask.
fn erlang_library(application: &str) -> Result<PathBuf> {
    static LIBRARIES: OnceLock<Vec<String>> = OnceLock::new();
    let libraries = match LIBRARIES.get() {
        Some(libraries) => libraries,
        None => {
            let all = libraries()?;
            LIBRARIES.get_or_init(|| all)
        }
    };
    let version = format!("/{application}-");
    let folder = libraries.iter().find(|folder| folder.contains(&version));
    folder.map(PathBuf::from).with_context(|| format!("erl knows no {application}"))
}

fn libraries() -> Result<Vec<String>> {
    let expression = "[io:format(\"~ts~n\", [code:lib_dir(A)]) || A <- [kernel, stdlib]], halt().";
    let output = Command::new("erl")
        .args(["-noinput", "-boot", "no_dot_erlang", "-eval", expression])
        .output()
        .context("could not start erl: install erlang-base")?;
    ensure!(output.status.success(), "erl could not say where its libraries are");
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}
