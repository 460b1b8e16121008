//! `cargo xtask charts FOLDER`: the public charts that docs/public-charts.md names, rendered by Helm and by our engine.
//!
//! FOLDER holds a checkout of each repository as `owner+name`. Every chart is rendered with its defaults and with every
//! file in its `ci` folder. Helm runs at least twice: only what differs between two of its own runs may differ in ours,
//! and nothing is masked by a pattern. Dependencies that a chart does not carry are copied in from the same repositories.

mod like;
mod lists;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{Outcome, peers, program};

/// How often Helm is asked when two runs do not explain what differs: orders and lengths drawn by chance may agree a few times.
const MOST_RUNS: usize = 12;
/// The longest that one render may take.
const LONGEST: Duration = Duration::from_mins(2);

struct Render {
    /// As it stands in the list: repository and folder, then the values file.
    name: String,
    chart: PathBuf,
    values: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    SameBytes,
    SameButChance,
    Differs,
    OnlyWeFail,
    SameError,
    OtherError,
    OnlyHelmFails,
}

const VERDICTS: &[(Verdict, &str)] = &[
    (Verdict::SameBytes, "byte for byte"),
    (Verdict::SameButChance, "byte for byte but where two runs of Helm differ"),
    (Verdict::Differs, "differ"),
    (Verdict::OnlyWeFail, "fail here alone"),
    (Verdict::SameError, "fail in both, same text"),
    (Verdict::OtherError, "fail in both, other text"),
    (Verdict::OnlyHelmFails, "fail in Helm alone"),
];

pub fn run(arguments: &[String]) -> Outcome {
    let [folder, wanted @ ..] = arguments else {
        return Err("usage: cargo xtask charts FOLDER [PART OF A NAME...]".to_owned());
    };
    peers::ensure(&["helm"])?;
    let folder = fs::canonicalize(folder).map_err(|error| format!("{folder}: {error}"))?;
    let list = fs::read_to_string(program::workspace().join("docs/public-charts.md"))
        .map_err(|error| error.to_string())?;
    let charts = lists::charts(&list);
    lists::fill_dependencies(&folder, &charts)?;
    let is_wanted =
        |render: &Render| wanted.is_empty() || wanted.iter().any(|part| render.name.contains(part));
    let renders: Vec<Render> = lists::renders(&folder, &charts)?.into_iter().filter(is_wanted).collect();
    let ours = engine()?;
    let results = compare_all(&renders, &ours)?;
    report(&charts, &renders, results)
}

/// Our engine, as a small program of its own crate.
fn engine() -> Result<PathBuf, String> {
    let build = ["build", "--quiet", "--profile", "quick", "-p", "sluice-helm", "--example", "template"];
    program::cargo(&[&build[..], &["--features", "certificates"]].concat())?;
    Ok(program::target().join("quick/examples/template"))
}

fn compare_all(renders: &[Render], ours: &Path) -> Result<Vec<(Verdict, String)>, String> {
    let scratch = program::target().join("charts");
    fs::create_dir_all(&scratch).map_err(|error| error.to_string())?;
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![None; renders.len()]);
    let work = |worker: usize| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(render) = renders.get(at) else { return };
            let result = compare(render, ours, &scratch.join(worker.to_string()));
            if at % 100 == 99 {
                println!("{} of {}", at + 1, renders.len());
            }
            results.lock().expect("no thread panics while it holds this")[at] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..2 {
            scope.spawn(move || work(worker));
        }
    });
    let results = results.into_inner().map_err(|error| error.to_string())?;
    Ok(results.into_iter().flatten().collect())
}

/// Standard output, or the text of the failure.
type Answer = Result<String, String>;

fn compare(render: &Render, ours: &Path, scratch: &Path) -> (Verdict, String) {
    let helm = peers::folder().join("helm");
    let got = ask(ours, &[], render, scratch);
    let first = ask(&helm, &["template"], render, scratch);
    let want = match (first, got) {
        (Err(want), Err(got)) if want == got => return (Verdict::SameError, String::new()),
        (Err(want), Err(got)) => return (Verdict::OtherError, format!("want {want}\ngot  {got}")),
        (Err(want), Ok(_)) => return (Verdict::OnlyHelmFails, want),
        (Ok(_), Err(got)) => return (Verdict::OnlyWeFail, got),
        (Ok(want), Ok(got)) if want == got => return (Verdict::SameBytes, String::new()),
        (Ok(want), Ok(got)) => (vec![want], got),
    };
    let (mut runs, got) = want;
    while runs.len() < MOST_RUNS {
        let Ok(again) = ask(&helm, &["template"], render, scratch) else { break };
        if again == got {
            return (Verdict::SameButChance, String::new());
        }
        if runs.iter().any(|before| like::is_like(before, &again, &got)) {
            return (Verdict::SameButChance, String::new());
        }
        runs.push(again);
    }
    (Verdict::Differs, like::difference(&runs, &got))
}

fn ask(program: &Path, words: &[&str], render: &Render, scratch: &Path) -> Answer {
    let (out, err) = (scratch.with_extension("out"), scratch.with_extension("err"));
    let mut command = Command::new(program);
    command.args(words).arg("rel").arg(&render.chart);
    if let Some(values) = &render.values {
        command.arg("-f").arg(values);
    }
    let file = |path: &Path| File::create(path).map(Stdio::from).map_err(|error| error.to_string());
    command.env_clear().env("HOME", scratch).env("TZ", "UTC").stdin(Stdio::null());
    command.stdout(file(&out)?).stderr(file(&err)?);
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if begun.elapsed() > LONGEST {
            child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            return Err(format!("more than {} s", LONGEST.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(4));
    };
    let text = |path: &Path| {
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|e| e.to_string())
    };
    if status.success() {
        return text(&out);
    }
    let told = text(&err)?;
    let at = told.find("Error: ").unwrap_or(0);
    Err(told[at..].trim_end().to_owned())
}

fn report(charts: &[lists::Named], renders: &[Render], results: Vec<(Verdict, String)>) -> Outcome {
    let mut told = String::new();
    for (render, (verdict, text)) in renders.iter().zip(&results) {
        if !matches!(verdict, Verdict::SameBytes | Verdict::SameButChance | Verdict::SameError) {
            let name = VERDICTS.iter().find(|row| row.0 == *verdict).map_or("", |row| row.1);
            told += &format!("== {} ({name})\n{text}\n", render.name);
        }
    }
    let path = program::target().join("charts/differs.txt");
    fs::write(&path, &told).map_err(|error| error.to_string())?;
    let count = |wanted: Verdict| results.iter().filter(|result| result.0 == wanted).count();
    println!("{} charts named, {} renders", charts.len(), renders.len());
    for (verdict, name) in VERDICTS {
        println!("{:6}  {name}", count(*verdict));
    }
    let agree = count(Verdict::SameBytes) + count(Verdict::SameButChance);
    let complete = agree + count(Verdict::Differs) + count(Verdict::OnlyWeFail);
    println!(
        "{:.2} % of the {complete} renders that Helm completes agree",
        100.0 * agree as f64 / complete.max(1) as f64
    );
    println!("what differs: {}", path.display());
    if agree == complete { Ok(()) } else { Err(format!("{} renders differ", complete - agree)) }
}
