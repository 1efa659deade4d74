//! SIGTERM and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT and answers its name; none when signals cannot be waited for.
async fn stop_signal() -> Option<&'static str> {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be waited for; only SIGKILL will stop this process");
        return None;
    };
    Some(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Sets the answer at SIGTERM or Ctrl-C. To be called first: until then a signal ends the process at once. The waiting thread ends with it.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn stop_on_signal() -> std::io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::Builder::new().name("caz-signals".into()).spawn(move || {
        if let Some(name) = runtime.block_on(stop_signal()) {
            tracing::info!(signal = name, "told to stop");
            flag.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(stop)
}
