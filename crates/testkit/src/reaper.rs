//! Child processes that never outlive us, not even when we are killed.
//!
//! A small shell in a process group of its own reads process ids from a pipe. When the pipe closes, because we ended in
//! whatever way, it kills what is still on its list and removes the folders that it was told of.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=' '
while IFS= read -r line; do
  case $line in
    +*) pids="$pids${line#+} ";;
    -*) pids=$(printf '%s' "$pids" | sed "s/ ${line#-} / /");;
    d*) set -- "$@" "${line#d}";;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ $# -eq 0 ] || rm -rf "$@"
"#;

fn tell(line: &str) {
    static PIPE: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();
    let pipe = PIPE.get_or_init(|| {
        let guardian = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Mutex::new(guardian.ok().and_then(|mut child| child.stdin.take()))
    });
    let mut pipe = pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(pipe) = pipe.as_mut() {
        let _ = writeln!(pipe, "{line}");
    }
}

/// A running program; killed when dropped, and by the guardian when we do not come to that.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command` in a process group of its own (so that Ctrl-C reaches us first).
    pub fn start(name: &str, command: &mut Command) -> std::io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        tell(&format!("+{}", child.id()));
        Ok(Self { child, name: name.to_owned() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, as a cluster would, and kills it when it has not after `patience`. True if it ended by itself.
    pub fn stop(&mut self, patience: Duration) -> bool {
        let _ = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.has_ended() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }

    /// Makes it stand still, as a machine that sleeps would.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on where it stood.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args([signal, &id]).stderr(Stdio::null()).status();
    }

    /// Ends it at once, without a word.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        tell(&format!("-{}", self.child.id()));
    }
}

/// A folder that is removed when we end, also when nothing drops it (statics) or we are killed.
pub fn remove_at_end(folder: &Path) {
    tell(&format!("d{}", folder.display()));
}
