//! A program that answers questions, a line each, until it is no longer asked.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// The longest that one answer may take.
const LONGEST: Duration = Duration::from_secs(20);

/// A name and what it is set to.
pub type Variable = (&'static str, String);

pub struct LongLived {
    program: PathBuf,
    environment: Option<Variable>,
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl LongLived {
    pub fn start(program: &Path, environment: Option<Variable>) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut child = Command::new(program)
            .env("TZ", "UTC")
            .envs(environment.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let questions = child.stdin.take().ok_or("no way to ask")?;
        let answered = child.stdout.take().ok_or("no way to hear")?;
        let (tell, answers) = sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(answered).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { program: program.to_path_buf(), environment, child, questions, answers })
    }

    /// Begins anew, with no question open.
    pub fn restart(&mut self) -> Result<(), String> {
        *self = Self::start(&self.program, self.environment.clone())?;
        Ok(())
    }

    /// Asks without waiting for the answer.
    pub fn ask(&mut self, question: &str) -> Result<(), String> {
        let line = format!("{question}\n");
        self.questions.write_all(line.as_bytes()).map_err(|error| error.to_string())
    }

    /// The answer to the question asked first. A program that dies or takes too long is started anew, and the
    /// questions asked meanwhile are lost.
    pub fn answer(&mut self) -> Result<String, String> {
        if let Ok(answer) = self.answers.recv_timeout(LONGEST) {
            return Ok(answer);
        }
        let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
        self.restart()?;
        Err(if has_ended { "the program died".to_owned() } else { format!("no answer in {LONGEST:?}") })
    }
}

impl Drop for LongLived {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
