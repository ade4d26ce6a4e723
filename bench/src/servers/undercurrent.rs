//! The app of the benchmark on Undercurrent: what any app could write, on the public API alone.

use super::{ANY_PORT, Post, WORD};
use crate::Fallible;
use leptos::{config::LeptosOptions, prelude::*};
use undercurrent::{
    Limits, Undercurrent,
    prelude::*,
    server::{Config, Durability, StoreKind},
};

#[derive(State, Clone, Debug, Default)]
pub struct Clicks {
    pub count: u64,
}

#[event]
pub fn click(clicks: &mut Clicks) {
    clicks.count += 1;
}

/// So many updates, one after another.
#[background]
pub async fn burst(cx: TaskContext<Clicks>, updates: u64) -> Result<()> {
    for _ in 0..updates {
        cx.update(|clicks| clicks.count += 1).await?;
    }
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<Post>,
}

/// So many posts in one update.
#[event]
pub fn fill(feed: &mut Feed, posts: u64) {
    for _ in 0..posts {
        feed.posts.push(Post::nth(feed.posts.len()));
    }
}

// excerpt: append
/// So many posts, each in an update of its own.
#[background]
pub async fn append(cx: TaskContext<Feed>, posts: u64, pause_ms: u64) -> Result<()> {
    for _ in 0..posts {
        if pause_ms > 0 {
            cx.sleep(Millis(pause_ms)).await?;
        }
        cx.update(|feed| feed.posts.push(Post::nth(feed.posts.len())))
            .await?;
    }
    Ok(())
}
// end

/// Adds a post at the end and takes it away, again and again.
#[background]
pub async fn ends(cx: TaskContext<Feed>, updates: u64) -> Result<()> {
    for nth in 0..updates {
        cx.update(|feed| {
            if nth % 2 == 0 {
                feed.posts.push(Post::nth(feed.posts.len()));
            } else {
                feed.posts.pop();
            }
        })
        .await?;
    }
    cx.dispatch(lap()).await?;
    Ok(())
}

/// Changes the post in the middle in place, again and again.
#[background]
pub async fn change(cx: TaskContext<Feed>, from: u64, updates: u64) -> Result<()> {
    for nth in from..from + updates {
        cx.update(|feed| {
            let middle = feed.posts.len() / 2;
            if let Some(post) = feed.posts.get_mut(middle) {
                post.title = Post::changed_title(nth);
            }
        })
        .await?;
    }
    cx.dispatch(lap()).await?;
    Ok(())
}

/// A text that grows, and a map of 1,000 entries.
#[derive(State, Clone, Debug, Default)]
pub struct Board {
    pub text: Text,
    pub entries: Map<String, u64>,
    pub changes: u64,
}

#[event]
pub fn prepare(board: &mut Board) {
    for nth in 0..1_000 {
        board.entries.insert(format!("k{nth}"), 0);
    }
}

/// So many words, one by one.
#[background]
pub async fn write(cx: TaskContext<Board>, words: u64) -> Result<()> {
    for _ in 0..words {
        cx.update(|board| {
            board.text.push_str(WORD);
            board.changes += 1;
        })
        .await?;
    }
    Ok(())
}

/// So many entries, one by one.
#[background]
pub async fn change_entries(cx: TaskContext<Board>, entries: u64) -> Result<()> {
    for _ in 0..entries {
        cx.update(|board| {
            board.changes += 1;
            let key = format!("k{}", board.changes % 1_000);
            board.entries.insert(key, board.changes);
        })
        .await?;
    }
    Ok(())
}

/// Tells whoever follows it that a task has done what it was to do.
#[derive(State, Clone, Debug, Default)]
pub struct Laps {
    pub count: u64,
}

#[event]
pub fn lap(laps: &mut Laps) {
    laps.count += 1;
}

/// A session with a task that ticks.
#[derive(State, Clone, Debug, Default)]
pub struct Ticks {
    pub count: u64,
}

#[background]
pub async fn tick(cx: TaskContext<Ticks>, times: u64, pause_ms: u64) -> Result<()> {
    for _ in 0..times {
        cx.sleep(Millis(pause_ms)).await?;
        cx.update(|ticks| ticks.count += 1).await?;
    }
    Ok(())
}

/// What a thousand people share.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anybody)]
pub struct Room {
    pub count: u64,
}

fn anybody(_: &Visitor, _: &str) -> Result<()> {
    Ok(())
}

#[event]
pub fn say(room: &mut Room) {
    room.count += 1;
}

/// So many words, so many milliseconds apart.
#[background]
pub async fn speak(cx: TaskContext<Board>, words: u64, pause_ms: u64) -> Result<()> {
    let start = std::time::Instant::now();
    for nth in 1..=words {
        // By the clock: a pause is at least as long as it is asked for, and errors add up.
        let ahead = (nth * pause_ms).saturating_sub(start.elapsed().as_millis() as u64);
        if ahead > 0 {
            cx.sleep(Millis(ahead)).await?;
        }
        cx.update(|board| board.text.push_str(WORD)).await?;
    }
    Ok(())
}

#[component]
fn App() -> impl IntoView {
    let clicks = use_state::<Clicks>();
    view! {
        <button on:click=click.on_click()>{move || clicks.count().get()}</button>
    }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><meta charset="utf-8"/><title>"Clicks"</title></head>
            <body><App/></body>
        </html>
    }
}

/// Without a durability the states are kept in memory alone. The file of the others lies in the
/// folder that the server is started in.
pub async fn serve(durability: Option<Durability>) -> Fallible {
    let options = LeptosOptions::builder()
        .output_name("bench")
        .site_addr(ANY_PORT)
        .build();
    let key = format!("bench-session-{}.key", std::process::id());
    let session_key_file = std::env::temp_dir().join(key);
    let config = Config {
        session_key_file: session_key_file.clone(),
        limits: Limits {
            // The streams that share a state are those of one visitor, until there are rooms.
            streams_of_visitor: 2_000,
            ..Limits::default()
        },
        store: match durability {
            Some(_) => StoreKind::Disk,
            None => StoreKind::Memory,
        },
        store_file: "state.redb".into(),
        durability: durability.unwrap_or_default(),
        ..Config::default()
    };
    let uc = Undercurrent::with(options, config).build()?;
    // It has been read, and the next start makes another.
    std::fs::remove_file(session_key_file)?;
    let app = uc.router(App, shell);
    Ok(uc.serve(app).await?)
}
