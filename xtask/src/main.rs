//! The project's own tasks: `cargo xtask TASK [ARGUMENT...]`.
//!
//! Small on purpose, since every first command compiles it: what needs a client, a server or a generator lives in
//! the crate that it is about, as a binary of its own, and is only started from here.
#![allow(clippy::disallowed_methods, reason = "starts compilers and programs; reads the environment")]
#![allow(clippy::print_stdout, reason = "a face: it talks to a person")]

mod bench;
mod charts;
mod ci;
mod codegen;
mod corpus;
mod dist;
mod fuzz;
mod peers;
mod program;
mod tidy;

use std::process::ExitCode;

/// What a task gives back: nothing, or the one line that a person needs.
type Outcome = Result<(), String>;

struct Task {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Outcome,
}

/// Every task. A new one is a line here and, when it is more than a few lines, a file of its own.
const TASKS: &[Task] = &[
    Task {
        name: "try",
        usage: "FOLDER [--path clusters/x] [--once] [--subject sluice|flux] [--report FILE] [--pretend-kinds] | --compare REPORT...   \
                a folder on a real control plane",
        run: try_folder,
    },
    Task {
        name: "peers",
        usage: "[NAME...]   build the reference programs into target/peers",
        run: peers::run,
    },
    Task {
        name: "plane",
        usage: "up|down   a control plane of one's own, until taken down",
        run: |arguments| {
            if arguments.first().is_some_and(|word| word == "up") {
                peers::ensure(peers::PLANE)?;
            }
            testkit("plane", arguments)
        },
    },
    Task {
        name: "traces",
        usage: "[SCENARIO...] [--subject flux|sluice] [--plane real|embedded]   replay the recorded traces and compare",
        run: |arguments| testkit("traces", arguments),
    },
    Task { name: "bench", usage: bench::USAGE, run: bench::run },
    Task {
        name: "measure",
        usage: "OUTPUT PROGRAM [ARGUMENT...]   what one run costs: seconds, processor seconds, MiB",
        run: bench::process::run,
    },
    Task {
        name: "corpus",
        usage: "record helm|kustomize [AREA/CASE...] | record cli   have the reference write what our corpus wants",
        run: corpus::run,
    },
    Task {
        name: "charts",
        usage: "FOLDER [PART OF A NAME...]   public charts, rendered by Helm and here",
        run: charts::run,
    },
    Task {
        name: "fuzz",
        usage: "helm|kustomize [--minutes N] [--seed S] [--planted]   made-up inputs, to the reference and to us",
        run: fuzz::run,
    },
    Task {
        name: "dist",
        usage: "[--repository NAME] [--target TRIPLE]   what ships, in target/dist: a static program, its image, parts, checksums",
        run: dist::run,
    },
    Task { name: "tidy", usage: "   layers, sizes, names, headers", run: tidy::run },
    Task { name: "codegen", usage: "[--check]   write what is generated (CRDs, tables)", run: codegen::run },
    Task { name: "ci", usage: "   all that a commit has to pass", run: ci::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage("");
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        return usage(&format!("there is no task {name:?}\n"));
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("{problem}usage: cargo xtask TASK [ARGUMENT...]\n");
    for task in TASKS {
        eprintln!("  {:8} {}", task.name, task.usage);
    }
    ExitCode::from(2)
}

fn testkit(command: &str, arguments: &[String]) -> Outcome {
    let mut all = vec![command.to_owned()];
    all.extend_from_slice(arguments);
    program::binary("sluice-testkit", "testkit", &all)
}

/// The control plane and the binary first, both in sight, then the run itself.
fn try_folder(arguments: &[String]) -> Outcome {
    if arguments.first().is_some_and(|word| word == "--compare") {
        return testkit("try", arguments);
    }
    peers::ensure(peers::PLANE)?;
    if arguments.iter().any(|word| word == "flux") {
        peers::ensure(&["source-controller", "kustomize-controller"])?;
    } else {
        program::cargo(&["build", "--release", "--package", "sluice-cli"])?;
    }
    testkit("try", arguments)
}
