//! The control plane of a process: one background thread that serves HTTP beside the workers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::exit::{Failure, running};
use crate::telemetry::{Endpoint, Exposition, Health};

/// The running control plane.
pub(super) struct ControlPlane {
    runtime: Runtime,
    address: SocketAddr,
    health: Health,
    end: oneshot::Sender<()>,
}

impl ControlPlane {
    /// Takes the address and serves `/metrics`, `/healthz` and `/readyz` there.
    pub(super) fn start(address: SocketAddr, exposition: Exposition, health: Health) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("caz-control").enable_all().build()?;
        let endpoint = runtime.block_on(Endpoint::bind(address)).map_err(running)?;
        let address = endpoint.address();
        let (end, ended) = oneshot::channel();
        runtime.spawn(endpoint.serve(exposition, health.clone(), async {
            let _ = ended.await;
        }));
        Ok(Self { runtime, address, health, end })
    }

    /// The address taken, with the real port.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process has begun to end: it is no longer ready.
    pub(super) fn drain(&self) {
        self.health.drain();
    }

    /// Finishes the answers under way and ends.
    pub(super) fn end(self) {
        let _ = self.end.send(());
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
