//! The pages of error codes: each code has one, its wrong example gives the code, in its right one nothing is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use caz::diagnostic::{Code, Diagnostics};
use caz::reference::error_page;
use caz::stream::Assembly;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

/// The fenced blocks below a heading: what stands behind the language, and the text.
fn blocks(page: &str, heading: &str) -> Vec<(String, String)> {
    let section = page.split("\n## ").find_map(|section| section.strip_prefix(&format!("{heading}\n"))).unwrap_or_default();
    let fenced = section.split("```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (info, text) = block.split_once('\n').unwrap();
            (info.split_once(' ').map_or(String::new(), |(_, file)| file.to_owned()), text.to_owned())
        })
        .collect()
}

/// The top-level keys of a YAML text with the lines of each.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|first: char| first.is_ascii_lowercase()) {
            sections.push((line.split(':').next().unwrap().to_owned(), String::new()));
        }
        let (_, lines) = sections.last_mut().unwrap();
        *lines += &format!("{line}\n");
    }
    sections
}

/// What is found in an example, completed by the base.
fn findings(page: &str, heading: &str) -> Diagnostics {
    let blocks = blocks(page, heading);
    let (_, example) = blocks.iter().find(|(file, _)| file.is_empty()).unwrap_or_else(|| panic!("no example under `{heading}`:\n{page}"));
    let own = sections(example);
    let base = std::fs::read_to_string(folder().join("base.yaml")).unwrap();
    let models = folder().join("../examples/models").canonicalize().unwrap();
    let rest = sections(&base).into_iter().filter(|(key, _)| own.iter().all(|(given, _)| given != key));
    let text: String =
        rest.map(|(_, lines)| lines.replace("../examples/models", &models.display().to_string())).chain([example.clone()]).collect();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::copy(folder().join("events.avsc"), scratch.path().join("events.avsc")).unwrap();
    for (file, text) in blocks.iter().filter(|(file, _)| !file.is_empty()) {
        std::fs::write(scratch.path().join(file), text).unwrap();
    }
    std::fs::write(scratch.path().join("pipeline.yaml"), text).unwrap();
    match Assembly::load(&scratch.path().join("pipeline.yaml")) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    }
}

#[test]
fn every_code_has_a_page() {
    for code in Code::ALL {
        assert!(error_page(*code).starts_with(&format!("# {code}: ")), "docs/errors/{code}.md is missing, or has another title");
    }
    let pages = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = pages.filter(|name| name.starts_with('E')).count();
    assert_eq!(pages, Code::ALL.len(), "there is a page for a code that does not exist");
}

#[test]
fn the_wrong_example_gives_the_code() {
    for code in Code::ALL {
        let found = findings(error_page(*code), "Wrong");
        assert!(found.iter().any(|found| found.code == *code), "{code}: the wrong example gives\n{}", found.render(false));
    }
}

#[test]
fn nothing_is_found_in_the_right_example() {
    for code in Code::ALL {
        let found = findings(error_page(*code), "Right");
        assert!(found.is_empty(), "{code}: in the right example is found\n{}", found.render(false));
    }
}
