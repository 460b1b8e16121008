//! Our engine's answer, in process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Outcome};
use sluice_tree::Memory;

use crate::tree::{Answer, Reorder, Tree};

pub fn build(tree: &Tree) -> Answer {
    catch_unwind(AssertUnwindSafe(|| attempt(tree))).unwrap_or_else(|_| Err("our engine panicked".to_owned()))
}

fn attempt(tree: &Tree) -> Answer {
    let mut memory = Memory::default();
    for (path, content) in &tree.files {
        memory.insert(path, content.clone()).map_err(|error| error.to_string())?;
    }
    let options = Options {
        shown_root: "$IN",
        unrestricted: tree.unrestricted,
        remote: false,
        reorder: match tree.reorder {
            Reorder::None => sluice_kustomize::Reorder::None,
            Reorder::Unspecified | Reorder::Legacy => sluice_kustomize::Reorder::Legacy,
        },
        ..Options::default()
    };
    let outcome =
        sluice_kustomize::build(&memory, &tree.run, &options, &Answers::default(), &Budget::generous())
            .map_err(|error| error.to_string())?;
    match outcome {
        Outcome::Done(built) => built.to_yaml(1).map_err(|error| error.to_string()),
        Outcome::Need(asks) => Err(format!("asks for {asks:?}")),
    }
}
