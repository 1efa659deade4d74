//! A graph made in Python is the graph of the YAML file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::car_insurance::root;
use support::command::{caz, example};

#[test]
fn the_example_in_python_is_the_example_in_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .arg(root().join("python/examples/car_insurance.py"))
        .env("PYTHONPATH", root().join("python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(folder.path().join("graph.json"), output.stdout).unwrap();
    let yaml = example(&[]);
    std::fs::write(folder.path().join("yaml.yaml"), &yaml).unwrap();
    let (nodes, end) = (yaml.find("  nodes:\n").unwrap(), yaml.find("\noutput:\n").unwrap());
    let python = format!("{}  dsl: graph.json\n{}", &yaml[..nodes], &yaml[end..]);
    std::fs::write(folder.path().join("python.yaml"), python).unwrap();
    for arguments in [vec!["graph"], vec!["graph", "--format", "svg"], vec!["explain", "--case", "3", "--json"]] {
        let of = |file: &str| {
            let ended = caz(folder.path(), &[&arguments[..], &[file]].concat());
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
            ended.stdout
        };
        assert_eq!(of("python.yaml"), of("yaml.yaml"), "{arguments:?}");
    }
    assert_eq!(caz(folder.path(), &["check", "python.yaml"]).code, 0, "the golden cases pass");
}
