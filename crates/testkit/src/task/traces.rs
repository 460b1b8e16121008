//! `traces [SCENARIO...] [--subject flux|sluice|COMMAND] [--plane real|embedded] [--keep FOLDER]`: replays recorded traces and compares.

use std::path::PathBuf;
use std::process::ExitCode;

use sluice_testkit::plane::Sort;
use sluice_testkit::subject::Kind;
use sluice_testkit::trace::{Family, Scenario, corpus, replay};

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let mut subject = "sluice".to_owned();
    let mut sort = Sort::chosen();
    let mut keep = None;
    let mut names = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--subject" => subject.clone_from(words.next().ok_or("--subject needs a value")?),
            "--plane" => sort = Sort::parse(words.next().ok_or("--plane needs a value")?)?,
            "--keep" => keep = Some(PathBuf::from(words.next().ok_or("--keep needs a folder")?)),
            name => names.push(name.to_owned()),
        }
    }
    let mut scenarios = Vec::new();
    for family in [Family::Kustomization, Family::Source] {
        scenarios.extend(Scenario::all(&corpus::folder(), family)?);
    }
    scenarios.retain(|scenario| {
        let is_asked = names.iter().any(|name| scenario.path().contains(name.as_str()));
        is_asked || names.is_empty() && !scenario.path().starts_with("source/helm-")
    });
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let (verdicts, log) = runtime.block_on(replay::run(&Kind::parse(&subject)?, sort, scenarios))?;
    let mut failed = 0;
    for verdict in &verdicts {
        let is_equal = verdict.differences.is_empty();
        println!(
            "{} {} ({:.1} s)",
            if is_equal { "ok  " } else { "FAIL" },
            verdict.scenario,
            verdict.took.as_secs_f64()
        );
        failed += usize::from(!is_equal);
        for difference in &verdict.differences {
            println!("  {}", difference.replace('\n', "\n  "));
        }
        if let Some(folder) = &keep {
            let file = folder.join(format!("{}.yaml", verdict.scenario.replace('/', "-")));
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            std::fs::write(file, replay::as_text(&verdict.rows)).map_err(|error| error.to_string())?;
        }
    }
    if let Some(folder) = &keep {
        std::fs::write(folder.join("subject.log"), log).map_err(|error| error.to_string())?;
    }
    println!("{} of {} equal", verdicts.len() - failed, verdicts.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
