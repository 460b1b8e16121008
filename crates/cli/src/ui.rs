//! The two streams of a command: results on standard output, what happens on standard error.

use std::io::{self, BufRead, Read, Write};

use crate::error::CliResult;

/// Messages go to standard error, each with the symbol of what it tells.
#[derive(Debug)]
pub struct Ui {
    out: io::Stdout,
    err: io::Stderr,
    is_silent: bool,
}

impl Ui {
    pub fn stdio() -> Self {
        Self { out: io::stdout(), err: io::stderr(), is_silent: false }
    }

    /// Prints no results.
    pub fn silent() -> Self {
        Self { is_silent: true, ..Self::stdio() }
    }

    /// Something is about to be done.
    pub fn action(&self, message: &str) {
        self.line("►", message);
    }

    /// Something is made that was not there.
    pub fn generate(&self, message: &str) {
        self.line("✚", message);
    }

    pub fn waiting(&self, message: &str) {
        self.line("◎", message);
    }

    pub fn success(&self, message: &str) {
        self.line("✔", message);
    }

    pub fn warning(&self, message: &str) {
        self.line("⚠️", message);
    }

    pub fn failure(&self, message: &str) {
        self.line("✗", message);
    }

    /// A line without a symbol on standard error.
    pub fn note(&self, message: &str) {
        // Nobody can be told that standard error is gone.
        let _ = writeln!(self.err.lock(), "{message}");
    }

    fn line(&self, symbol: &str, message: &str) {
        let _ = writeln!(self.err.lock(), "{symbol} {message}");
    }

    /// Writes a result, as it is, to standard output.
    pub fn print(&self, text: &str) -> CliResult {
        self.print_with(|out| out.write_all(text.as_bytes()))
    }

    /// Lets a result be written to standard output.
    pub fn print_with(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> CliResult {
        if self.is_silent {
            return Ok(());
        }
        let mut out = self.out.lock();
        write(&mut out)?;
        out.flush()?;
        Ok(())
    }

    /// Writes a result and a line end to standard output.
    pub fn println(&self, text: &str) -> CliResult {
        self.print(&format!("{text}\n"))
    }

    /// Asks for a yes on the terminal; anything else is a no.
    pub fn confirm(&self, question: &str) -> CliResult<bool> {
        self.print(&format!("{question}? [y/N] "))?;
        let mut answer = String::new();
        io::stdin().lock().take(64).read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y"))
    }
}
