//! The server alone, for measuring and trying: `cargo run -p sluice-apiserver --example serve PORT KUBECONFIG`.
#![allow(clippy::disallowed_methods, reason = "a face: it tells the time")]

use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let clock = Arc::new(jiff::Timestamp::now);
    let server = sluice_apiserver::Server::bind(arguments[1].parse()?, clock).await?;
    std::fs::write(&arguments[2], server.kubeconfig())?;
    server.run().await;
    Ok(())
}
