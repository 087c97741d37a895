//! A client that speaks HTTP by hyper, and knows whether an answer is whole.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::program::soon;

/// A connection to the service.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

/// The service has closed the connection, or never opened it, and has not begun to answer.
#[derive(Debug)]
pub(crate) struct NotAnswered;

impl Client {
    pub(crate) async fn connect(port: u16) -> Result<Self, NotAnswered> {
        let stream =
            soon(TcpStream::connect(("127.0.0.1", port))).await.map_err(|_| NotAnswered)?;
        let (send, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| NotAnswered)?;
        let _ends_with_the_connection = tokio::runtime::Handle::current().spawn(connection);
        Ok(Self(send))
    }

    /// Asks, and waits for the whole answer. An answer that has begun and is not whole is a failure.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Bytes), NotAnswered> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "service")
            .body(Full::new(body.into()))
            .expect("a request");
        soon(self.0.ready()).await.map_err(|_| NotAnswered)?;
        let answer = soon(self.0.send_request(request)).await.map_err(|_| NotAnswered)?;
        let status = answer.status();
        let body = soon(answer.into_body().collect()).await.expect("an answer is whole");
        Ok((status, body.to_bytes()))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), NotAnswered> {
        self.ask(Method::GET, path, "").await
    }
}
