//! Tells the program what it was built from and with: `CAZ_REVISION` and `CAZ_RUSTC`, which `caz_build_info` shows. Puts the texts of
//! `docs/examples` and `docs/errors` into it, as tables of name and text.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CAZ_REVISION");
    println!("cargo::rustc-env=CAZ_REVISION={}", revision());
    println!("cargo::rustc-env=CAZ_RUSTC={}", rustc());
    embed("docs/examples", "yaml")?;
    embed("docs/errors", "md")
}

/// Writes `OUT_DIR/<last part of folder>.rs`: a list of pairs, each file's path below the folder without its ending, and its text.
fn embed(folder: &str, ending: &str) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={folder}");
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR").unwrap_or_default()).join(folder);
    let mut files = Vec::new();
    files_below(&folder, ending, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap_or(file).with_extension("");
        // Writing to a string cannot fail.
        let _ = writeln!(table, "({:?}, include_str!({:?})),", name.display().to_string(), file.display().to_string());
    }
    table.push_str("]\n");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    std::fs::write(PathBuf::from(variable("OUT_DIR").unwrap_or_default()).join(format!("{name}.rs")), table)
}

fn files_below(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, ending, into)?;
        } else if path.extension().is_some_and(|extension| extension == ending) {
            into.push(path);
        }
    }
    Ok(())
}

/// `CAZ_REVISION` where it is set (image builds have no repository), else the repository's revision.
fn revision() -> String {
    if let Some(revision) = variable("CAZ_REVISION") {
        return revision;
    }
    // Builds for development would be stale, and compiled anew, at each commit.
    if variable("PROFILE").as_deref() != Some("release") {
        return "development".into();
    }
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    output("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).unwrap_or_else(|| "unknown".into())
}

/// The compiler's version, such as `1.95.0`.
fn rustc() -> String {
    let version = variable("RUSTC").and_then(|rustc| output(&rustc, &["--version"]));
    version.and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_else(|| "unknown".into())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
