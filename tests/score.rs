//! `caz score` as a user meets it: the files that it reads and writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::car_insurance::root;
use support::command::{Ended, caz, example};
use tempfile::TempDir;

/// The example with the first rows of its dataset, whose header may be changed.
fn folder(header: impl Fn(&str) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), example(&[])).unwrap();
    let rows = std::fs::read_to_string(root().join("datasets/car-insurance.csv")).unwrap();
    let (names, rows) = rows.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().take(20).collect();
    std::fs::write(folder.path().join("rows.csv"), format!("{}\n{}\n", header(names), rows.join("\n"))).unwrap();
    folder
}

fn score(folder: &Path, input: &str, more: &[&str]) -> Ended {
    caz(folder, &[&["score", "pipeline.yaml", "--input", input], more].concat())
}

#[test]
fn no_file_is_written_over_another_of_the_command() {
    let folder = folder(str::to_owned);
    let path = |name: &str| folder.path().join(name);
    let rows = std::fs::read(path("rows.csv")).unwrap();
    std::os::unix::fs::symlink("rows.csv", path("link.csv")).unwrap();
    std::fs::hard_link(path("rows.csv"), path("other.csv")).unwrap();
    for (more, message) in [
        (&["-o", "rows.csv"][..], "error: --output rows.csv is the file of --input; it needs one of its own\n"),
        (&["-o", "link.csv"], "error: --output link.csv is the file of --input; it needs one of its own\n"),
        (&["-o", "other.csv"], "error: --output other.csv is the file of --input; it needs one of its own\n"),
        (&["-o", "new.csv", "--rejected", "./rows.csv"], "error: --rejected ./rows.csv is the file of --input; it needs one of its own\n"),
        (&["-o", "new.csv", "--rejected", "new.csv"], "error: --rejected new.csv is the file of --output; it needs one of its own\n"),
    ] {
        let ended = score(folder.path(), "rows.csv", more);
        assert_eq!((ended.code, ended.stderr.as_str()), (2, message));
        assert_eq!(std::fs::read(path("rows.csv")).unwrap(), rows, "{more:?}");
    }
}

#[test]
fn what_a_file_held_is_gone_when_all_files_can_be_written() {
    let folder = folder(str::to_owned);
    let path = folder.path().join("scores.jsonl");
    let old = "older and longer than a score\n".repeat(100);
    std::fs::write(&path, &old).unwrap();
    let ended = score(folder.path(), "rows.csv", &["-o", "scores.jsonl", "--rejected", "no-such-folder/rejected"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: no-such-folder/rejected: No such file or directory (os error 2)\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
    assert_eq!(score(folder.path(), "rows.csv", &["-o", "scores.jsonl", "--rejected", "rejected"]).code, 0);
    let scores = std::fs::read_to_string(&path).unwrap();
    assert_eq!(scores.lines().count(), 20);
    assert!(!scores.contains("older"));
}

#[test]
fn pipes_take_scores_and_rejected_rows() {
    let folder = folder(str::to_owned);
    std::os::unix::fs::symlink("/dev/stdout", folder.path().join("scores.jsonl")).unwrap();
    let ended = score(folder.path(), "rows.csv", &["-o", "scores.jsonl", "--rejected", "/dev/stdout"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 20), "{}", ended.stderr);
}

#[test]
fn a_field_that_the_header_lacks_is_told() {
    let nullable = folder(|names| names.replace(",age,", ",Age,"));
    let ended = score(nullable.path(), "rows.csv", &["-o", "scores.csv"]);
    let warning = "warning: rows.csv: the file lacks field `age` (it has `Age`), which is null in every row\n";
    assert!(ended.code == 0 && ended.stderr.starts_with(warning), "{}", ended.stderr);

    let required = folder(|names| names.replace(",age,", ",Age,").replace("pricequote,timestamp", "quote,Timestamp"));
    let ended = score(required.path(), "rows.csv", &["-o", "scores.csv"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: rows.csv: the file lacks field `pricequote`, field `timestamp` (it has `Timestamp`)\n")
    );
    assert!(!required.path().join("scores.csv").exists());
}
