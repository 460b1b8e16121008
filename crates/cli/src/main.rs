//! The binary `sluice`: reads the command line, runs one command, says how it ended.

mod age;
mod args;
mod clock;
mod cluster;
mod command;
mod connect;
mod cx;
mod environment;
mod error;
mod files;
mod kinds;
mod object;
mod print;
mod readiness;
mod ui;

use std::process::ExitCode;

use ui::Ui;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Enough to keep two cores busy; more only where the machine has more.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "helm") {
        // Charts need no cluster, no network and none of the other commands.
        return command::helm_main(words.collect());
    }
    any_command()
}

/// Apart from `main`: the stack that all commands together want is not touched for a chart.
#[inline(never)]
fn any_command() -> ExitCode {
    let ui = Ui::stdio();
    let args = match args::parse(std::env::args_os()) {
        Ok(Some(args::Args { command: command::Subcommand::Helm(helm), .. })) => {
            return command::helm_main(helm.words);
        }
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => return error::exit(&ui, Err(error)),
    };
    let mut runtime = match &args.command {
        // The engine has a thread of its own, and what is fetched for it is fetched on this one.
        command::Subcommand::Kustomize(_) => tokio::runtime::Builder::new_current_thread(),
        _ => {
            let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, WORKERS);
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(workers);
            runtime
        }
    };
    let runtime = runtime.enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(command::run(ui, args));
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(error.into()),
    };
    error::exit(&Ui::stdio(), result)
}
