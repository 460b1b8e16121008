//! A repository whose commits have the same ids on every machine and on every day.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository to be served, and a work tree that is pushed into it.
#[derive(Debug)]
pub struct Repository {
    work: PathBuf,
    bare: PathBuf,
    commits: u32,
}

impl Repository {
    /// Makes `<root>/<name>.git` and a work tree beside the root.
    pub fn create(root: &Path, name: &str) -> std::io::Result<Self> {
        let bare = root.join(format!("{name}.git"));
        let work = root.join(".work").join(name);
        std::fs::create_dir_all(&work)?;
        std::fs::create_dir_all(&bare)?;
        let repository = Self { work, bare, commits: 0 };
        run(&repository.bare, 0, &["init", "-q", "--bare", "-b", "main", "."])?;
        run(&repository.bare, 0, &["config", "uploadpack.allowAnySHA1InWant", "true"])?;
        run(&repository.bare, 0, &["config", "uploadpack.allowFilter", "true"])?;
        run(&repository.work, 0, &["init", "-q", "-b", "main"])?;
        Ok(repository)
    }

    /// The work tree: write into it and `commit_all`.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// The served repository.
    pub fn bare(&self) -> &Path {
        &self.bare
    }

    /// Writes files (`None` removes one), commits them as number `second` of 2026-01-01, tags, pushes. Gives the commit id.
    pub fn commit_at(
        &mut self,
        second: u32,
        files: &[(&str, Option<&str>)],
        tag: Option<&str>,
    ) -> std::io::Result<String> {
        for (path, text) in files {
            let file = self.work.join(path);
            match text {
                Some(text) => {
                    std::fs::create_dir_all(file.parent().unwrap_or(&self.work))?;
                    std::fs::write(file, text)?;
                }
                None => std::fs::remove_file(file)?,
            }
        }
        self.commits = second;
        self.commit_all(&format!("commit {second}"))?;
        if let Some(tag) = tag {
            run(&self.work, second, &["tag", tag])?;
        }
        self.push()?;
        self.head()
    }

    /// The next commit.
    pub fn commit(&mut self, files: &[(&str, Option<&str>)]) -> std::io::Result<String> {
        self.commit_at(self.commits + 1, files, None)
    }

    /// Commits whatever the work tree holds.
    pub fn commit_all(&self, message: &str) -> std::io::Result<()> {
        run(&self.work, self.commits, &["add", "-A"])?;
        run(&self.work, self.commits, &["commit", "-q", "--allow-empty", "-m", message]).map(|_| ())
    }

    /// Pushes the work tree's branch and all tags.
    pub fn push(&self) -> std::io::Result<()> {
        let bare = self.bare.display().to_string();
        run(&self.work, self.commits, &["push", "-q", "-f", "--tags", &bare, "HEAD"]).map(|_| ())
    }

    /// Pushes the work tree's commit as another reference, too.
    pub fn push_as(&self, reference: &str) -> std::io::Result<()> {
        let bare = self.bare.display().to_string();
        run(&self.work, self.commits, &["push", "-q", "-f", &bare, &format!("HEAD:{reference}")]).map(|_| ())
    }

    /// The id of the work tree's commit.
    pub fn head(&self) -> std::io::Result<String> {
        run(&self.work, self.commits, &["rev-parse", "HEAD"]).map(|id| id.trim().to_owned())
    }
}

/// Runs git without the machine's or the person's configuration.
fn run(folder: &Path, second: u32, arguments: &[&str]) -> std::io::Result<String> {
    let date = format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
    let mut command = Command::new("git");
    isolate(&mut command);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        command.env(format!("GIT_{who}_DATE"), &date);
    }
    let got = command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).output()?;
    if !got.status.success() {
        let said = String::from_utf8_lossy(&got.stderr).into_owned();
        return Err(std::io::Error::other(format!("git {}: {said}", arguments.join(" "))));
    }
    Ok(String::from_utf8_lossy(&got.stdout).into_owned())
}

fn isolate(command: &mut Command) {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_commit_has_the_same_id_everywhere() {
        let root = tempfile::tempdir().unwrap();
        let mut repository = Repository::create(root.path(), "ks-apply-ok").unwrap();
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  key: \"1\"\n";
        let id = repository.commit_at(1, &[("app/a.yaml", Some(text))], None).unwrap();
        assert_eq!(id.len(), 40);
        let mut again = Repository::create(root.path(), "again").unwrap();
        assert_eq!(again.commit_at(1, &[("app/a.yaml", Some(text))], None).unwrap(), id);
    }
}
