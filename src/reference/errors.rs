//! The pages of the diagnostics' codes, which are written by hand and built into the program.

use super::table::Table;
use crate::diagnostic::Code;

/// The page of a code: what it means, an example that is wrong, the same example mended. Markdown.
pub fn error_page(code: Code) -> &'static str {
    pages().iter().find(|(name, _)| *name == code.as_str()).map_or("", |(_, page)| *page)
}

/// Every page by its code.
fn pages() -> &'static [(&'static str, &'static str)] {
    include!(concat!(env!("OUT_DIR"), "/errors.rs"))
}

/// The index of the pages.
pub fn error_index() -> String {
    let mut table = Table::new(&["code", "what is wrong"]);
    for code in Code::ALL {
        let title = error_page(*code).lines().next().and_then(|title| title.split_once(": ")).map_or("", |(_, title)| title);
        table.row(vec![format!("[{code}]({code}.md)"), title.into()]);
    }
    format!(
        "# Errors\n\n\
         Each message of `caz check` has a code, and each code a page here, which `caz explain-error E0201` prints too: what it means, an \
         example that is wrong, and the same example mended. What is the same in all examples is left out and stands in \
         [base.yaml](base.yaml); their events are those of [events.avsc](events.avsc). A test checks that the wrong example gives the code, and \
         that nothing is found in the mended one.\n\n{table}"
    )
}
