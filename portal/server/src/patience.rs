//! Connections on which a visitor must take what was asked for: without a limit of time, one who asks and never reads
//! would hold a connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Accepts as `acceptor` does; on the connections then, what is written must be on its way within `limit`.
#[derive(Debug, Clone)]
pub(crate) struct PatientAcceptor<A> {
    pub(crate) acceptor: A,
    pub(crate) limit: Duration,
}

/// A connection whose other end has `limit` to take more of what is written.
pub(crate) struct PatientStream<T> {
    stream: T,
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

type Accepting<T, V> = Pin<Box<dyn Future<Output = io::Result<(PatientStream<T>, V)>> + Send>>;

impl<I, S, A> Accept<I, S> for PatientAcceptor<A>
where
    A: Accept<I, S, Future: Send + 'static>,
{
    type Stream = PatientStream<A::Stream>;
    type Service = A::Service;
    type Future = Accepting<A::Stream, A::Service>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let (accepting, limit) = (self.acceptor.accept(stream, service), self.limit);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((PatientStream { stream, limit, waiting: None }, service))
        })
    }
}

impl<T> PatientStream<T> {
    /// Passes progress on; ends the connection when there has been none for too long.
    fn limited<R>(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if progress.is_ready() {
            self.waiting = None;
            return progress;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PatientStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PatientStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, octets);
        self.limited(context, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.limited(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.limited(context, progress)
    }
}
