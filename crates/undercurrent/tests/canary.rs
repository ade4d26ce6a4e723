//! What is for the server alone is in no byte that leaves it: a real server, every kind of field,
//! every kind of answer, and a canary in all that nobody may see.

#![cfg(feature = "ssr")]

mod support;

use self::support::{Served, cookie_of, request};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_router::{components::*, path};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use undercurrent::{Limits, prelude::*};

/// In every field that is for the server, in every error that is, and nowhere else.
const CANARY: &str = "canary";

/// Fields that are for the server at every depth, beside one that pages see.
#[derive(State, Clone, Debug, Default)]
pub struct Coop {
    pub birds: List<Bird>,
    pub named: Map<String, Bird>,
    pub first: Bird,
    pub spare: Option<Bird>,
    pub door: Door,
    pub seen: u32,
    #[state(server)]
    plain: String,
    #[state(server)]
    list: List<String>,
    #[state(server)]
    text: Text,
    #[state(server)]
    map: Map<String, Bird>,
}

#[derive(State, Clone, Debug, Default)]
pub struct Bird {
    pub name: String,
    pub eggs: List<u32>,
    #[state(server)]
    ring: String,
    #[state(server)]
    log: List<String>,
}

#[derive(State, Clone, Debug, Default)]
pub enum Door {
    #[default]
    Shut,
    Open {
        since: u32,
        #[state(server)]
        by: String,
    },
    Guarded(Bird),
}

fn bird(name: &str) -> Bird {
    Bird {
        name: name.into(),
        eggs: List::from([1]),
        ring: CANARY.into(),
        log: List::from([CANARY.to_owned()]),
    }
}

/// Puts a canary wherever one fits, and changes what is there.
#[event]
pub fn fill(coop: &mut Coop) {
    coop.birds.push(bird("Ada"));
    coop.birds.insert(0, bird("Bea"));
    coop.named.insert("a".into(), bird("Cleo"));
    coop.first = bird("Dora");
    coop.spare = Some(bird("Edda"));
    coop.door = match coop.seen % 2 {
        0 => Door::Open {
            since: coop.seen,
            by: CANARY.into(),
        },
        _ => Door::Guarded(bird("Fina")),
    };
    coop.plain = format!("{CANARY} {}", coop.seen);
    coop.list.push(CANARY.into());
    coop.text.push_str(CANARY);
    coop.map.insert("m".into(), bird("Gala"));
    coop.seen += 1;
}

/// Changes inside of what is there, and moves it.
#[event]
pub fn rummage(coop: &mut Coop) {
    for bird in coop.birds.iter_mut() {
        bird.ring.push_str(CANARY);
        bird.log.push(CANARY.into());
        bird.eggs.push(2);
    }
    coop.birds.reverse();
    for bird in coop.named.values_mut() {
        bird.ring = CANARY.repeat(2);
    }
    if let Some(spare) = &mut coop.spare {
        spare.log.push(CANARY.into());
    }
    coop.plain.push_str(CANARY);
    coop.list.insert(0, CANARY.into());
    coop.birds = coop.birds.clone();
}

/// Its error is for the log.
#[event]
pub fn fails(coop: &mut Coop) -> Result {
    coop.plain = CANARY.into();
    Err(CANARY.into())
}

#[event]
pub async fn panics(cx: EventContext<Coop>) -> Result {
    cx.update(|coop| coop.text.push_str(CANARY)).await?;
    panic!("{CANARY}");
}

#[background]
pub async fn breeds(cx: TaskContext<Coop>) -> Result {
    cx.update(|coop| coop.list.push(CANARY.into())).await?;
    Err(CANARY.into())
}

/// What others share, and what one tab has: the same, in other scopes.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone)]
pub struct Yard {
    pub birds: List<Bird>,
    #[state(server)]
    plain: String,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
pub struct Sky {
    pub birds: List<Bird>,
    #[state(server)]
    plain: String,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = tab)]
pub struct Nest {
    pub birds: List<Bird>,
    #[state(server)]
    plain: String,
}

fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> {
    Ok(())
}

fn settle(birds: &mut List<Bird>, plain: &mut String) {
    birds.push(bird("Hilda"));
    birds.iter_mut().for_each(|bird| bird.ring.push_str(CANARY));
    birds.swap(0, birds.len() - 1);
    plain.push_str(CANARY);
}

#[event]
pub fn into_yard(yard: &mut Yard) {
    settle(&mut yard.birds, &mut yard.plain);
}

#[event]
pub fn into_sky(sky: &mut Sky) {
    settle(&mut sky.birds, &mut sky.plain);
}

#[event]
pub fn into_nest(nest: &mut Nest) {
    settle(&mut nest.birds, &mut nest.plain);
}

/// What it is called with and where it stands are the server's.
#[background(on_crash = resume)]
pub async fn broods(cx: TaskContext<Yard>, ring: String) -> Result {
    let at: Option<String> = cx.cursor()?;
    if at.is_none() {
        cx.update(|yard| yard.plain.push_str(&ring))
            .checkpoint(format!("{CANARY} cursor"))
            .await?;
    }
    cx.until(|yard| (yard.birds.len() > 3).then_some(()))
        .await?;
    Err(CANARY.into())
}

/// The server's own.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = nobody)]
pub struct Vault {
    pub held: u32,
}

fn nobody(_: &Visitor, _: &str) -> Result<(), ForVisitor> {
    Err(ForVisitor::new("Nobody comes in."))
}

#[event]
pub fn rob(vault: &mut Vault) {
    vault.held += 1;
}

/// As long as nothing is held.
#[background]
pub async fn guard(cx: TaskContext<Vault>) -> Result {
    cx.until(|vault| (vault.held > 0).then_some(())).await?;
    Ok(())
}

#[component]
fn CoopPage() -> impl IntoView {
    let coop = use_state::<Coop>();
    let breeding = use_task(breeds);
    view! {
        <p>{move || breeding.is_running()}</p>
        <EventForm event=fill()><button>"Fill"</button></EventForm>
        <ul><ForList each=coop.birds() let:bird><li>{move || bird.read().name.clone()}</li></ForList></ul>
        <p>"seen " {move || coop.seen().get()}</p>
    }
}

#[component]
fn OthersPage() -> impl IntoView {
    view! {
        <YardScope key="a"><YardView/></YardScope>
        <SkyView/>
        <NestView/>
    }
}

#[component]
fn YardView() -> impl IntoView {
    let yard = use_state::<Yard>();
    let brooding = use_task(broods);
    view! {
        <p>{move || brooding.is_running()}</p>
        <ul><ForList each=yard.birds() let:bird><li>{move || bird.read().name.clone()}</li></ForList></ul>
    }
}

#[component]
fn SkyView() -> impl IntoView {
    let sky = use_state::<Sky>();
    view! { <ul><ForList each=sky.birds() let:bird><li>{move || bird.read().name.clone()}</li></ForList></ul> }
}

#[component]
fn NestView() -> impl IntoView {
    let nest = use_state::<Nest>();
    view! { <ul><ForList each=nest.birds() let:bird><li>{move || bird.read().name.clone()}</li></ForList></ul> }
}

#[component]
fn App() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=|| "nothing here">
                <Route path=path!("/") view=CoopPage/>
                <Route path=path!("/other") view=CoopPage/>
                <Route path=path!("/others") view=OthersPage/>
            </Routes>
        </Router>
    }
}

fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><meta charset="utf-8"/><HydrationScripts options/></head>
            <body><App/></body>
        </html>
    }
}

/// A connection for each request; what came until it ends, or until this holds.
async fn ask(at: SocketAddr, head: &str, body: &str, until: impl Fn(&str) -> bool) -> String {
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    let head = format!("{head}\r\naccept: text/html");
    socket
        .write_all(request(at, &head, body).as_bytes())
        .await
        .expect("it reads");
    let mut heard = Vec::new();
    let hears = async {
        while socket
            .read_buf(&mut heard)
            .await
            .is_ok_and(|count| count > 0)
        {
            if until(&String::from_utf8_lossy(&heard)) {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), hears).await;
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(in_time.is_ok(), "{head}: no end of\n{heard}");
    heard
}

/// Everything the server has said, in which nothing may be.
fn assert_silent(said: &[String]) {
    // And no name of such a field.
    let secrets = [
        CANARY,
        "\"ring\"",
        "\"log\"",
        "\"plain\"",
        "\"by\"",
        "\"text\"",
    ];
    for answer in said {
        for secret in secrets {
            assert!(!answer.contains(secret), "{secret} is in\n{answer}");
        }
    }
}

/// A server, and a visitor of it.
struct Farm {
    served: Served,
    /// The first page.
    page: String,
    cookie: String,
}

impl Farm {
    async fn open() -> Self {
        let served = Served::open("farm", Limits::default(), App, shell).await;
        let page = ask(served.at, "GET / HTTP/1.1", "", |_| false).await;
        let cookie = cookie_of(&page);
        Farm {
            served,
            page,
            cookie,
        }
    }
}

#[tokio::test]
async fn a_scope_that_bars_the_visitor_opens_in_no_way() {
    let farm = Farm::open().await;
    let (at, cookie) = (farm.served.at, &farm.cookie);
    let vault = farm.served.uc.keyed::<Vault>("gold");
    vault.start(guard()).await.expect("the server may");
    let ends = |_: &str| false;
    let post = |path: &str, kind: &str| {
        format!("POST /api/{path} HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: {kind}")
    };
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let cancel = r#"{"task":"vault/guard","key":""}"#;
    let events = format!(
        r#"{{"client":"c","scope":"vault:gold","events":[[1,"vault/rob",{{}}],[2,"vault/guard",{{}}],[3,"uc_tasks/cancel",{cancel}]]}}"#
    );
    let answer = ask(at, &post("events", json), &events, ends).await;
    assert_eq!(answer.matches("\"barred\"").count(), 3, "{answer}");
    for (path, kind, body) in [
        ("vault/rob?scope=vault:gold", json, "{}"),
        ("vault/guard?scope=vault:gold", json, "{}"),
        ("uc_tasks/cancel?scope=vault:gold", json, cancel),
        ("vault/rob", form, "_scope=vault%3Agold"),
        (
            "uc_tasks/cancel",
            form,
            "_scope=vault%3Agold&task=vault%2Fguard",
        ),
    ] {
        let answer = ask(at, &post(path, kind), body, ends).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert!(answer.contains("Nobody comes in."), "{path}: {answer}");
    }
    let follow = "follow=0.vault,0.uc_tasks&scope=vault:gold";
    let head = format!("GET /api/stream?{follow} HTTP/1.1\r\ncookie: {cookie}");
    let refused = |heard: &str| heard.contains("\"refused\"");
    let stream = ask(at, &head, "", refused).await;
    assert!(!stream.contains("[\"vault\""), "{stream}");
    // All is as it was.
    let held = vault.read(|vault| vault.held).await;
    assert_eq!((held, farm.served.uc.counters().tasks), (Ok(0), 1));
    farm.served.close().await;
}

#[tokio::test]
async fn what_is_for_the_server_is_in_no_byte_that_leaves_it() {
    let farm = Farm::open().await;
    let (at, page, cookie) = (farm.served.at, farm.page.clone(), farm.cookie.clone());
    let ends = |_: &str| false;
    let mut said = vec![page.clone()];

    // A stream that is open all the time, and hears each op.
    let follow = "follow=s.coop,s.uc_ends,s.uc_tasks";
    let head = format!("GET /api/stream?{follow} HTTP/1.1\r\ncookie: {cookie}");
    let all_ended = |heard: &str| heard.contains("\"upto\":8") && heard.contains("\"failed\"");
    let stream = tokio::spawn(async move { ask(at, &head, "", all_ended).await });

    // Many in one request, each by its own path, and as a form; some fail.
    let post = |path: &str, kind: &str| {
        format!("POST /api/{path} HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: {kind}")
    };
    let json = "application/json";
    let events = r#"{"client":"c","events":[[1,"coop/fill",{}],[2,"coop/rummage",{}],
        [3,"coop/fails",{}],[4,"coop/fill",{}],[5,"coop/panics",{}]]}"#;
    said.push(ask(at, &post("events", json), events, ends).await);
    said.push(ask(at, &post("coop/rummage?client=c&n=6", json), "{}", ends).await);
    said.push(ask(at, &post("coop/breeds?client=c&n=7", json), "{}", ends).await);
    said.push(ask(at, &post("coop/fill?client=c&n=8", json), "{}", ends).await);
    said.push(ask(at, &post("coop/fill?client=c&n=9", json), "{\"odd", ends).await);
    for event in ["fill", "fails", "panics"] {
        let form = post(
            &format!("coop/{event}"),
            "application/x-www-form-urlencoded",
        );
        said.push(ask(at, &form, "_back=%2Fother", ends).await);
    }
    said.push(stream.await.expect("it ended"));

    // What a new stream, and a page that is opened now, begin with.
    let head = format!("GET /api/stream?{follow} HTTP/1.1\r\ncookie: {cookie}");
    let snapshots =
        |heard: &str| heard.matches(",null,").count() >= 3 && heard.trim_end().ends_with(']');
    let late = ask(at, &head, "", snapshots).await;
    assert!(
        late.contains("Edda") && late.contains("Cleo"),
        "it is a snapshot:\n{late}"
    );
    said.push(late);
    for path in ["/", "/other", "/nowhere", "/api/coop/fill", "/pkg/farm.js"] {
        let head = format!("GET {path} HTTP/1.1\r\ncookie: {cookie}");
        let page = ask(at, &head, "", ends).await;
        assert!(page.starts_with("HTTP/1.1"), "{path}");
        said.push(page);
    }
    let page = &said[said.len() - 5];
    assert!(page.contains("Ada"), "the page shows the birds:\n{page}");
    assert_silent(&said);
    farm.served.close().await;
}

#[tokio::test]
async fn what_is_for_the_server_is_in_no_byte_of_shared_scopes_tabs_and_tasks() {
    let farm = Farm::open().await;
    let (at, cookie) = (farm.served.at, farm.cookie.clone());
    let ends = |_: &str| false;
    let mut said = Vec::new();
    let follow = "follow=s.uc_tasks,0.yard,0.uc_tasks,0.uc_ends,1.sky,2.nest,2.uc_ends\
                  &scope=yard:a&scope=sky:&scope=~one";
    let head = format!("GET /api/stream?{follow} HTTP/1.1\r\ncookie: {cookie}");
    // Ops of every scope, and the end of the task.
    let heard_all = |heard: &str| {
        ["yard", "sky", "nest"]
            .iter()
            .all(|state| heard.matches(&format!("[\"{state}\",")).count() >= 5)
            && heard.contains("\"failed\"")
    };
    let stream = {
        let head = head.clone();
        tokio::spawn(async move { ask(at, &head, "", heard_all).await })
    };
    let yard = farm.served.uc.keyed::<Yard>("a");
    let task = yard.start(broods(CANARY.into())).await;
    task.expect("the server may");
    let json = "application/json";
    for (scope, event) in [
        ("yard:a", "yard/into_yard"),
        ("sky:", "sky/into_sky"),
        ("~one", "nest/into_nest"),
    ] {
        for n in 1..=5 {
            let head =
                format!("POST /api/events HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: {json}");
            let client = scope.trim_matches(['~', ':']).replace(':', "-");
            let events = format!(
                r#"{{"client":"{client}","scope":"{scope}","events":[[{n},"{event}",{{}}]]}}"#
            );
            let answer = ask(at, &head, &events, ends).await;
            assert!(answer.contains("queued"), "{scope}: {answer}");
            said.push(answer);
        }
    }
    said.push(stream.await.expect("it ended"));
    // A snapshot of each, and the page.
    let snapshots = |heard: &str| {
        ["yard", "sky", "nest"]
            .iter()
            .all(|state| heard.contains(&format!("[\"{state}\",null,{{\"birds\":[{{")))
    };
    said.push(ask(at, &head, "", snapshots).await);
    let page = format!("GET /others HTTP/1.1\r\ncookie: {cookie}");
    let page = ask(at, &page, "", ends).await;
    assert!(page.contains("Hilda"), "the page shows the birds:\n{page}");
    said.push(page);
    assert_silent(&said);
    // It was there to be found.
    let plain = yard.read(|yard| yard.plain.clone()).await;
    assert!(plain.expect("it is read").contains(CANARY));
    farm.served.close().await;
}
