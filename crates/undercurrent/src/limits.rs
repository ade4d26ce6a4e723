//! Every bound of the runtime, by name, in one place.

use serde::Deserialize;
use std::ops::RangeInclusive;

/// What the runtime allows at most. Each can be set in Leptos.toml, in the table
/// `[undercurrent.limits]`, by its name with dashes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Scopes in memory. When there is no room the one that has been idle the longest goes; when
    /// none is idle the event that would make a new one is refused (`Full`).
    pub scopes: usize,
    /// Milliseconds that a scope is kept which nobody uses: no event, no task, no open page. Then
    /// it begins anew.
    pub idle_ms: u64,
    /// Milliseconds after which a scope that nobody uses is kept in the store alone. The next use
    /// reads it.
    pub unload_ms: u64,
    /// Bytes of a keyed scope's key. A longer one names no scope.
    pub key_bytes: usize,
    /// Visitors of a shared scope who have a queue, and whose event numbers and ends are
    /// remembered. The one that has been idle the longest is forgotten; when none is idle the
    /// event of one more is refused (`Full`).
    pub visitors_of_scope: usize,
    /// Events that wait in one queue. One more is refused (`Full`).
    pub queue: usize,
    /// Tasks that run, wait or are paused in one scope. One more is refused (`Full`).
    pub tasks: usize,
    /// Tasks that run, wait or are paused in the process. One more is refused (`Full`).
    pub tasks_in_process: usize,
    /// Closures of `cx.blocking` that run at once. One more waits. As many as the machine has cores
    /// unless set.
    pub blocking_threads: usize,
    /// Ended tasks that a scope still tells of. The oldest goes.
    pub ended_tasks: usize,
    /// Clients of a visitor whose event numbers and ends are remembered. The most silent goes.
    pub clients: usize,
    /// Failures that are kept for a client to read. The oldest goes.
    pub failures: usize,
    /// What handlers ask of pages (go to, toast, download) and what a page that was away may still
    /// find. The oldest goes.
    pub effects: usize,
    /// Entries of a scope's log. A stream that is behind them gets a snapshot.
    pub log_entries: usize,
    /// Bytes of a scope's log. A stream that is behind them gets a snapshot.
    pub log_bytes: usize,
    /// Bytes of all scopes' logs. With one more, the logs that have been idle the longest are cut:
    /// their streams, if they are behind, get snapshots.
    pub log_bytes_in_process: usize,
    /// Bytes of the store's file that are kept in memory, to be read and written faster.
    pub store_cache_bytes: usize,
    /// Bytes that wait to be written to the store. While there are more, each update waits until it
    /// is kept: handlers are as fast as the disk then.
    pub store_pending_bytes: usize,
    /// Bytes of what could not be read and is laid aside in the store's file, for who wants to look at
    /// it. With more the oldest goes.
    pub store_aside_bytes: usize,
    /// Files of the store that were damaged, and are kept beside it for who wants to look at them. With
    /// one more the oldest goes; the last one stays.
    pub store_damaged_files: usize,
    /// Bytes of commits that the store's journal takes, before they are put in their places; they
    /// are in memory, too. A scope that is read meanwhile takes a little longer, and so does a
    /// start after a kill.
    pub store_journal_bytes: usize,
    /// Milliseconds that the answer to an event waits for the store. Then the client is told to send
    /// it again.
    pub store_wait_ms: u64,
    /// Milliseconds that an event which waits may take, where its `timeout` says nothing else. 0 is as
    /// long as it takes.
    pub event_ms: u64,
    /// Times that an event is begun, when the server goes down each time before it has done
    /// anything. Then it ends as interrupted.
    pub event_tries: u32,
    /// Times that a task is resumed after a crash without a checkpoint in between. Then it ends as
    /// interrupted.
    pub resumes: u32,
    /// Bytes of one state as JSON. An update that makes it larger is undone (`TooLarge`).
    pub state_bytes: usize,
    /// Streams of one visitor that stay open: a browser has six connections to a host over
    /// HTTP/1.1, and clicks need some. One more gets what there is, and is told to come back
    /// (`Turn`).
    pub streams_of_visitor: usize,
    /// Streams in the process. One more is told to come back later (`Full`).
    pub streams: usize,
    /// Bytes of entries that a stream writes in one go. A large snapshot goes in parts of this size.
    pub write_bytes: usize,
    /// States that one stream follows. One more, and it is refused (`UnknownState`).
    pub followed_states: usize,
    /// Scopes beside the session that one stream follows. One more, and it is refused
    /// (`UnknownState`).
    pub followed_scopes: usize,
    /// Milliseconds after which an open stream asks the rules of its scopes anew (`join`), before it
    /// writes something: at the next change or ping. Who is not let in any more gets no more of it.
    pub rule_ms: u64,
    /// Connections. One more waits until another ends.
    pub connections: usize,
    /// Bytes of a request's body. A longer one is refused (413).
    pub body_bytes: usize,
    /// Events in one request. More are refused (422).
    pub events_in_request: usize,
    /// Milliseconds for the head of a request, and as many for its body. A slower client is cut
    /// off.
    pub header_ms: u64,
    /// Milliseconds that a form waits for the end of its event before it is answered.
    pub form_wait_ms: u64,
    /// Milliseconds between two pings of a stream.
    pub ping_ms: u64,
    /// Milliseconds that a stream may take no byte that waits for it. Then it is cut off.
    pub stall_ms: u64,
    /// Milliseconds between a cancel and the moment the task's future is dropped.
    pub cancel_grace_ms: u64,
    /// Milliseconds between a task's first attempt that failed and its second. Each further pause
    /// is twice as long.
    pub retry_first_ms: u64,
    /// Milliseconds between two attempts of a task at most.
    pub retry_last_ms: u64,
    /// Milliseconds for a shutdown. What has not ended then is cut off.
    pub shutdown_ms: u64,
    /// Milliseconds that a handler may compute or block without an `.await` before the log says so.
    pub slow_poll_ms: u64,
    /// Milliseconds that a closure may hold the state before the log says so.
    pub slow_update_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            scopes: 20_000,
            idle_ms: 24 * 60 * 60 * 1_000,
            unload_ms: 10 * 60 * 1_000,
            key_bytes: 128,
            visitors_of_scope: 10_000,
            queue: 200,
            tasks: 32,
            tasks_in_process: 20_000,
            blocking_threads: std::thread::available_parallelism().map_or(2, usize::from),
            ended_tasks: 32,
            clients: 64,
            failures: 16,
            effects: 32,
            log_entries: 1_000,
            log_bytes: 1 << 20,
            log_bytes_in_process: 512 << 20,
            store_cache_bytes: 32 << 20,
            store_pending_bytes: 64 << 20,
            store_aside_bytes: 64 << 20,
            store_damaged_files: 3,
            store_journal_bytes: 1 << 20,
            store_wait_ms: 5_000,
            event_ms: 0,
            event_tries: 3,
            resumes: 5,
            state_bytes: 64 << 20,
            streams_of_visitor: 4,
            streams: 20_000,
            write_bytes: 64 << 10,
            followed_states: 64,
            followed_scopes: 16,
            rule_ms: 10_000,
            connections: 25_000,
            body_bytes: 64 << 10,
            events_in_request: 100,
            header_ms: 10_000,
            form_wait_ms: 2_000,
            ping_ms: 15_000,
            stall_ms: 20_000,
            cancel_grace_ms: 5_000,
            retry_first_ms: 1_000,
            retry_last_ms: 60_000,
            shutdown_ms: 10_000,
            slow_poll_ms: 500,
            slow_update_ms: 50,
        }
    }
}

/// Events that wait in the browser until the server has taken them. One more is refused, visibly.
pub const OUTBOX_EVENTS: usize = 100;

/// Toasts that a page shows. One more, and the oldest goes.
pub const TOASTS: usize = 4;

/// Bytes of a task's cursor as JSON. A longer one makes its checkpoint fail.
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "the server's"))]
pub const MAX_CURSOR_BYTES: usize = 4 << 10;

/// A number that nobody needs more than: threads, connections, or milliseconds of half a century.
const MOST: u64 = 1 << 40;

impl Limits {
    /// Finds a limit that nothing could run with: its name, its value, what it can be.
    #[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "the server's"))]
    pub(crate) fn check(&self) -> Result<(), (&'static str, u64, RangeInclusive<u64>)> {
        let least: [(&'static str, u64, u64); 21] = [
            ("scopes", self.scopes as u64, 1),
            ("idle-ms", self.idle_ms, 1_000),
            ("key-bytes", self.key_bytes as u64, 1),
            ("visitors-of-scope", self.visitors_of_scope as u64, 1),
            ("queue", self.queue as u64, 1),
            ("blocking-threads", self.blocking_threads as u64, 1),
            ("clients", self.clients as u64, 1),
            ("failures", self.failures as u64, 1),
            ("effects", self.effects as u64, 1),
            ("state-bytes", self.state_bytes as u64, 512),
            ("streams", self.streams as u64, 1),
            ("streams-of-visitor", self.streams_of_visitor as u64, 1),
            ("write-bytes", self.write_bytes as u64, 1_024),
            ("followed-states", self.followed_states as u64, 3),
            ("connections", self.connections as u64, 2),
            ("body-bytes", self.body_bytes as u64, 1_024),
            ("events-in-request", self.events_in_request as u64, 1),
            ("header-ms", self.header_ms, 100),
            ("ping-ms", self.ping_ms, 1_000),
            ("stall-ms", self.stall_ms, 1_000),
            ("slow-poll-ms", self.slow_poll_ms, 20),
        ];
        // With more a semaphore or a clock panics.
        let most = [
            ("blocking-threads", self.blocking_threads as u64, MOST),
            ("connections", self.connections as u64, MOST),
            ("header-ms", self.header_ms, MOST),
        ];
        let least = least.map(|(name, value, least)| (name, value, least..=u64::MAX));
        let most = most.map(|(name, value, most)| (name, value, 1..=most));
        let mut all = least.into_iter().chain(most);
        let wrong = all.find(|(_, value, can_be)| !can_be.contains(value));
        wrong.map_or(Ok(()), Err)
    }

    /// Those of a scope's log.
    #[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "the server's"))]
    pub(crate) fn log(&self) -> crate::core::log::LogLimits {
        crate::core::log::LogLimits {
            entries: self.log_entries,
            bytes: self.log_bytes,
        }
    }
}
