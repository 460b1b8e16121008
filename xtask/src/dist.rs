//! `cargo xtask dist [--repository NAME] [--target TRIPLE]`: what ships, in `target/dist`: a static program, its image, a list of
//! parts and checksums; with the name of a repository also the manifests that refer to the image by its digest.

use crate::{Outcome, program};

const TARGET: &str = "x86_64-unknown-linux-musl";

pub fn run(arguments: &[String]) -> Outcome {
    let mut target = TARGET;
    let mut rest = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--target" => target = value,
            "--repository" => rest = vec![word.clone(), value.clone()],
            _ => return Err(format!("{word} is not known to dist")),
        }
    }
    program::cargo(&["build", "--release", "--locked", "--package", "sluice-cli", "--target", target]).map_err(
        |error| format!("{error}\nit needs 'rustup target add {target}' and a C compiler for it, such as musl-tools has"),
    )?;
    let built = program::target().join(target).join("release/sluice");
    let out = program::target().join("dist");
    let mut words = vec![built.display().to_string(), out.display().to_string()];
    words.append(&mut rest);
    program::binary("sluice-dist", "dist", &words)
}
