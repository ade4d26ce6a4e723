//! What handlers ask of pages.

use super::*;
use crate::{Effect, PageEffect};

#[event]
async fn shows_around(cx: EventContext<Trial>) -> Result {
    cx.page().toast("Done.").await?;
    cx.page().go_to("/orders/7?tab=2").await?;
    for odd in [
        "",
        "orders",
        "//other.example",
        "/\\other.example",
        "/a b",
        "javascript:1",
    ] {
        let refused = cx.page().go_to(odd).await;
        assert_eq!(refused, Err(UpdateError::NotAPath(odd.into())));
    }
    Ok(())
}

#[background]
async fn exports(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(1_000)).await?;
    cx.page().download("/exports/7.csv").await?;
    Ok(())
}

async fn asked(scope: &Scope) -> Vec<PageEffect> {
    let all = |all: &UcEnds| all.effects.iter().cloned().collect();
    scope.read(|| true, all).await.expect("it reads")
}

#[tokio::test(start_paused = true)]
async fn a_handler_asks_the_page_that_sent_it_and_no_other_site_is_a_path() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, shows_around()).await;
    ended(&scope, 1).await;
    assert_eq!(failures(&scope).await, []);
    let expected = [
        Effect::Toast("Done.".into()),
        Effect::Go("/orders/7?tab=2".into()),
    ];
    let asked = asked(&scope).await;
    let effects: Vec<_> = asked.iter().map(|asked| asked.effect.clone()).collect();
    assert_eq!(effects, expected);
    assert!(asked.iter().all(|asked| asked.client == "c"));
    assert!(asked[0].n < asked[1].n);
}

#[tokio::test(start_paused = true)]
async fn a_task_asks_the_page_that_started_it_unless_it_is_cancelled() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, exports()).await;
    cancel(&scope, "trial/exports", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    assert_eq!(asked(&scope).await, []);
    send(&scope, 2, exports()).await;
    until_status(&scope, TaskStatus::Done).await;
    let asked = asked(&scope).await;
    assert_eq!(asked[0].effect, Effect::Download("/exports/7.csv".into()));
    assert_eq!(asked[0].client, "c");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_bounded_and_the_oldest_goes() {
    let runtime = runtime(Limits {
        effects: 3,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    for n in 1..=4 {
        send(&scope, n, shows_around()).await;
    }
    ended(&scope, 4).await;
    let numbers: Vec<_> = asked(&scope).await.iter().map(|asked| asked.n).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!(numbers.len(), 3);
}
