//! A Git server over SSH: one authorised key, `git upload-pack` and `git receive-pack` behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::thread::JoinHandle;

use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{LineEnding, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

/// A key pair, made anew for each test.
#[derive(Debug, Clone)]
pub struct Key(PrivateKey);

impl Key {
    /// A new ed25519 key.
    pub fn generate() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut seed)?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
        PrivateKey::new(pair, "test").map(Self).map_err(std::io::Error::other)
    }

    /// The private key as OpenSSH writes it.
    pub fn private(&self) -> std::io::Result<String> {
        self.0.to_openssh(LineEnding::LF).map(|text| text.to_string()).map_err(std::io::Error::other)
    }

    /// `ssh-ed25519 AAAA…`, without a comment.
    pub fn public(&self) -> std::io::Result<String> {
        let line = self.0.public_key().to_openssh().map_err(std::io::Error::other)?;
        Ok(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }
}

/// A running server of all `*.git` below its root.
#[derive(Debug)]
pub struct SshServer {
    port: u16,
    host_key: Key,
    client_key: Key,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SshServer {
    /// Serves on a free port with new keys.
    pub fn start(root: &Path) -> std::io::Result<Self> {
        Self::start_with(root, Key::generate()?, Key::generate()?)
    }

    /// Serves with given keys: the host's, and the one client's that is let in.
    pub fn start_with(root: &Path, host_key: Key, client_key: Key) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let config = Arc::new(Config {
            keys: vec![host_key.0.clone()],
            auth_rejection_time: std::time::Duration::from_millis(10),
            auth_rejection_time_initial: Some(std::time::Duration::ZERO),
            ..Config::default()
        });
        let client =
            Client { root: root.to_owned(), allowed: client_key.public()?, channels: BTreeMap::new() };
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, config, client) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Self { port, host_key, client_key, stop: Some(stop), thread: Some(thread) })
    }

    /// `ssh://git@127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("ssh://git@127.0.0.1:{}", self.port)
    }

    /// The line that a `known_hosts` needs.
    pub fn known_hosts(&self) -> std::io::Result<String> {
        Ok(format!("[127.0.0.1]:{} {}\n", self.port, self.host_key.public()?))
    }

    /// The key that is let in.
    pub fn client_key(&self) -> &Key {
        &self.client_key
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, config: Arc<Config>, client: Client) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (config, client) = (Arc::clone(&config), client.clone());
        connections.spawn(async move {
            if let Ok(session) = russh::server::run_stream(config, stream, client).await {
                let _ = session.await;
            }
        });
    }
}

/// One connection.
struct Client {
    root: PathBuf,
    allowed: String,
    channels: BTreeMap<ChannelId, Channel<Msg>>,
}

impl Clone for Client {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), allowed: self.allowed.clone(), channels: BTreeMap::new() }
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let line = key.public_key.to_openssh().unwrap_or_default();
        let is_allowed = line.split_whitespace().take(2).eq(self.allowed.split_whitespace());
        Ok(if is_allowed { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(command).into_owned();
        let (Some(channel), Some((program, folder))) =
            (self.channels.remove(&id), requested(&self.root, &command))
        else {
            session.channel_failure(id)?;
            return Ok(());
        };
        session.channel_success(id)?;
        let handle = session.handle();
        tokio::spawn(async move {
            let code = serve(channel, program, &folder).await.unwrap_or(128);
            let _ = handle.exit_status_request(id, code).await;
            let _ = handle.eof(id).await;
            let _ = handle.close(id).await;
        });
        Ok(())
    }
}

/// `git-upload-pack '/name.git'` -> what to run and where; nothing outside the root.
fn requested(root: &Path, command: &str) -> Option<(&'static str, PathBuf)> {
    let (program, path) = command.split_once(' ')?;
    let program = match program {
        "git-upload-pack" => "upload-pack",
        "git-receive-pack" => "receive-pack",
        _ => return None,
    };
    let path = path.trim().trim_matches('\'').trim_start_matches('/');
    let is_inside = !path.split('/').any(|part| part == "..");
    is_inside.then(|| (program, root.join(path)))
}

async fn serve(channel: Channel<Msg>, program: &str, folder: &Path) -> std::io::Result<u32> {
    let mut child = tokio::process::Command::new("git")
        .arg(program)
        .arg(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = child.stdin.take().expect("stdin is piped");
    let mut output = child.stdout.take().expect("stdout is piped");
    let mut errors = child.stderr.take().expect("stderr is piped");
    let (mut reader, writer) = channel.split();
    let (mut to_client, mut errors_to_client) = (writer.make_writer(), writer.make_writer_ext(Some(1)));
    // The client's end may stay open until it has our exit status, so only the child's end counts.
    let feed = tokio::spawn(async move {
        let mut from_client = reader.make_reader();
        let _ = tokio::io::copy(&mut from_client, &mut input).await;
        let _ = input.shutdown().await;
    });
    let (sent, _) = tokio::join!(
        tokio::io::copy(&mut output, &mut to_client),
        tokio::io::copy(&mut errors, &mut errors_to_client)
    );
    sent?;
    let _ = to_client.flush().await;
    let status = child.wait().await?;
    feed.abort();
    Ok(status.code().unwrap_or(128) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repository;

    #[test]
    fn nothing_outside_the_root_is_served() {
        let root = Path::new("/r");
        assert_eq!(requested(root, "git-upload-pack '/a.git'"), Some(("upload-pack", root.join("a.git"))));
        assert_eq!(requested(root, "git-upload-pack '/../a.git'"), None);
        assert_eq!(requested(root, "rm -rf /"), None);
    }

    #[test]
    fn openssh_can_clone_from_it() {
        let root = tempfile::tempdir().unwrap();
        let mut repository = Repository::create(root.path(), "app").unwrap();
        let id = repository.commit(&[("a.yaml", Some("a: 1\n"))]).unwrap();
        let server = SshServer::start(root.path()).unwrap();
        let key = root.path().join("key");
        std::fs::write(&key, server.client_key().private().unwrap()).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let hosts = root.path().join("known_hosts");
        std::fs::write(&hosts, server.known_hosts().unwrap()).unwrap();
        let has_ssh = std::process::Command::new("ssh").arg("-V").stderr(Stdio::null()).status().is_ok();
        if !has_ssh {
            return crate::peers::skip("openssh_can_clone_from_it", "there is no ssh");
        }
        let ssh = format!(
            "ssh -F none -o IdentitiesOnly=yes -i {} -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes",
            key.display(),
            hosts.display()
        );
        let got = std::process::Command::new("git")
            .args(["clone", "-q", &format!("{}/app.git", server.url()), "copy"])
            .env("GIT_SSH_COMMAND", ssh)
            .current_dir(root.path())
            .output()
            .unwrap();
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let head = std::fs::read_to_string(root.path().join("copy/.git/refs/heads/main")).unwrap();
        assert_eq!(head.trim(), id);
    }
}
