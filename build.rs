//! Tells the program what it was built from and with: `CAZ_REVISION` and `CAZ_RUSTC`, which `caz_build_info` shows.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CAZ_REVISION");
    println!("cargo::rustc-env=CAZ_REVISION={}", revision());
    println!("cargo::rustc-env=CAZ_RUSTC={}", rustc());
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
