//! Reaching a host through a SOCKS 5 proxy.

use sluice_net::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection to a host, made by the proxy. The error is a text for people.
pub async fn connect(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, String> {
    if proxy.url.scheme() != "socks5" {
        return Err(format!("proxy scheme {:?} cannot carry SSH: use socks5", proxy.url.scheme()));
    }
    let at = proxy.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((at, proxy.url.port().unwrap_or(1080)))
        .await
        .map_err(|error| format!("socks connect {at}: {error}"))?;
    negotiate(&mut stream, proxy, host, port)
        .await
        .map_err(|error| format!("socks connect {at}: {error}"))?;
    Ok(stream)
}

async fn negotiate(stream: &mut TcpStream, proxy: &Proxy, host: &str, port: u16) -> std::io::Result<()> {
    let fail = |text: &str| std::io::Error::other(text.to_owned());
    let method = if proxy.login.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, method]).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    if answer != [5, method] {
        return Err(fail("the proxy wants another way of logging in"));
    }
    if let Some((username, password)) = &proxy.login {
        let length = |text: &str| u8::try_from(text.len()).map_err(|_| fail("login too long"));
        let mut request = vec![1, length(username)?];
        request.extend_from_slice(username.as_bytes());
        request.push(length(password)?);
        request.extend_from_slice(password.as_bytes());
        stream.write_all(&request).await?;
        stream.read_exact(&mut answer).await?;
        if answer[1] != 0 {
            return Err(fail("the proxy refused the login"));
        }
    }
    let mut request = vec![5, 1, 0, 3, u8::try_from(host.len()).map_err(|_| fail("host name too long"))?];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    if head[1] != 0 {
        return Err(fail("the proxy could not reach the host"));
    }
    let rest = match head[3] {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(fail("malformed answer")),
    };
    let mut bound = vec![0; rest + 2];
    stream.read_exact(&mut bound).await?;
    Ok(())
}
