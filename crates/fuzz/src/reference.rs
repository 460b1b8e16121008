//! kustomize itself, kept running: it is asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::tree::{Answer, Tree};

/// Two of them: trees that bring a schema go to one of their own, since kustomize reads its own schema again after
/// each of them, which costs more than all the rest.
pub struct Reference {
    program: PathBuf,
    running: [Running; 2],
    asked: usize,
}

struct Running {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    pub fn start(program: PathBuf) -> Result<Self, String> {
        let running = [Running::start(&program)?, Running::start(&program)?];
        Ok(Self { program, running, asked: 0 })
    }

    /// Sends a question; the answer is fetched later, so that both engines work at the same time.
    pub fn ask(&mut self, tree: &Tree) -> Result<(), String> {
        let mut line = tree.question().to_string();
        line.push('\n');
        self.asked = usize::from(tree.names_a_schema());
        let questions =
            self.running[self.asked].questions.as_mut().ok_or("the reference has been stopped")?;
        questions.write_all(line.as_bytes()).map_err(|error| format!("the reference: {error}"))
    }

    /// The answer to the last question. A tree that ends kustomize is one on which it fails.
    pub fn answer(&mut self) -> Result<Answer, String> {
        let mut line = String::new();
        let count = self.running[self.asked]
            .answers
            .read_line(&mut line)
            .map_err(|error| format!("the reference: {error}"))?;
        let Ok(value) = serde_json::from_str::<Value>(&line) else {
            if count > 0 {
                return Err(format!("the reference says {line}"));
            }
            self.running[self.asked] = Running::start(&self.program)?;
            return Ok(Err("kustomize ended".to_owned()));
        };
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Ok(if text("error").is_empty() { Ok(text("yaml")) } else { Err(text("error")) })
    }

    pub fn build(&mut self, tree: &Tree) -> Result<Answer, String> {
        self.ask(tree)?;
        self.answer()
    }
}

/// Go collects its garbage when there is so many percent of it: memory is at hand, and time is not.
const COLLECT_LATE: &str = "800";

impl Running {
    fn start(program: &PathBuf) -> Result<Self, String> {
        let mut child = Command::new(program)
            .env("GOGC", COLLECT_LATE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("the reference has no output")?);
        Ok(Self { child, questions, answers })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // At the end of its questions it goes, and takes its folder along.
        self.questions = None;
        let _ = self.child.wait();
    }
}
