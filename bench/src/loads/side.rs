//! One server with its clients, and what was measured of it.

use crate::{
    Fallible,
    clients::{Client, Page},
    process::{Kind, Server, own_cpu},
    report::{Detail, Goal, Report, Row},
    stats::{Figure, Samples},
};
use std::{
    future::Future,
    io,
    time::{Duration, Instant},
};

/// A side of a comparison.
#[derive(Debug)]
pub struct Side<C> {
    pub kind: Kind,
    pub server: Server,
    pub clients: Vec<C>,
    pub samples: Vec<f64>,
    operations: u64,
    cpu: Duration,
    generator: Duration,
}

/// A side that may not be there: the text says why.
pub type Peer<C> = Result<Side<C>, String>;

/// How long one turn may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

impl<C: Client> Side<C> {
    /// Starts the server and connects so many clients, a few at a time.
    pub async fn open(kind: Kind, page: Page, clients: usize) -> Fallible<Self> {
        let mut side = Side::start(kind).await?;
        side.connect(page, clients).await?;
        Ok(side)
    }

    /// As `open`, for a peer: the run goes on without it.
    pub async fn peer(kind: Kind, page: Page, clients: usize) -> Peer<C> {
        let side = Side::open(kind, page, clients).await;
        side.map_err(|error| format!("{} can't be measured: {error}", kind.name()))
    }

    /// Connects more clients.
    pub async fn connect(&mut self, page: Page, clients: usize) -> Fallible {
        let address = self.server.address;
        let mut left = clients;
        while left > 0 {
            let many = left.min(AT_ONCE);
            let connecting = (0..many).map(|_| tokio::spawn(C::connect(address, page)));
            for client in connecting.collect::<Vec<_>>() {
                self.clients.push(client.await??);
            }
            left -= many;
        }
        Ok(())
    }

    /// Has all clients do the same at once.
    pub async fn all<F, Done>(&mut self, each: F) -> Fallible
    where
        F: Fn(C) -> Done,
        Done: Future<Output = io::Result<C>> + Send + 'static,
    {
        let running: Vec<_> = self
            .clients
            .drain(..)
            .map(|client| tokio::spawn(each(client)))
            .collect();
        for client in running {
            self.clients.push(client.await??);
        }
        Ok(())
    }
}

impl<C> Side<C> {
    /// Starts the server.
    pub async fn start(kind: Kind) -> Fallible<Self> {
        Ok(Side {
            kind,
            server: kind.start().await?,
            clients: Vec::new(),
            samples: Vec::new(),
            operations: 0,
            cpu: Duration::ZERO,
            generator: Duration::ZERO,
        })
    }

    /// Measures what is done with this side: so many operations. Returns how long it took.
    pub async fn measure(
        &mut self,
        operations: u64,
        doing: impl AsyncFnOnce(&mut Self) -> Fallible,
    ) -> Fallible<Duration> {
        let (cpu, generator, start) = (self.server.cpu(), own_cpu(), Instant::now());
        tokio::time::timeout(PATIENCE, doing(self)).await??;
        let took = start.elapsed();
        self.cpu += self.server.cpu().saturating_sub(cpu);
        self.generator += own_cpu().saturating_sub(generator);
        self.operations += operations;
        Ok(took)
    }

    /// What was measured is another thing than what comes.
    pub fn forget(&mut self) {
        self.samples.clear();
        (self.operations, self.cpu, self.generator) = (0, Duration::ZERO, Duration::ZERO);
    }

    pub fn figure(&self) -> Option<Figure> {
        Samples::new(self.samples.clone()).figure()
    }

    /// Processor time for one operation.
    pub fn detail(&self, what: &str, note: String) -> Detail {
        let per = |time: Duration| time.as_secs_f64() * 1e6 / self.operations.max(1) as f64;
        Detail {
            what: what.to_owned(),
            server: self.kind.name(),
            cpu_us: per(self.cpu),
            generator_us: per(self.generator),
            note,
        }
    }
}

const AT_ONCE: usize = 50;

/// A row of ours against a peer that may be missing.
pub fn row<A, B>(
    what: &str,
    unit: &'static str,
    ours: &Side<A>,
    theirs: &Peer<B>,
    goal: Goal,
    peer: Kind,
) -> Row {
    Row {
        what: what.to_owned(),
        against: peer.name().to_owned(),
        unit,
        ours: ours.figure(),
        theirs: theirs.as_ref().ok().and_then(Side::figure),
        goal,
        remark: theirs.as_ref().err().cloned().unwrap_or_default(),
    }
}

/// Notes the processor time of each side that is there.
pub fn details<A, B>(report: &mut Report, what: &str, ours: &Side<A>, theirs: &[&Peer<B>]) {
    report.details.push(ours.detail(what, String::new()));
    let there = theirs.iter().filter_map(|side| side.as_ref().ok());
    report
        .details
        .extend(there.map(|side| side.detail(what, String::new())));
}
