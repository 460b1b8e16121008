//! The embedded control plane: our own API server and simulated controllers, on a thread of this process.
//!
//! As on the real plane there are no nodes: Pods are made and stay Pending.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use sluice_apiserver::Server;
use sluice_cluster::Cluster;
use tokio::sync::oneshot;

use super::PlaneError;

/// A running server; it ends when dropped.
#[derive(Debug)]
pub(super) struct Embedded {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where it is and how to come in.
pub(super) struct Address {
    pub url: String,
    pub authority: String,
    pub token: String,
}

impl Embedded {
    /// Starts the server, and controllers unless told otherwise; `folder/kubeconfig` is an administrator's.
    pub fn start(folder: &Path, with_controllers: bool) -> Result<(Self, Address), PlaneError> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::sync_channel(1);
        let kubeconfig = folder.join("kubeconfig");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let server = match Server::bind(0, Arc::new(jiff::Timestamp::now)).await {
                    Ok(server) => server,
                    Err(error) => return drop(tell.send(Err(PlaneError::Embedded(error)))),
                };
                if let Err(error) = std::fs::write(&kubeconfig, server.kubeconfig()) {
                    return drop(tell.send(Err(error.into())));
                }
                let address = Address {
                    url: server.url(),
                    authority: server.authority().to_owned(),
                    token: server.token().to_owned(),
                };
                let authority = address.authority.clone();
                let controllers = async {
                    let Ok(cluster) = Cluster::from_kubeconfig(&kubeconfig, None).await else { return };
                    if let Err(error) =
                        sluice_simulate::controllers(cluster, authority, jiff::Timestamp::now).await
                    {
                        eprintln!("the simulated controllers ended: {error}");
                    }
                };
                let controllers = async {
                    if with_controllers {
                        controllers.await;
                    }
                    std::future::pending::<()>().await;
                };
                let _ = tell.send(Ok(address));
                tokio::select! {
                    () = server.run() => {}
                    () = controllers => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        let embedded = Self { stop: Some(stop), thread: Some(thread) };
        let address =
            told.recv().unwrap_or_else(|_| Err(std::io::Error::other("its thread ended").into()))?;
        Ok((embedded, address))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
