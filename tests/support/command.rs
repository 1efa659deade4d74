//! The `caz` command, run to its end beside a pipeline file.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::car_insurance::root;

/// How a command ended, with the project's folder written as `ROOT`.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The example's text with paths that hold anywhere, and these texts replaced, each of which must be there.
pub fn example(replacements: &[(&str, &str)]) -> String {
    let text = std::fs::read_to_string(root().join("config/car-insurance.yaml"))
        .expect("the example")
        .replace("../", &format!("{}/", root().display()))
        .replace("frozen: car", &format!("frozen: {}/config/car", root().display()));
    replacements.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "the example has no `{from}`");
        text.replacen(from, to, 1)
    })
}

/// Runs `caz` in `folder`.
pub fn caz(folder: &Path, arguments: &[&str]) -> Ended {
    caz_with(folder, arguments, &[], b"")
}

/// Runs `caz` in `folder` with environment variables and a standard input.
pub fn caz_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_caz"))
        .args(arguments)
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", caz::model::library().expect("ONNX Runtime"))
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("a child");
    let text = |bytes: Vec<u8>| without_root(&String::from_utf8(bytes).expect("UTF-8"));
    Ended { code: output.status.code().expect("an exit code"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The text with ROOT in place of the project's folder, and marks beneath it as long as if it were so.
fn without_root(text: &str) -> String {
    let root = root().display().to_string();
    let (mut shown, mut before) = (String::new(), "");
    for line in text.split_inclusive('\n') {
        let is_marked = before.contains(&root) && line.contains('^');
        let too_many = if is_marked { "^".repeat(root.len() - "ROOT".len()) } else { String::new() };
        shown.push_str(&line.replacen(&too_many, "", 1).replace(&root, "ROOT"));
        before = line;
    }
    shown
}
