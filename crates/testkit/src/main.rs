//! The tasks of `cargo xtask` that need a plane: `testkit TASK ...`.
#![allow(clippy::disallowed_methods, reason = "a face of the tests")]
#![allow(clippy::print_stdout, reason = "a face: it talks to a person")]

use std::process::ExitCode;

mod task;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprintln!("usage: testkit plane|traces|try|bench ...");
        return ExitCode::from(2);
    };
    let outcome = match name.as_str() {
        "plane" => task::plane::run(rest),
        "bench" => task::bench::run(rest),
        "try" => task::trial::run(rest),
        "traces" => task::traces::run(rest),
        other => Err(format!("there is no task {other:?}")),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{name}: {message}");
            ExitCode::FAILURE
        }
    }
}
