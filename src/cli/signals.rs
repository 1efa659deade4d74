//! SIGTERM and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT and answers its name; none when signals cannot be waited for.
pub(super) async fn stop_signal() -> Option<&'static str> {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be waited for; only SIGKILL will stop this process");
        return None;
    };
    Some(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Sets the answer at SIGTERM or Ctrl-C, for a command without a control plane. The waiting thread ends with the process.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn stop_on_signal() -> std::io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::Builder::new().name("caz-signals".into()).spawn(move || {
        if runtime.block_on(stop_signal()).is_some() {
            flag.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(stop)
}
