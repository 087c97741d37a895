//! A connection: the process that serves one client until it leaves.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use super::command::Command;
use super::counters::Counters;
use super::outbox::Outbox;
use super::pipeline::{Next, Pipeline};
use super::requests::{ProtocolError, Requests};
use super::shards::Shards;

/// One client, as its process sees it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    requests: Requests,
    pipeline: Pipeline,
    outbox: Outbox,
}

/// Whether a client gets another round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Continue,
    Close,
}

impl Connection {
    /// A client that has just been accepted.
    #[must_use]
    pub fn new(stream: TcpStream, shards: &Shards, counters: &Counters) -> Self {
        let pipeline = Pipeline::new(shards, counters);
        Self { stream, requests: Requests::default(), pipeline, outbox: Outbox::default() }
    }

    /// Serves the client until it leaves, or cannot be understood. Errors of the network are the client's way
    /// of leaving.
    ///
    /// # Cancel safety
    /// The client is cut off.
    pub async fn serve(mut self) {
        let _client_has_left = self.rounds().await;
    }

    async fn rounds(&mut self) -> io::Result<()> {
        while self.requests.read_from(&mut self.stream).await? > 0 {
            let then = self.answer_all().await?;
            if then == Then::Close {
                return self.close().await;
            }
        }
        Ok(())
    }

    /// Answers all requests that have arrived as a whole. Nothing is read meanwhile, so a client that does
    /// not take its answers cannot make this one grow.
    async fn answer_all(&mut self) -> io::Result<Then> {
        loop {
            let next = self.next_round();
            self.pipeline.run(&mut self.outbox).await;
            self.stream.write_all_buf(&mut self.outbox).await?;
            self.outbox.shrink();
            match next {
                Next::More => return Ok(Then::Continue),
                Next::Run => {}
                Next::Close => return Ok(Then::Close),
            }
        }
    }

    /// Puts requests into the pipeline until they are all in, or the round is full.
    fn next_round(&mut self) -> Next {
        loop {
            let next = match self.requests.next_request() {
                Ok(None) => return Next::More,
                Ok(Some(words)) => match Command::parse(words) {
                    Ok(command) => self.pipeline.push(command),
                    Err(error) => self.pipeline.push_error(&error),
                },
                Err(error) => self.give_up(error),
            };
            if next != Next::More {
                return next;
            }
        }
    }

    /// Where the next request would begin is not known, so there is none.
    fn give_up(&mut self, error: ProtocolError) -> Next {
        let _closes_anyway = self.pipeline.push_error(&error);
        Next::Close
    }

    /// Closes so that the client gets the last answer: what it still sends is read for a moment, as bytes
    /// that nobody reads would make the system throw the answer away.
    async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let mut scrap = vec![0; SCRAP_SIZE];
        let rest = async {
            while self.stream.read(&mut scrap).await? > 0 {}
            io::Result::Ok(())
        };
        timeout(CLOSE_MAX, rest).await.unwrap_or(Ok(()))
    }
}

/// How long a client may take to notice that the connection is closed.
const CLOSE_MAX: Duration = Duration::from_secs(1);

const SCRAP_SIZE: usize = 16 * 1024;
