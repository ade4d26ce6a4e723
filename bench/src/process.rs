//! The servers' processes: starting them, what they use of the machine, ending them.

use crate::{
    Fallible,
    net::{Wire, http},
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// What can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Undercurrent,
    /// With a disk, `durability = "relaxed"`.
    Relaxed,
    /// With a disk, `durability = "commit"`.
    Commit,
    Floor,
    /// With 1,000 posts.
    LeptosWs,
    /// With 10,000.
    LeptosWsLong,
    Reflex,
}

/// A running server. It ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its process and its process group.
    id: u32,
    pub address: SocketAddr,
    /// From the start of the process to its first answer.
    pub started_in: Duration,
    /// Removed after its process has gone.
    folder: Option<Folder>,
}

/// Names the folder with the Python environment that Reflex is installed in.
pub const REFLEX_VARIABLE: &str = "BENCH_REFLEX";

const PATIENCE: Duration = Duration::from_secs(60);

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Undercurrent => "Undercurrent",
            Kind::Relaxed => "Undercurrent, relaxed",
            Kind::Commit => "Undercurrent, commit",
            Kind::Floor => "floor",
            Kind::LeptosWs | Kind::LeptosWsLong => "leptos_ws 0.9.10",
            Kind::Reflex => "Reflex 0.10.1",
        }
    }

    /// Starts it and waits for its first answer.
    pub async fn start(self) -> Fallible<Server> {
        let under = std::env::var(UNDER_VARIABLE).unwrap_or_default();
        self.start_under(&under).await
    }

    /// The same under a program that counts instructions.
    pub async fn start_counted(self) -> Fallible<Server> {
        self.start_under("valgrind -q --tool=callgrind --callgrind-out-file=callgrind.out")
            .await
    }

    async fn start_under(self, under: &str) -> Fallible<Server> {
        let name = match self {
            Kind::Undercurrent => "undercurrent",
            Kind::Relaxed => "undercurrent-relaxed",
            Kind::Commit => "undercurrent-commit",
            Kind::Floor => "floor",
            Kind::LeptosWs => "leptos-ws",
            Kind::LeptosWsLong => "leptos-ws-long",
            Kind::Reflex => return reflex().await,
        };
        own(name, under).await
    }
}

/// Names a program, with its arguments, under which the servers of this program run: a profiler.
const UNDER_VARIABLE: &str = "BENCH_UNDER";

/// One of the servers in this program.
async fn own(name: &str, under: &str) -> Fallible<Server> {
    let program = std::env::current_exe()?;
    let mut under = under.split_whitespace();
    let mut command = match under.next() {
        None => Command::new(program),
        Some(profiler) => {
            let mut command = Command::new(profiler);
            command.args(under).arg(program);
            command
        }
    };
    command.args(["serve", name]).stdout(Stdio::piped());
    let folder = Folder::new(name)?;
    command.current_dir(&folder.0);
    let start = Instant::now();
    let mut child = spawn(command)?;
    let output = child.stdout.take().ok_or("there is no output")?;
    let mut lines = BufReader::new(output).lines();
    let line = timeout(PATIENCE, lines.next_line()).await??;
    let line = line.ok_or_else(|| format!("the server {name} did not start"))?;
    let address = line.rsplit('/').next().unwrap_or_default().parse()?;
    let mut server = Server::ready(child, address, "/", start).await?;
    server.folder = Some(folder);
    Ok(server)
}

/// A folder of a server, on the disk that the program lies on. It goes with this value.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Fallible<Self> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (id, nth) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("the program lies nowhere")?;
        let folder = beside.join(format!("bench-{name}-{id}-{nth}"));
        fs::create_dir(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed is left: the figures are not concerned.
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn reflex() -> Fallible<Server> {
    let folder = std::env::var_os(REFLEX_VARIABLE).ok_or("Reflex is not set up")?;
    let program = PathBuf::from(folder).join("bin/reflex");
    // Reflex can't choose a port by itself that it then tells.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await?
        .local_addr()?;
    let port = address.port().to_string();
    let mut command = Command::new(program);
    command
        .args(["run", "--env", "prod", "--backend-only"])
        .args(["--backend-host", "127.0.0.1", "--backend-port", &port])
        .args(["--loglevel", "warning"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/reflex"))
        .env("REFLEX_TELEMETRY_ENABLED", "false")
        .env("REFLEX_CHECK_LATEST_VERSION", "false")
        .env("GRANIAN_WORKERS", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let child = spawn(command)?;
    Server::ready(child, address, "/ping", start).await
}

fn spawn(mut command: Command) -> std::io::Result<Child> {
    command
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

impl Server {
    async fn ready(
        child: Child,
        address: SocketAddr,
        path: &str,
        start: Instant,
    ) -> Fallible<Self> {
        let id = child.id().ok_or("the server has ended")?;
        let mut server = Server {
            child,
            id,
            address,
            started_in: Duration::ZERO,
            folder: None,
        };
        while start.elapsed() < PATIENCE {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended at its start: {status}").into());
            }
            if answers(address, path).await.is_ok() {
                server.started_in = start.elapsed();
                return Ok(server);
            }
            sleep(Duration::from_millis(2)).await;
        }
        Err("the server does not answer".into())
    }

    /// The processor time that it has used, its children's with it.
    pub fn cpu(&self) -> Duration {
        self.processes().into_iter().map(cpu_of).sum()
    }

    /// The memory that it holds, its children's with it, in bytes.
    pub fn memory(&self) -> u64 {
        self.processes().into_iter().map(memory_of).sum()
    }

    /// Those of its process group.
    fn processes(&self) -> Vec<u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // Field 5 of the line, of which the name in brackets is the second.
        ids.filter(|id| stat(*id).and_then(|fields| fields.get(2)?.parse().ok()) == Some(self.id))
            .collect()
    }

    /// Ends a server that was started counted. How many instructions it ran.
    pub async fn stop_counted(mut self) -> Fallible<u64> {
        signal("-TERM", &self.id.to_string()).await;
        timeout(PATIENCE, self.child.wait()).await??;
        let folder = self.folder.as_ref().ok_or("it has no folder")?;
        let counted = fs::read_to_string(folder.0.join("callgrind.out"))?;
        let total = counted
            .lines()
            .find_map(|line| line.strip_prefix("totals: "));
        Ok(total.ok_or("nothing was counted")?.trim().parse()?)
    }

    /// Asks it to end, and sees to it.
    pub async fn stop(mut self) {
        signal("-TERM", &self.id.to_string()).await;
        let _ = timeout(Duration::from_secs(5), self.child.wait()).await;
        // Drop ends what is left of the group.
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::env::var_os(UNDER_VARIABLE).is_some() {
            // A profiler writes what it saw when it is asked to end, not when it is killed.
            let _ = std::process::Command::new("kill")
                .args(["-TERM", "--", &format!("-{}", self.id)])
                .status();
            let asked = Instant::now();
            while asked.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // A worker of Reflex outlives a killed parent. A group that is gone is no error.
        let _ = std::process::Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.id)])
            .stderr(Stdio::null())
            .status();
    }
}

async fn signal(signal: &str, to: &str) {
    let mut command = Command::new("kill");
    command.args([signal, "--", to]).stderr(Stdio::null());
    let _ = command.status().await;
}

async fn answers(address: SocketAddr, path: &str) -> std::io::Result<()> {
    let mut wire = Wire::connect(address).await?;
    wire.send(&http::request("GET", path, &[("accept", "text/html")], ""))
        .await?;
    http::answer(&mut wire).await.map(drop)
}

/// The processor time of this process: the load generator's.
pub fn own_cpu() -> Duration {
    cpu_of(std::process::id())
}

/// The fields of `/proc/<id>/stat` behind the name.
fn stat(id: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// Linux counts in hundredths of a second wherever Rust's standard targets run.
const TICKS_PER_SECOND: u64 = 100;

/// The kernel counts a thread's time in nanoseconds, and a process' in hundredths of a second: the
/// latter has the threads that have ended, too, and is what counts where it is more.
fn cpu_of(id: u32) -> Duration {
    in_ticks(id).max(of_threads(id))
}

fn of_threads(id: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{id}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| {
        let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

fn in_ticks(id: u32) -> Duration {
    let fields = stat(id).unwrap_or_default();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    let ticks = ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0);
    Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
}

fn memory_of(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
