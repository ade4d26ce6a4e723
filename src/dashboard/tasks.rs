//! What moves the parts. None waits for another.

use super::state::*;
use undercurrent::prelude::*;

/// Starts a task for each meter. The server does, when it begins to serve.
#[background(overlap = reject)]
pub async fn sample_all(cx: TaskContext<Vitals>) -> Result<()> {
    for meter in Meter::ALL {
        cx.start(sample(meter)).await?;
    }
    Ok(())
}

/// Measures the server once a second. One a meter, for all who look.
#[background(key = meter, overlap = reject)]
pub async fn sample(cx: TaskContext<Vitals>, meter: Meter) -> Result<()> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let (mut system, own) = (System::new(), sysinfo::get_current_pid()?);
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
    loop {
        let counters = cx.counters();
        let value = match meter {
            Meter::Cpu | Meter::Memory => {
                system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, what);
                let process = system.process(own);
                let process = process.ok_or("the system hides its processes")?;
                match meter {
                    Meter::Cpu => process.cpu_usage(),
                    _ => process.memory() as f32 / 1e6,
                }
            }
            Meter::Streams => counters.streams as f32,
            Meter::Tasks => counters.tasks as f32,
            Meter::Queue => counters.events as f32,
        };
        let sample = Sample(
            counters.uptime.as_secs() as u32,
            (value * 10.0).round() / 10.0,
        );
        cx.update(|vitals| vitals.add(meter, sample)).await?;
        cx.sleep(Millis(1_000)).await?;
    }
}

/// The job: adds up the prices of some products, one call after the other.
#[background(overlap = reject)]
pub async fn add_up(cx: TaskContext<Dashboard>) -> Result<()> {
    cx.update(|dashboard| dashboard.sum = Sum::default())
        .await?;
    let mut highest = 0.0;
    for id in 1..=PRODUCTS {
        let product = cx.expect::<upstream::Upstream>().product(id).await;
        let product = product.map_err(|error| {
            ForVisitor::new(format!(
                "Product {id} did not come: {error}. Start it again."
            ))
        })?;
        cx.update(|dashboard| {
            let sum = &mut dashboard.sum;
            sum.count += 1;
            sum.total += product.price;
            if product.price > highest {
                (highest, sum.dearest) = (product.price, product.title);
            }
        })
        .await?;
        cx.progress(id, PRODUCTS);
    }
    Ok(())
}

/// The log: a timer, and by how much it was late. What is said here is true of this server now.
/// Lines go into the state ten times a second at most: no eye reads faster, and each update is
/// work for every page that looks.
#[background(overlap = reject)]
pub async fn tick(cx: TaskContext<Dashboard>) -> Result<()> {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
    let (mut due, mut shown) = (Instant::now(), Instant::now());
    let mut lines = Vec::new();
    loop {
        let pace = cx.read(|dashboard| dashboard.pace).await?;
        due += Duration::from_secs(1) / pace;
        cx.sleep(due.saturating_duration_since(Instant::now()))
            .await?;
        let late = due.elapsed();
        if late > Duration::from_secs(1) {
            // It was paused, or the machine slept: what was missed is not made up for.
            due = Instant::now();
            continue;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() % 86_400_000;
        lines.push(Tick(at as u32, late.as_micros() as u32));
        if shown.elapsed() >= Duration::from_millis(100) {
            cx.update(|dashboard| dashboard.add_lines(lines.drain(..)))
                .await?;
            shown = Instant::now();
        }
    }
}
