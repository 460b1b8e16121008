//! `bench helm [--chart FOLDER] [--runs N]`: our `sluice helm` beside Helm itself, whole processes, on the same charts.
//!
//! The large chart is made here unless a folder is given: a public monitoring stack can be put in its place.

mod charts;

use std::fs;
use std::path::{Path, PathBuf};

use super::figure::{Figure, print};
use super::process::{Program, side_by_side};
use crate::{Outcome, peers, program};

/// Each figure is the least of so many.
const TIMES: usize = 7;
/// Our share of Helm's time, and our memory, for the two charts.
const SMALL: (f64, f64) = (15.0, 12.0);
const LARGE: (f64, f64) = (15.0, 40.0);
/// 200 subcharts may take this much more than twice what 100 take.
const LINEAR: f64 = 1.25;

struct Scene {
    ours: PathBuf,
    helm: PathBuf,
    measure: PathBuf,
    folder: PathBuf,
    large: PathBuf,
}

pub fn run(arguments: &[String]) -> Outcome {
    let (mut large, mut runs) = (None, 3);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--chart" => large = Some(fs::canonicalize(value).map_err(|error| format!("{value}: {error}"))?),
            "--runs" => runs = value.parse().map_err(|_| "--runs needs a number")?,
            other => return Err(format!("{other} is not known")),
        }
    }
    peers::ensure(&["helm"])?;
    program::cargo(&["build", "--release", "--package", "sluice-cli"])?;
    program::cargo(&["build", "--release", "--package", "sluice-helm", "--example", "measure"])?;
    let target = program::target();
    let folder = target.join("bench/helm");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    charts::small(&folder.join("small"))?;
    if large.is_none() {
        charts::large(&folder.join("large"))?;
    }
    for count in charts::UMBRELLAS {
        charts::umbrella(&folder.join(format!("umbrella-{count}")), count)?;
    }
    charts::index(&folder.join("index.yaml"))?;
    let scene = Scene {
        ours: installed(&target.join("release/sluice"), &folder)?,
        helm: installed(&peers::folder().join("helm"), &folder)?,
        measure: target.join("release/examples/measure"),
        large: large.unwrap_or_else(|| folder.join("large")),
        folder,
    };
    let mut is_met = true;
    for number in 1..=runs {
        is_met &= print(number, &scene.figures()?);
    }
    println!("\n{}", scene.instructions());
    if is_met { Ok(()) } else { Err("a bar is missed".to_owned()) }
}

/// A copy of a program, as people have it. What a linker has just written lies in memory page by page, and takes longer to
/// map at each start than what was copied or read.
fn installed(program: &Path, folder: &Path) -> Result<PathBuf, String> {
    let copy = folder.join(program.file_name().unwrap_or_default());
    fs::copy(program, &copy).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(copy)
}

impl Scene {
    fn programs(&self, chart: &Path) -> (Program, Program) {
        let chart = chart.to_string_lossy();
        let ours = Program::new(&self.ours, &["helm", "template", "bench", &chart], &self.folder);
        let theirs = Program::new(&self.helm, &["template", "bench", &chart], &self.folder);
        (ours, theirs)
    }

    fn figures(&self) -> Result<Vec<Figure>, String> {
        let mut figures = Vec::new();
        for (name, chart, (share, memory)) in [
            ("a small chart", self.folder.join("small"), SMALL),
            ("a large chart", self.large.clone(), LARGE),
        ] {
            let (ours, theirs) = self.programs(&chart);
            let (got, want) = (self.folder.join("got.yaml"), self.folder.join("want.yaml"));
            let (ours, theirs) = (ours.into_file(&got), theirs.into_file(&want));
            let costs = side_by_side(&[&ours, &theirs], TIMES)?;
            let (got, want) = (lines(&got)?, lines(&want)?);
            if got != want {
                return Err(format!("{name}: {got} lines instead of {want}"));
            }
            let name = format!("{name}, {want} lines");
            figures.push(Figure::share(&name, costs[0].seconds, costs[1].seconds, share));
            let mut processor =
                Figure::below("its processor time", costs[0].processor_seconds, "s", f64::INFINITY);
            processor.beside = Some(costs[1].processor_seconds);
            figures.push(processor);
            let mut peak = Figure::below("its peak memory", costs[0].peak_mib, "MiB", memory);
            peak.beside = Some(costs[1].peak_mib);
            figures.push(peak);
        }
        figures.push(self.renders()?);
        figures.extend(self.umbrellas()?);
        figures.extend(self.index()?);
        Ok(figures)
    }

    /// One chart a thousand times in one process, on two threads.
    fn renders(&self) -> Result<Figure, String> {
        let out = self.folder.join("renders");
        let chart = self.large.to_string_lossy();
        let program = Program::new(&self.measure, &["renders", &chart, "1000", "2"], &self.folder);
        program.into_file(&out).measure()?;
        let text = fs::read_to_string(&out).map_err(|error| error.to_string())?;
        let rate = text.split(' ').next().and_then(|word| word.parse().ok()).ok_or("no rate")?;
        Ok(Figure::above("the large chart 1,000 times in one process", rate, "a second", 300.0))
    }

    fn umbrellas(&self) -> Result<Vec<Figure>, String> {
        let mut figures: Vec<Figure> = Vec::new();
        let mut before: Option<f64> = None;
        for count in charts::UMBRELLAS {
            let (ours, theirs) = self.programs(&self.folder.join(format!("umbrella-{count}")));
            let costs = side_by_side(&[&ours, &theirs], TIMES)?;
            let bar = before.map_or(f64::INFINITY, |before| before * 2.0 * LINEAR);
            let name = format!("{count} subcharts in one chart, processor time");
            let mut figure = Figure::below(&name, costs[0].processor_seconds, "s", bar);
            figure.beside = Some(costs[1].processor_seconds);
            figures.push(figure);
            before = Some(costs[0].processor_seconds);
        }
        Ok(figures)
    }

    fn index(&self) -> Result<Vec<Figure>, String> {
        let program =
            Program::new(&self.measure, &["index", "index.yaml", charts::WANTED, "^1.0.0"], &self.folder);
        let cost = side_by_side(&[&program], 3)?[0];
        Ok(vec![
            Figure::below("an index.yaml of 100 MB, one version picked", cost.seconds, "s", 1.0),
            Figure::below("its peak memory", cost.peak_mib, "MiB", 64.0),
        ])
    }

    fn instructions(&self) -> String {
        let count = |chart: &Path| self.programs(chart).0.instructions();
        match (count(&self.folder.join("small")), count(&self.large)) {
            (Some(small), Some(large)) => format!(
                "instructions (callgrind): small {:.1} M, large {:.1} M",
                small as f64 / 1e6,
                large as f64 / 1e6
            ),
            _ => "instructions: valgrind is not installed".to_owned(),
        }
    }
}

fn lines(path: &Path) -> Result<usize, String> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.split(|byte| *byte == b'\n').count() - 1)
}
