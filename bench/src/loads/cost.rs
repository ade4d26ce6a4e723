//! What an update costs: against a peer that compares whole states, and against itself.

use super::{
    Plan,
    side::{Side, row},
};
use crate::{
    Fallible,
    clients::{LeptosWs, Reader, Undercurrent},
    process::Kind,
    report::{Goal, Report},
    servers::Post,
};

/// One row of a list of 1,000 changed, and one of 10,000.
pub async fn rows(plan: &Plan, report: &mut Report) -> Fallible {
    let goal = Goal::AtLeast(50.0);
    rows_of(1_000, (Kind::LeptosWs, 200), goal, plan, report).await?;
    rows_of(10_000, (Kind::LeptosWsLong, 40), Goal::None, plan, report).await
}

/// One row changed, and changed again: updates a second until the client has the last.
async fn rows_of(
    posts: u64,
    (peer, of_peer): (Kind, u64),
    goal: Goal,
    plan: &Plan,
    report: &mut Report,
) -> Fallible {
    let mut ours = Side::<Undercurrent>::start(Kind::Undercurrent).await?;
    let mut page = Undercurrent::open(ours.server.address, &["feed", "uc_tasks"]).await?;
    page.fill(posts).await?;
    let mut theirs = Side::<LeptosWs>::start(peer).await?;
    let mut socket = LeptosWs::connect(theirs.server.address).await?;
    let mut changes = 0;
    for nth in 0..=plan.turns {
        let many = 20_000;
        let took = ours
            .measure(many, async |_| {
                let arguments = format!(r#"{{"from":{changes},"updates":{many}}}"#);
                changes += many;
                page.send("feed/change", &arguments).await?;
                let last = Post::changed_title(changes - 1);
                Ok(page.until_text(&last).await?)
            })
            .await?;
        ours.samples.push(many as f64 / took.as_secs_f64());
        let took = theirs
            .measure(of_peer, async |_| Ok(socket.changes(of_peer).await?))
            .await?;
        theirs.samples.push(of_peer as f64 / took.as_secs_f64());
        if nth == 0 {
            ours.samples.clear();
            theirs.samples.clear();
        }
    }
    let of = match posts {
        1_000 => "1,000",
        _ => "10,000",
    };
    let what = format!("updates a second of one row of {of}");
    report.details.push(ours.detail(&what, String::new()));
    report.details.push(theirs.detail(&what, String::new()));
    let theirs = Ok(theirs);
    report
        .rows
        .push(row(&what, "1/s", &ours, &theirs, goal, peer));
    Ok(())
}

/// So many updates in one go.
const UPDATES: u64 = 50_000;

/// An update at 100,000 posts against one at 100. Nobody follows the posts: what is measured is
/// the update, not who reads it.
pub async fn sizes(plan: &Plan, report: &mut Report) -> Fallible {
    for (task, what) in [
        (
            "feed/change",
            "cost of an update in place, at 100,000 posts",
        ),
        ("feed/ends", "cost of an update at an end, at 100,000 posts"),
    ] {
        let mut large = lister(100_000).await?;
        let mut small = lister(100).await?;
        for nth in 0..=plan.turns {
            updates(&mut large, task, nth).await?;
            updates(&mut small, task, nth).await?;
            if nth == 0 {
                large.samples.clear();
                small.samples.clear();
            }
        }
        report
            .details
            .push(large.detail(what, "100,000 posts".to_owned()));
        report
            .details
            .push(small.detail(what, "100 posts".to_owned()));
        let small = Ok(small);
        let mut row = row(
            what,
            "µs",
            &large,
            &small,
            Goal::AtMost(1.2),
            Kind::Undercurrent,
        );
        row.against = "at 100 posts".to_owned();
        report.rows.push(row);
    }
    Ok(())
}

/// A server with one session that has so many posts, and a page that follows the laps alone.
async fn lister(posts: u64) -> Fallible<Side<Undercurrent>> {
    let mut side = Side::start(Kind::Undercurrent).await?;
    let mut page = Undercurrent::open(side.server.address, &["laps"]).await?;
    page.send("feed/fill", &format!(r#"{{"posts":{posts}}}"#))
        .await?;
    side.clients.push(page);
    Ok(side)
}

async fn updates(side: &mut Side<Undercurrent>, task: &str, nth: usize) -> Fallible {
    let arguments = match task {
        "feed/change" => format!(r#"{{"from":{},"updates":{UPDATES}}}"#, nth as u64 * UPDATES),
        _ => format!(r#"{{"updates":{UPDATES}}}"#),
    };
    let took = side
        .measure(UPDATES, async |side| {
            let page = &mut side.clients[0];
            page.send(task, &arguments).await?;
            Ok(page.until_more(1).await?)
        })
        .await?;
    side.samples.push(took.as_secs_f64() * 1e6 / UPDATES as f64);
    Ok(())
}
