//! Connections on which the service knows who calls: the other end's address, and its certificate where it has one.

use std::io;
use std::pin::Pin;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use openssl::hash::MessageDigest;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use tower::Layer as _;

use crate::terminal::Caller;

/// Accepts as `acceptor` does, and tells every request on the connection who calls.
#[derive(Debug, Clone)]
pub(super) struct CallerAcceptor<A>(pub(super) A);

/// A connection that may have shown a certificate.
pub(super) trait Certified {
    /// SHA-256 of the certificate that the other end has shown and that was verified.
    fn certificate(&self) -> io::Result<Option<[u8; 32]>>;
}

impl Certified for TcpStream {
    fn certificate(&self) -> io::Result<Option<[u8; 32]>> {
        Ok(None)
    }
}

impl Certified for SslStream<TcpStream> {
    fn certificate(&self) -> io::Result<Option<[u8; 32]>> {
        let Some(certificate) = self.ssl().peer_certificate() else { return Ok(None) };
        let digest = certificate.digest(MessageDigest::sha256())?;
        digest.as_ref().try_into().map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

type Accepting<T, V> = Pin<Box<dyn Future<Output = io::Result<(T, V)>> + Send>>;

impl<S, A> Accept<TcpStream, S> for CallerAcceptor<A>
where
    A: Accept<TcpStream, S, Stream: Certified, Future: Send + 'static>,
{
    type Stream = A::Stream;
    type Service = AddExtension<A::Service, Caller>;
    type Future = Accepting<A::Stream, Self::Service>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let address = stream.peer_addr();
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let address = address?.ip();
            let (stream, service) = accepting.await?;
            let certificate = stream.certificate()?;
            Ok((stream, Extension(Caller::back_end(address, certificate)).layer(service)))
        })
    }
}
