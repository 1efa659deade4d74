//! `caz explain-error`: what a code of a message means.

use super::exit::Failure;
use super::terminal;
use crate::diagnostic::{Code, nearest};

/// `caz explain-error CODE`
#[derive(clap::Args)]
pub(super) struct ExplainError {
    /// The code, such as E0201
    code: String,
}

impl ExplainError {
    pub(super) fn run(self) -> Result<(), Failure> {
        let asked = self.code.to_uppercase();
        match Code::ALL.iter().find(|code| code.as_str() == asked) {
            Some(code) => Ok(terminal::answer(crate::reference::error_page(*code))?),
            None => Err(Failure::Arguments(unknown(&asked))),
        }
    }
}

fn unknown(asked: &str) -> String {
    let codes = || Code::ALL.iter().map(|code| code.as_str());
    let near = nearest(asked, codes()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no code `{asked}`{near}\nThe codes: {}", codes().collect::<Vec<_>>().join(", "))
}
