//! What anybody may send, to the parsers of the server and through its doors: nothing panics, and what
//! is not taken is refused with a sentence. Inputs are kept in `corpus/`.

use super::{crawlers::router, *};
use crate::{
    answer::Answers,
    corpus::{changed, replay},
    server::{
        door::{Door, Shut},
        events::events,
        followed::Request as Followed,
        session::Sessions,
    },
};
use axum::{
    body::{Body, to_bytes},
    extract::Query,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
    },
};
use fastrand::Rng;
use serde_json::Value;
use tower::ServiceExt;

/// So many inputs by chance where each is a request.
const TIMES: usize = 1_000;

fn sentence<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

/// A runtime whose clock is paused: what a request waits for takes no time.
fn paused() -> tokio::runtime::Runtime {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder
        .enable_time()
        .start_paused(true)
        .build()
        .expect("it is made")
}

// === What is read alone ===

#[test]
fn cookies() {
    let sessions = Sessions::with_key("app", [7; 32], false);
    let session = sessions.fresh();
    let issued = sessions.issue(&session);
    let issued = issued.to_str().unwrap().split(';').next().unwrap();
    let mac = issued.rsplit('.').next().unwrap();
    let read = |bytes: &[u8]| {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(bytes).map_err(sentence)?;
        headers.insert(header::COOKIE, value);
        let read = sessions.of(&headers).ok_or("it proves nothing")?;
        assert_eq!(read.visitor, session.visitor, "nobody else's was issued");
        Ok(())
    };
    replay("cookies", 4_000, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace("{cookie}", issued).replace("{mac}", mac);
        read(text.as_bytes())
    });
    let mut random = Rng::with_seed(7);
    for _ in 0..4_000 {
        let _: Result<(), String> = read(&changed(&mut random, issued.as_bytes()));
    }
}

#[test]
fn doors() {
    let door = Door::new(&["Example.org".into()], &["/hook".into()], false);
    replay("doors", 20_000, |bytes| {
        let mut parts = bytes.split(|byte| *byte == b'|');
        let request = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        let (method, path) = request.split_once(' ').ok_or("it is no request")?;
        let method: Method = method.parse().map_err(sentence)?;
        let mut headers = HeaderMap::new();
        for line in parts {
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.ok_or("it is no header")?);
            let name = HeaderName::from_bytes(name).map_err(sentence)?;
            let value = HeaderValue::from_bytes(value[1..].trim_ascii()).map_err(sentence)?;
            headers.append(name, value);
        }
        door.check(&method, path, &headers)
            .map_err(|shut| match shut {
                Shut::Host => "it is not for this host",
                Shut::Site => "it is not from this site",
            })?;
        // In other words than the door's own.
        let all = |name: &str| -> Vec<String> {
            let values = headers.get_all(name).iter();
            let text = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            text.collect()
        };
        let host = all("host").join("|").to_ascii_lowercase();
        let known = ["localhost", "127.0.0.1", "[::1]", "example.org"];
        let has_port = |name: &str| {
            let port = host
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(':'));
            port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        };
        assert!(
            known.iter().any(|name| host == *name || has_port(name)),
            "{host}"
        );
        let only_looks = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
        if path != "/hook" && (!only_looks || path == "/api/stream") {
            let (site, origin, referer) = (all("sec-fetch-site"), all("origin"), all("referer"));
            let is_own = |url: &String, path: &str| {
                let here = url.to_ascii_lowercase();
                let (_, here) = here.split_once("://").unwrap_or_default();
                here == host || !path.is_empty() && here.starts_with(&format!("{host}{path}"))
            };
            let is_here = match (&origin[..], &referer[..]) {
                ([origin], _) => is_own(origin, ""),
                ([], [referer]) => is_own(referer, "/"),
                _ => false,
            };
            assert!(
                site == ["same-origin"] || site.is_empty() && is_here,
                "{site:?}, {origin:?}, {referer:?}"
            );
        }
        Ok(())
    });
}

#[test]
fn configurations() {
    replay("config", 3_000, |bytes| {
        let text = str::from_utf8(bytes).map_err(sentence)?;
        let config = Config::parse(text)?;
        let check = config.limits.check();
        check.map_err(|(name, value, can_be)| format!("{name} is {value}, and one of {can_be:?}"))
    });
    let mut random = Rng::with_seed(1);
    for _ in 0..200 {
        let (queue, tasks) = (random.usize(1..1 << 40), random.usize(..1 << 40));
        let text = format!("[undercurrent.limits]\nqueue = {queue}\ntasks = {tasks}\n");
        let limits = Config::parse(&text).expect("it is one").limits;
        assert_eq!((limits.queue, limits.tasks), (queue, tasks));
    }
}

/// What a page follows is asked for and understood, and anything else refused.
#[test]
fn queries_of_streams() {
    let runtime = runtime(Limits::default());
    let read = |query: &[u8]| {
        let address = [b"/api/stream?", query].concat();
        let uri = Uri::try_from(&address[..]).map_err(sentence)?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(sentence)?;
        Followed::parse(&runtime, &query).map_err(|why| format!("refused: {why:?}"))
    };
    replay("queries", 20_000, |bytes| {
        let asked = read(bytes)?;
        let limits = &runtime.limits;
        let states = |(_, states): &(ScopeName, Vec<_>)| states.len();
        let count = asked.session.len() + asked.others.iter().map(states).sum::<usize>();
        assert!(count <= limits.followed_states && asked.others.len() <= limits.followed_scopes);
        Ok(())
    });
    let mut random = Rng::with_seed(1);
    for _ in 0..2_000 {
        let mut position = || {
            Position::new(
                crate::core::position::Epoch::from_random(random.u64(..)),
                random.u64(..) >> random.u8(..64),
            )
        };
        let (one, other, tab) = (position(), position(), position());
        let query = format!(
            "follow=s.trial@{one},s.uc_ends,0.uc_tasks@{tab}&scope=~3f&follow=s.uc_tasks@{other}"
        );
        let asked = read(query.as_bytes()).expect("it is as pages write it");
        assert_eq!(
            asked.session,
            [
                ("trial", Some(one)),
                ("uc_ends", None),
                ("uc_tasks", Some(other))
            ]
        );
        let tab_scope = ScopeName::Tab("3f".into());
        assert_eq!(asked.others, [(tab_scope, vec![("uc_tasks", Some(tab))])]);
    }
}

// === Through the doors ===

/// A visitor's cookie.
fn cookie(runtime: &Runtime) -> HeaderValue {
    let issued = runtime.sessions.issue(&runtime.sessions.fresh());
    let cookie = issued.to_str().unwrap().split(';').next().unwrap();
    HeaderValue::from_str(cookie).unwrap()
}

/// What was answered: a status that the protocol knows, and if it refuses, with a sentence in JSON.
async fn answer(response: Response<Body>, taken: &[StatusCode]) -> Result<String, String> {
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("it is short");
    let body = String::from_utf8(body.into()).expect("it is text");
    if taken.contains(&status) {
        return Ok(body);
    }
    let refusals = [
        StatusCode::FORBIDDEN,
        StatusCode::CONFLICT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    assert!(refusals.contains(&status), "{status}: {body}");
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}"));
    let why = body["refused"].as_str().or(body["message"].as_str());
    Err(why.expect("it says why").to_owned())
}

#[test]
fn requests_with_events() {
    let tokio = paused();
    let _inside = tokio.enter();
    let runtime = runtime(Limits::default());
    let cookie = cookie(&runtime);
    replay("batches", TIMES, |bytes| {
        tokio.block_on(async {
            let request = Request::post("/api/events")
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::COOKIE, &cookie)
                .body(Body::from(bytes.to_vec()))
                .unwrap();
            let response = events(runtime.clone()).oneshot(request).await;
            let response = response.unwrap_or_else(|never| match never {});
            let body = answer(response, &[StatusCode::ACCEPTED]).await?;
            let answers: Answers = serde_json::from_str(&body).expect("it answers");
            let sent: Value = serde_json::from_slice(bytes).unwrap_or_default();
            if let Some(sent) = sent["events"].as_array() {
                // Each has one, in order, and one that is refused says why.
                let numbers = sent.iter().map(|event| event[0].as_u64());
                let answered = answers.events.iter().map(|answer| Some(answer.n));
                assert!(numbers.eq(answered), "{body}");
            }
            let mut all = answers.events.iter();
            assert!(
                all.all(|answer| answer.kind.is_none() || answer.message.contains(' ')),
                "{body}"
            );
            Ok(())
        })
    });
}

#[test]
fn forms_and_calls() {
    let tokio = paused();
    let _inside = tokio.enter();
    let uc = builder(Limits::default()).build().expect("it starts");
    let (app, cookie) = (router(&uc), cookie(&uc.runtime));
    let post = |uri: Uri, content_type: &'static str, body: Vec<u8>| {
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::COOKIE, &cookie)
            .body(Body::from(body));
        app.clone().oneshot(request.unwrap())
    };
    replay("forms", TIMES, |bytes| {
        tokio.block_on(async {
            let uri = Uri::from_static("/api/trial/names");
            let form = "application/x-www-form-urlencoded";
            let response = post(uri, form, bytes.to_vec()).await.expect("it answers");
            let location = response.headers().get(header::LOCATION).cloned();
            answer(response, &[StatusCode::SEE_OTHER]).await?;
            let location = location.expect("it leads on");
            let location = location.to_str().expect("it is a path");
            assert!(location.starts_with('/') && !location[1..].starts_with(['/', '\\']));
            Ok(())
        })
    });
    replay("calls", TIMES, |bytes| {
        let address = [b"/api/trial/note?", bytes].concat();
        let uri = Uri::try_from(&address[..]).map_err(sentence)?;
        tokio.block_on(async {
            let body = br#"{"text":"a"}"#.to_vec();
            let response = post(uri, "application/json", body)
                .await
                .expect("it answers");
            answer(response, &[StatusCode::ACCEPTED]).await.map(drop)
        })
    });
}
