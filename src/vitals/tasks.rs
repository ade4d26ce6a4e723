//! The task that measures, one a meter.

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
#[background(key = meter, overlap = reject, control = anyone)]
pub async fn sample(cx: TaskContext<Vitals>, meter: Meter) -> Result<()> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let (mut system, own) = (System::new(), sysinfo::get_current_pid()?);
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
    let mut clock = cx.clock();
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
        let now_s = Millis::since_1970().0 / 1_000;
        let sample = Sample(now_s as u32, (value * 10.0).round() / 10.0);
        cx.update(|vitals| vitals.add(meter, sample)).await?;
        clock.wait(Millis(1_000)).await?;
    }
}
