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

/// Handles SIGTERM and Ctrl-C. The first process of a container ignores signals that it does not handle, so this is to be made first; and
/// as starting waits for others, a signal ends the process at once while there is nothing to finish.
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    has_work: Arc<AtomicBool>,
}

impl Signals {
    /// Starts the thread that waits for a signal, and ends with it.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn handle() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = Self { stop: Arc::default(), has_work: Arc::default() };
        let (stop, has_work) = (Arc::clone(&signals.stop), Arc::clone(&signals.has_work));
        std::thread::Builder::new().name("caz-signals".into()).spawn(move || {
            if let Some(name) = runtime.block_on(stop_signal()) {
                stop.store(true, Ordering::SeqCst);
                tracing::info!(signal = name, "told to stop");
                if !has_work.load(Ordering::SeqCst) {
                    std::process::exit(0);
                }
            }
        })?;
        Ok(signals)
    }

    /// From here on a signal sets the answer and no more.
    pub(super) fn begin_work(self) -> Arc<AtomicBool> {
        self.has_work.store(true, Ordering::SeqCst);
        self.stop
    }
}

/// Sets the answer at SIGTERM or Ctrl-C.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn stop_on_signal() -> std::io::Result<Arc<AtomicBool>> {
    Ok(Signals::handle()?.begin_work())
}
