//! A client of the floor.

use super::{Client, Page, fresh_number};
use crate::net::{
    Wire,
    events::EventStream,
    http::{self, request},
};
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// One open page.
#[derive(Debug)]
pub struct Floor {
    address: SocketAddr,
    session: u64,
    wire: Wire,
    stream: EventStream,
    click: Vec<u8>,
    count: u64,
}

impl Floor {
    pub async fn open_stream(address: SocketAddr, session: u64) -> io::Result<EventStream> {
        EventStream::open(address, &format!("/stream?session={session}"), &[]).await
    }

    /// Begins so many updates of a session.
    pub async fn burst(wire: &mut Wire, session: u64, updates: u64) -> io::Result<()> {
        let path = format!("/burst?session={session}&updates={updates}");
        wire.send(&request("POST", &path, &[], "")).await?;
        answered(wire).await
    }
}

async fn answered(wire: &mut Wire) -> io::Result<()> {
    let (head, _) = http::answer(wire).await?;
    if head.status != 200 {
        return Err(io::Error::other(format!("refused: {head:?}")));
    }
    Ok(())
}

async fn next(stream: &mut EventStream) -> io::Result<u64> {
    let event = stream.next().await?;
    event.data.parse().map_err(io::Error::other)
}

impl Client for Floor {
    async fn connect(address: SocketAddr, _: Page) -> io::Result<Self> {
        let session = fresh_number();
        let mut wire = Wire::connect(address).await?;
        wire.send(&request("GET", "/", &[], "")).await?;
        answered(&mut wire).await?;
        let mut stream = Floor::open_stream(address, session).await?;
        let count = next(&mut stream).await?;
        let body = format!(r#"{{"session":{session}}}"#);
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ];
        let click = request("POST", "/floor/click", &headers, &body);
        Ok(Floor {
            address,
            session,
            wire,
            stream,
            click,
            count,
        })
    }

    async fn clicks(&mut self, count: u64) -> io::Result<()> {
        let target = self.count + count;
        let sent = async {
            for _ in 0..count {
                self.wire.send(&self.click).await?;
                answered(&mut self.wire).await?;
            }
            Ok::<_, io::Error>(())
        };
        let shown = async {
            while next(&mut self.stream).await? < target {}
            Ok(())
        };
        tokio::try_join!(sent, shown)?;
        self.count = target;
        Ok(())
    }

    async fn click(&mut self) -> io::Result<Duration> {
        let start = Instant::now();
        self.wire.send(&self.click).await?;
        self.count += 1;
        let shown = async {
            while next(&mut self.stream).await? < self.count {}
            Ok(start.elapsed())
        };
        let (took, ()) = tokio::try_join!(shown, answered(&mut self.wire))?;
        Ok(took)
    }

    async fn cut(&mut self) -> io::Result<()> {
        self.stream.cut().await
    }

    async fn click_unseen(&mut self) -> io::Result<()> {
        self.wire.send(&self.click).await?;
        self.count += 1;
        answered(&mut self.wire).await
    }

    async fn come_back(&mut self) -> io::Result<()> {
        self.stream = Floor::open_stream(self.address, self.session).await?;
        while next(&mut self.stream).await? < self.count {}
        Ok(())
    }

    type Stream = EventStream;

    fn into_stream(self) -> EventStream {
        self.stream
    }

    fn bytes_in(&self) -> u64 {
        self.stream.bytes_in()
    }
}
