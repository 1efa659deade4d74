//! The caz command.

/// librdkafka makes seven pieces of memory for each record on the worker's thread and frees them on its own: mimalloc is made for that.
/// It takes malloc's place for the C libraries too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line.
fn main() -> std::process::ExitCode {
    caz::cli::main()
}
