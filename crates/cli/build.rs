//! How the binary is linked.

use std::path::PathBuf;
use std::{env, fs};

/// A binary at a fixed address needs no relocation of its 2 MB of tables at each start; Go's programs are linked like that.
/// Libraries, stacks and heaps are at random addresses all the same.
#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts their target by the environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        // The compiler's library is small, and to look for it and to load it takes each start a tenth of a millisecond:
        // what goes by its name here is the same library as an archive.
        let folder = PathBuf::from(env::var("OUT_DIR").expect("cargo tells build scripts where they write"));
        fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")
            .expect("the folder is there to be written to");
        println!("cargo:rustc-link-search=native={}", folder.display());
    }
}
