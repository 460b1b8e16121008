//! One composed tree: its files, and how it is to be built.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub files: BTreeMap<String, Vec<u8>>,
    /// The folder to build.
    pub run: String,
    pub reorder: Reorder,
    pub unrestricted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reorder {
    Unspecified,
    None,
    Legacy,
}

/// What a build came to: its text, or why it failed.
pub type Answer = Result<String, String>;

impl Tree {
    /// The question for the reference.
    pub fn question(&self) -> Value {
        let engine = base64::engine::general_purpose::STANDARD;
        let files: BTreeMap<&str, String> =
            self.files.iter().map(|(path, content)| (path.as_str(), engine.encode(content))).collect();
        let reorder = match self.reorder {
            Reorder::Unspecified => "",
            Reorder::None => "none",
            Reorder::Legacy => "legacy",
        };
        json!({"files": files, "run": self.run, "reorder": reorder, "unrestricted": self.unrestricted})
    }

    /// The command line that builds it.
    pub fn command(&self) -> Vec<&str> {
        let mut words = vec!["build", self.run.as_str()];
        match self.reorder {
            Reorder::Unspecified => {}
            Reorder::None => words.extend(["--reorder", "none"]),
            Reorder::Legacy => words.extend(["--reorder", "legacy"]),
        }
        if self.unrestricted {
            words.extend(["--load-restrictor", "LoadRestrictionsNone"]);
        }
        words
    }

    /// Writes it as a case of our corpus: `in/` and `from.toml`.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        for (path, content) in &self.files {
            let path = folder.join("in").join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, content)?;
        }
        let command = serde_json::to_string(&self.command()).unwrap_or_default().replace("\",\"", "\", \"");
        std::fs::write(folder.join("from.toml"), format!("tool = \"kustomize 5.8.1\"\ncommand = {command}\n"))
    }

    pub fn names_a_schema(&self) -> bool {
        let names = |content: &[u8]| content.to_ascii_lowercase().windows(7).any(|word| word == b"openapi");
        self.files.values().any(|content| names(content))
    }

    pub fn size(&self) -> usize {
        self.files.iter().map(|(path, content)| path.len() + content.len()).sum()
    }
}
