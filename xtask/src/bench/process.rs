//! What a whole process costs: time, processor time, peak memory, instructions. Shared by the benches of programs.
//!
//! The kernel keeps the peak of all children that a process has waited for, so each measurement is made by a process of
//! its own: this program, started again as `xtask measure`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Outcome;

/// A command to be measured; its standard output goes to a file, or nowhere.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    pub folder: PathBuf,
    pub output: Option<PathBuf>,
}

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    pub seconds: f64,
    pub processor_seconds: f64,
    pub peak_mib: f64,
}

impl Cost {
    /// The lesser of two, figure by figure: noise only adds.
    pub fn least(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            processor_seconds: self.processor_seconds.min(other.processor_seconds),
            peak_mib: self.peak_mib.min(other.peak_mib),
        }
    }
}

impl Program {
    pub fn new(path: &Path, arguments: &[&str], folder: &Path) -> Self {
        Self {
            path: path.to_owned(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            folder: folder.to_owned(),
            output: None,
        }
    }

    pub fn into_file(mut self, file: &Path) -> Self {
        self.output = Some(file.to_owned());
        self
    }

    /// Runs it once, to success.
    pub fn measure(&self) -> Result<Cost, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let null = PathBuf::from("/dev/null");
        let mut command = Command::new(own);
        command.arg("measure").arg(self.output.as_ref().unwrap_or(&null)).arg(&self.path);
        let line = crate::program::output(command.args(&self.arguments).current_dir(&self.folder))?;
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [seconds, processor_seconds, peak_mib] = numbers[..] else {
            return Err(format!("{line:?} is no measurement"));
        };
        Ok(Cost { seconds, processor_seconds, peak_mib })
    }

    /// Instructions of one run, as valgrind counts them; none where it is not installed.
    pub fn instructions(&self) -> Option<u64> {
        let got = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&self.path)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&got.stderr).into_owned();
        text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
    }
}

/// Several programs in turn, `times` times: the least of each, so that what else the machine does weighs on all alike.
pub fn side_by_side(programs: &[&Program], times: usize) -> Result<Vec<Cost>, String> {
    let mut costs: Vec<Option<Cost>> = vec![None; programs.len()];
    for _ in 0..times {
        for (program, cost) in programs.iter().zip(&mut costs) {
            let now = program.measure()?;
            *cost = Some(cost.map_or(now, |known| known.least(now)));
        }
    }
    Ok(costs.into_iter().flatten().collect())
}

/// `xtask measure OUTPUT PROGRAM [ARGUMENT...]`: runs a program and prints what it cost.
pub fn run(arguments: &[String]) -> Outcome {
    let [output, program, rest @ ..] = arguments else {
        return Err("usage: measure OUTPUT PROGRAM [ARGUMENT...]".to_owned());
    };
    let output = File::create(output).map_err(|error| format!("{output}: {error}"))?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(output);
    let begun = Instant::now();
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    let took = begun.elapsed();
    if !status.success() {
        return Err(format!("{program}: {status}"));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let microseconds = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    println!("{} {} {}", took.as_secs_f64(), microseconds as f64 / 1e6, used.max_rss() as f64 / 1024.0);
    Ok(())
}
