//! The pages of error codes: each code has one, its wrong example gives the code, in its right one nothing is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod pages;

use caz::diagnostic::Code;
use caz::reference::error_page;
use pages::{findings, folder};

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

/// What is found in the example under a heading of a page.
fn found(page: &str, heading: &str) -> Vec<(Code, String)> {
    let (examples, files): (Vec<_>, Vec<_>) = blocks(page, heading).into_iter().partition(|(file, _)| file.is_empty());
    let [(_, example)] = examples.as_slice() else { panic!("not one example under `{heading}`:\n{page}") };
    findings(example, &files, |found, _| found.iter().map(|one| (one.code, found.render(false))).collect())
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
        let found = found(error_page(*code), "Wrong");
        assert!(found.iter().any(|(found, _)| found == code), "{code}: the wrong example gives\n{found:#?}");
    }
}

#[test]
fn nothing_is_found_in_the_right_example() {
    for code in Code::ALL {
        let found = found(error_page(*code), "Right");
        assert!(found.is_empty(), "{code}: in the right example is found\n{found:#?}");
    }
}
