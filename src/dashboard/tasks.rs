//! What moves the parts. None waits for another.

use super::state::*;
use undercurrent::prelude::*;

/// The job: adds up the prices of some products, one call after the other.
#[background(overlap = reject)]
pub async fn add_up(cx: TaskContext<Dashboard>) -> Result<()> {
    cx.update(|dashboard| dashboard.sum = Sum::default())
        .await?;
    let mut highest = 0.0;
    for id in 1..=PRODUCTS {
        let product = cx.expect::<upstream::Upstream>();
        let product = cx.wait_for(product.product(id)).await?;
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
    use std::time::{Duration, Instant};
    let (mut clock, mut shown) = (cx.clock(), Instant::now());
    let mut lines = Vec::new();
    loop {
        let pace = cx.read(|dashboard| dashboard.pace).await?;
        let late = clock.wait(Duration::from_secs(1) / pace).await?;
        if late > Duration::from_secs(1) {
            // It was paused, or the machine slept: that is no line.
            continue;
        }
        let at = Millis::since_1970().0 % 86_400_000;
        lines.push(Tick(at as u32, late.as_micros() as u32));
        if shown.elapsed() >= Duration::from_millis(100) {
            cx.update(|dashboard| dashboard.add_lines(lines.drain(..)))
                .await?;
            shown = Instant::now();
        }
    }
}
