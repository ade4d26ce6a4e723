//! One task that appends posts: how long until the client has all, and how many bytes it takes.

use super::{
    Plan,
    side::{Peer, Side, details, row},
};
use crate::{
    Fallible,
    clients::{Page, Reader, Reflex, Undercurrent},
    process::Kind,
    report::{Goal, Report, Row},
};

/// 10, 1,000, 4,000 and 100,000 posts.
pub async fn time(plan: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<Undercurrent>::open(Kind::Undercurrent, Page::Posts, 0).await?;
    let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Posts, 0).await;
    for posts in [10, 1_000, 4_000, 100_000] {
        let what = format!("{posts} posts appended by one task");
        let is_long = posts > 4_000;
        for nth in 0..=plan.slow_turns {
            appended(&mut ours, posts).await?;
            if let Ok(reflex) = &mut reflex
                && !is_long
            {
                appended(reflex, posts).await?;
            }
            if nth == 0 {
                // The first time of everything.
                ours.samples.clear();
                if let Ok(reflex) = &mut reflex {
                    reflex.samples.clear();
                }
            }
        }
        let goal = match posts {
            4_000 => Goal::AtMost(0.01),
            _ => Goal::None,
        };
        let mut row = row(&what, "ms", &ours, &reflex, goal, Kind::Reflex);
        if is_long {
            row.remark = "Reflex sends the list with each post: not tried".to_owned();
        }
        report.rows.push(row);
        details(report, &what, &ours, &[&reflex]);
        ours.forget();
        if let Ok(reflex) = &mut reflex {
            reflex.forget();
        }
    }
    Ok(())
}

async fn appended<C: Reader>(side: &mut Side<C>, posts: u64) -> Fallible {
    side.clients.clear();
    side.connect(Page::Posts, 1).await?;
    let took = side
        .measure(posts, async |side| {
            Ok(side.clients[0].append(posts, 0).await?)
        })
        .await?;
    side.samples.push(took.as_secs_f64() * 1e3);
    Ok(())
}

/// So many appends are measured.
const APPENDS: u64 = 100;

/// An append to lists of different lengths. A pause before each, so that each travels alone.
pub async fn bytes(_: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<Undercurrent>::open(Kind::Undercurrent, Page::Posts, 0).await?;
    let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Posts, 0).await;
    for posts in [10, 4_000, 100_000] {
        read(&mut ours, posts).await?;
        if let Ok(reflex) = &mut reflex {
            reflex.samples.clear();
            if posts <= 4_000 {
                read(reflex, posts).await?;
            }
        }
        let what = format!("one append of a 41-byte post at {posts} posts");
        let against: &Peer<Reflex> = &reflex;
        report.rows.push(Row {
            goal: Goal::Value(130.0),
            ..row(&what, "bytes", &ours, against, Goal::None, Kind::Reflex)
        });
    }
    Ok(())
}

async fn read<C: Reader>(side: &mut Side<C>, posts: u64) -> Fallible {
    side.clients.clear();
    side.connect(Page::Posts, 1).await?;
    let client = &mut side.clients[0];
    client.fill(posts).await?;
    let before = client.bytes_in();
    client.append(APPENDS, 1).await?;
    side.samples = vec![(side.clients[0].bytes_in() - before) as f64 / APPENDS as f64];
    Ok(())
}

/// A text that grows word by word, and entries of a map, by a task.
pub async fn board(plan: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<Undercurrent>::open(Kind::Undercurrent, Page::Board, 1).await?;
    let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Board, 1).await;
    for (kind, what) in [
        (Change::Words, "1,000 words added to a text by one task"),
        (
            Change::Entries,
            "500 entries of a map of 1,000 changed by one task",
        ),
    ] {
        for nth in 0..=plan.slow_turns {
            changed(&mut ours, kind).await?;
            if let Ok(reflex) = &mut reflex {
                changed(reflex, kind).await?;
            }
            if nth == 0 {
                ours.samples.clear();
                if let Ok(reflex) = &mut reflex {
                    reflex.samples.clear();
                }
            }
        }
        report
            .rows
            .push(row(what, "ms", &ours, &reflex, Goal::None, Kind::Reflex));
        details(report, what, &ours, &[&reflex]);
        ours.forget();
        if let Ok(reflex) = &mut reflex {
            reflex.forget();
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Change {
    Words,
    Entries,
}

async fn changed<C: Reader>(side: &mut Side<C>, kind: Change) -> Fallible {
    let changes = match kind {
        Change::Words => 1_000,
        Change::Entries => 500,
    };
    let took = side
        .measure(changes, async |side| {
            let client = &mut side.clients[0];
            match kind {
                Change::Words => client.words(changes).await?,
                Change::Entries => client.entries(changes).await?,
            }
            Ok(())
        })
        .await?;
    side.samples.push(took.as_secs_f64() * 1e3);
    Ok(())
}
