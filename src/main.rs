//! The caz command.

/// It takes malloc's place for the C libraries too: librdkafka makes four pieces of memory for each score, of which thousands are under way.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs the command line.
fn main() -> std::process::ExitCode {
    caz::cli::main()
}
