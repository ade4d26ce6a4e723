//! Tokens of a model as they come into a page: so many a second, each an update of its own.

use super::Plan;
use crate::{
    Fallible,
    clients::{Client, Page, Undercurrent},
    process::{Kind, own_cpu},
    report::{Detail, Goal, Report, Row},
    servers::WORD,
    stats::Figure,
};
use std::time::Instant;

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    let server = Kind::Undercurrent.start().await?;
    for (a_second, pause_ms) in [(10_u64, 100_u64), (100, 10), (500, 2)] {
        let mut page = Undercurrent::connect(server.address, Page::Board).await?;
        let words = a_second * plan.slow_turns as u64;
        let length = words as usize * WORD.len();
        let (cpu, generator, start) = (server.cpu(), own_cpu(), Instant::now());
        let arguments = format!(r#"{{"words":{words},"pause_ms":{pause_ms}}}"#);
        page.send("board/speak", &arguments).await?;
        page.until(|board| board["text"].as_str().map_or(0, str::len) >= length)
            .await?;
        let took = start.elapsed().as_secs_f64();
        let what = format!("tokens a second into a page, {a_second} asked for");
        let per = |time: std::time::Duration| time.as_secs_f64() * 1e6 / words as f64;
        report.details.push(Detail {
            what: what.clone(),
            server: Kind::Undercurrent.name(),
            cpu_us: per(server.cpu().saturating_sub(cpu)),
            generator_us: per(own_cpu().saturating_sub(generator)),
            note: "for one token".to_owned(),
        });
        report.rows.push(Row {
            what,
            against: "–".to_owned(),
            unit: "1/s",
            ours: Some(Figure::exact(words as f64 / took)),
            theirs: None,
            goal: Goal::None,
            remark: String::new(),
        });
    }
    server.stop().await;
    Ok(())
}
