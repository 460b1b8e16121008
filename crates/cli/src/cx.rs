//! What every command is given: the two streams, the flags for all, and the cluster once it asks for it.

use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::connect::GlobalArgs;
use crate::error::{CliError, CliResult};
use crate::ui::Ui;

const GRACE: Duration = Duration::from_millis(200);

pub struct Cx {
    pub ui: Ui,
    pub namespace: String,
    /// When the time that `--timeout` gives is over.
    deadline: Instant,
    global: GlobalArgs,
    cluster: OnceCell<Cluster>,
}

impl Cx {
    pub fn new(ui: Ui, global: GlobalArgs) -> CliResult<Self> {
        let namespace = global.choose_namespace(&ui)?;
        Ok(Self {
            ui,
            namespace,
            deadline: Instant::now() + global.timeout.to_std(),
            global,
            cluster: OnceCell::new(),
        })
    }

    /// Runs something within the command's time.
    pub async fn in_time<T>(&self, work: impl Future<Output = CliResult<T>>) -> CliResult<T> {
        tokio::time::timeout_at(self.deadline, work).await.unwrap_or_else(|_| Err(CliError::deadline()))
    }

    /// Follows something for the command's time; that its end comes is no failure.
    pub async fn until_deadline(&self, work: impl Future<Output = CliResult>) -> CliResult {
        tokio::time::timeout_at(self.deadline, work).await.unwrap_or(Ok(()))
    }

    /// Runs the command itself, which is left a moment to tell of those of its parts whose time was over.
    pub async fn in_time_with_grace<T>(&self, work: impl Future<Output = CliResult<T>>) -> CliResult<T> {
        let end = self.deadline + GRACE;
        tokio::time::timeout_at(end, work).await.unwrap_or_else(|_| Err(CliError::deadline()))
    }

    /// The cluster; connects at the first call.
    pub async fn cluster(&self) -> CliResult<&Cluster> {
        self.cluster.get_or_try_init(|| self.global.connect()).await
    }
}
