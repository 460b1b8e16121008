//! `bench kustomize [--runs N] [--most N]`: `sluice kustomize build` beside kustomize itself, whole processes, same folders.

mod scene;

use std::fs;
use std::path::{Path, PathBuf};

use super::figure::{Figure, print};
use super::process::{Program, side_by_side};
use crate::{Outcome, peers, program};

/// Objects, and our share of kustomize's time.
const SIZES: [(usize, f64); 3] = [(100, 30.0), (500, 60.0), (1000, 100.0)];
/// The two sizes between which the growth is taken, and what it may be.
const GROWTH: (usize, usize, f64) = (5_000, 10_000, 2.1);
/// Our share of kustomize's time for a small overlay.
const SMALL: f64 = 10.0;
/// Milliseconds for one changed file of a thousand, in a process that has built before.
const WARM: f64 = 5.0;
/// Ours is so short that noise weighs; kustomize takes seconds.
const TIMES: usize = 7;

struct Scene {
    ours: PathBuf,
    kustomize: PathBuf,
    warm: PathBuf,
    folder: PathBuf,
}

pub fn run(arguments: &[String]) -> Outcome {
    let (mut runs, mut most) = (3, usize::MAX);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().and_then(|value| value.parse().ok());
        match (word.as_str(), value) {
            ("--runs", Some(number)) => runs = number,
            ("--most", Some(number)) => most = number,
            _ => return Err(format!("{word} is not known, or has no number")),
        }
    }
    peers::ensure(&["kustomize"])?;
    program::cargo(&["build", "--release", "--package", "sluice-cli"])?;
    program::cargo(&["build", "--release", "--package", "sluice-kustomize", "--example", "warm"])?;
    let target = program::target();
    let folder = target.join("bench/kustomize");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    let sizes = SIZES.iter().map(|(size, _)| *size).chain([GROWTH.0, GROWTH.1]);
    for size in sizes.filter(|size| *size <= most) {
        scene::synthetic(&folder.join(size.to_string()), size)?;
    }
    scene::small(&folder.join("small"))?;
    let scene = Scene {
        ours: target.join("release/sluice"),
        kustomize: peers::folder().join("kustomize"),
        warm: target.join("release/examples/warm"),
        folder,
    };
    let mut is_met = true;
    for number in 1..=runs {
        is_met &= print(number, &scene.figures(most)?);
    }
    println!("\n{}", scene.instructions());
    if is_met { Ok(()) } else { Err("a bar is missed".to_owned()) }
}

impl Scene {
    fn programs(&self, name: &str) -> (Program, Program) {
        let overlay = format!("{name}/overlay");
        let ours = Program::new(&self.ours, &["kustomize", "build", &overlay], &self.folder);
        let theirs = Program::new(&self.kustomize, &["build", &overlay], &self.folder);
        (ours.into_file(&self.folder.join("got.yaml")), theirs.into_file(&self.folder.join("want.yaml")))
    }

    fn check_same(&self, name: &str) -> Result<(), String> {
        let read = |file: &str| fs::read(self.folder.join(file)).map_err(|error| format!("{file}: {error}"));
        if read("got.yaml")? == read("want.yaml")? {
            Ok(())
        } else {
            Err(format!("{name}: the outputs differ"))
        }
    }

    fn figures(&self, most: usize) -> Result<Vec<Figure>, String> {
        let mut figures = Vec::new();
        for (size, share) in SIZES.into_iter().filter(|(size, _)| *size <= most) {
            let (ours, theirs) = self.programs(&size.to_string());
            let before = side_by_side(&[&ours], TIMES.div_ceil(2))?;
            let theirs = side_by_side(&[&theirs], if size > 100 { 1 } else { 3 })?[0];
            let after = side_by_side(&[&ours], TIMES / 2)?;
            let ours = before[0].least(after[0]);
            self.check_same(&size.to_string())?;
            let name = format!("{size} Deployments");
            figures.push(Figure::share(&name, ours.seconds, theirs.seconds, share));
            let mut processor =
                Figure::below("its processor time", ours.processor_seconds, "s", f64::INFINITY);
            processor.beside = Some(theirs.processor_seconds);
            figures.push(processor);
            let mut peak = Figure::below("its peak memory", ours.peak_mib, "MiB", theirs.peak_mib / 2.0);
            peak.beside = Some(theirs.peak_mib);
            figures.push(peak);
        }
        if GROWTH.1 <= most {
            figures.push(self.growth()?);
        }
        let (ours, theirs) = self.programs("small");
        let costs = side_by_side(&[&ours, &theirs], TIMES)?;
        self.check_same("small")?;
        figures.push(Figure::share("a small overlay", costs[0].seconds, costs[1].seconds, SMALL));
        figures.push(self.warm()?);
        Ok(figures)
    }

    fn growth(&self) -> Result<Figure, String> {
        let (small, _) = self.programs(&GROWTH.0.to_string());
        let (large, _) = self.programs(&GROWTH.1.to_string());
        let costs = side_by_side(&[&small, &large], 5)?;
        let growth = costs[1].processor_seconds / costs[0].processor_seconds;
        let name = format!("processor time, {} over {}", GROWTH.1, GROWTH.0);
        Ok(Figure::below(&name, growth, "times", GROWTH.2))
    }

    /// One file of a thousand changes, again and again, in one process that keeps its builder.
    fn warm(&self) -> Result<Figure, String> {
        let tree = self.folder.join("warm");
        scene::synthetic(&tree, 1000)?;
        fs::write(self.folder.join("other.yaml"), scene::deployment("app-00500", "debug"))
            .map_err(|error| error.to_string())?;
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        let out = self.folder.join("warm.txt");
        let (tree, other) = (shown(&tree), shown(&self.folder.join("other.yaml")));
        let arguments = [tree.as_str(), "overlay", "base/app-00500.yaml", other.as_str(), "51"];
        Program::new(&self.warm, &arguments, &self.folder).into_file(&out).measure()?;
        let text = fs::read_to_string(&out).map_err(|error| error.to_string())?;
        let milliseconds = text.trim().parse().map_err(|_| format!("{text:?} is no figure"))?;
        Ok(Figure::below("one changed file of 1,000, warm, in process", milliseconds, "ms", WARM))
    }

    fn instructions(&self) -> String {
        let count = |name: &str| self.programs(name).0.instructions();
        match (count("small"), count("100")) {
            (Some(small), Some(hundred)) => format!(
                "instructions (callgrind): small {:.1} M, 100 Deployments {:.1} M",
                small as f64 / 1e6,
                hundred as f64 / 1e6
            ),
            _ => "instructions: valgrind is not installed".to_owned(),
        }
    }
}
