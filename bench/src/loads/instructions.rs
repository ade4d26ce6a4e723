//! Instructions of a click on the server, counted by valgrind: they are the same however busy the
//! machine is, which no time is. Without valgrind the row says so.

use crate::{
    Fallible,
    clients::{Client, Floor, Page, Undercurrent},
    process::Kind,
    report::{Goal, Report, Row},
    stats::Figure,
};

/// A server runs with few clicks and with many: what it does at its start is in both.
const FEW: u64 = 200;
const MANY: u64 = 1_200;

pub async fn run(report: &mut Report) -> Fallible {
    let ours = of_click::<Undercurrent>(Kind::Undercurrent).await;
    let floor = of_click::<Floor>(Kind::Floor).await;
    let figure = |count: &Result<f64, String>| count.as_ref().ok().copied().map(Figure::exact);
    report.rows.push(Row {
        what: "instructions of a click".to_owned(),
        against: Kind::Floor.name().to_owned(),
        unit: "",
        ours: figure(&ours),
        theirs: figure(&floor),
        goal: Goal::None,
        remark: ours.and(floor).err().unwrap_or_default(),
    });
    Ok(())
}

async fn of_click<C: Client>(kind: Kind) -> Result<f64, String> {
    let counted = async {
        let few = total::<C>(kind, FEW).await?;
        let many = total::<C>(kind, MANY).await?;
        Fallible::Ok(many.saturating_sub(few) as f64 / (MANY - FEW) as f64)
    };
    let counted = counted.await;
    counted.map_err(|error| format!("{} can't be counted: {error}", kind.name()))
}

async fn total<C: Client>(kind: Kind, clicks: u64) -> Fallible<u64> {
    let server = kind.start_counted().await?;
    let mut page = C::connect(server.address, Page::Clicks).await?;
    for _ in 0..clicks {
        page.click().await?;
    }
    drop(page);
    server.stop_counted().await
}
