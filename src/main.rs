//! The caz command.

/// Runs the command line.
fn main() -> std::process::ExitCode {
    caz::cli::main()
}
