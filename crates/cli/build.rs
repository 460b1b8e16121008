//! How the binary is linked.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts their target by the environment, and the compiler is asked for its archives"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The parts of the C library. All of them have to be there as archives for a program that loads no library at its start.
const C_LIBRARY: [&str; 6] = ["c", "m", "pthread", "dl", "rt", "util"];
/// The compiler's own library as archives; `gcc_s` is the same as a shared one.
const COMPILER: &str = "-lgcc_eh -lgcc";

/// A binary at a fixed address needs no relocation of its 2 MB of tables at each start, and one that holds all libraries
/// need not look for them and load them, which takes four tenths of a millisecond. Go's programs are linked like that.
/// Stacks and heaps are at random addresses all the same.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") != "linux" || target("ENV") != "gnu" || is_static {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    let folder = PathBuf::from(env::var("OUT_DIR").expect("cargo tells build scripts where they write"));
    // Of programs only: tests are linked as everywhere.
    println!("cargo:rustc-link-arg-bins=-L{}", folder.display());
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    match C_LIBRARY.iter().map(|name| archive(&linker, name)).collect::<Option<Vec<_>>>() {
        Some(archives) => {
            println!("cargo:rustc-link-arg-bins=-static");
            // The last word counts for linkers that let later words change what this means.
            println!("cargo:rustc-link-arg-bins=-Wl,-Bstatic");
            let all = format!("{} {COMPILER}", archives.join(" "));
            C_LIBRARY.iter().chain(&["gcc_s"]).for_each(|name| stand_in(&folder, name, &all));
        }
        // Not every system has the C library as archives, but every compiler has its own.
        None => stand_in(&folder, "gcc_s", COMPILER),
    }
}

/// The path of a library's archive.
fn archive(linker: &str, name: &str) -> Option<String> {
    let asked = Command::new(linker).arg(format!("-print-file-name=lib{name}.a")).output().ok()?;
    let path = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    // A name that is not found comes back as it was.
    (Path::new(&path).is_absolute() && Path::new(&path).exists()).then_some(path)
}

/// What the linker finds when it looks for a shared library of this name.
fn stand_in(folder: &Path, name: &str, parts: &str) {
    let text = format!("GROUP({parts})\n");
    fs::write(folder.join(format!("lib{name}.so")), text).expect("the folder is there to be written to");
}
