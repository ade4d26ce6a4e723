//! The door: what a request must show before its body is read and before a cookie is looked at.
//!
//! Host first: a name that is rebound to this address passes every check that compares a request
//! with itself. Then, for whatever could change something or carries a visitor's data, where the
//! request comes from: `Sec-Fetch-Site`, which browsers send and pages can't forge, else `Origin`, else
//! `Referer`, which a page can leave out and can't forge either.
//!
//! Who sets a server up reads in the log, once, what is likely to be set wrongly.

use axum::{
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whom the door lets in.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// Host names, without a port.
    hosts: Vec<String>,
    /// Paths that other sites may post to: web hooks, which prove themselves otherwise.
    open_paths: Vec<String>,
    /// Browsers reach it by https, as the settings say.
    is_secure: bool,
    told: Arc<Told>,
}

/// What the log has been told of. Once, or whoever asks fills it.
#[derive(Debug, Default)]
struct Told {
    host: AtomicBool,
    site: AtomicBool,
    scheme: AtomicBool,
}

/// Where pages send events.
pub(crate) const EVENTS_PATH: &str = "/api/events";

/// Where streams are.
pub(crate) const STREAM_PATH: &str = "/api/stream";

/// Why the door stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Host,
    Site,
}

impl Door {
    pub(crate) fn new(hosts: &[String], open_paths: &[String], is_secure: bool) -> Self {
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let hosts = hosts.iter().cloned().chain(loopback).collect();
        Door {
            hosts,
            open_paths: open_paths.to_vec(),
            is_secure,
            told: Arc::default(),
        }
    }

    pub(super) fn check(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(), Shut> {
        let host = one(headers, header::HOST).ok_or(Shut::Host)?;
        let name = without_port(host);
        let is_here = |known: &String| known.eq_ignore_ascii_case(name);
        if !self.hosts.iter().any(is_here) {
            return Err(Shut::Host);
        }
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe && path != STREAM_PATH || self.open_paths.iter().any(|open| open == path) {
            return Ok(());
        }
        let from_here = match one(headers, "sec-fetch-site") {
            Some(site) => site == "same-origin",
            // Twice, or in odd letters: no browser sent it so.
            None if headers.contains_key("sec-fetch-site") => false,
            // Sent by browsers on https and on loopback only; else the origin must be this host.
            None => origin(headers).is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host)),
        };
        if from_here { Ok(()) } else { Err(Shut::Site) }
    }
}

impl Door {
    /// What is said to a request that the door stays shut for. Asked before anything else.
    pub(crate) fn turns_away<B>(&self, request: &Request<B>) -> Option<Response> {
        let (path, headers) = (request.uri().path(), request.headers());
        let checked = self.check(request.method(), path, headers);
        if path == STREAM_PATH && checked.is_ok() {
            self.mind_scheme(headers);
        }
        let shut = checked.err()?;
        self.tell(shut, headers);
        let (status, message) = match shut {
            Shut::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "This server does not answer to that host name. Add it to `hosts` in Leptos.toml.\n",
            ),
            Shut::Site => (
                StatusCode::FORBIDDEN,
                "This request does not come from a page of this site.\n",
            ),
        };
        Some((status, message).into_response())
    }
}

impl Door {
    /// Once a page is whether its cookie can be right.
    fn mind_scheme(&self, headers: &HeaderMap) {
        let Some((scheme, name)) = origin(headers) else {
            return;
        };
        let is_secure = scheme == "https";
        // Browsers keep such a cookie on loopback, too.
        let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&without_port(name));
        let is_wrong = is_secure != self.is_secure && (is_secure || !is_loopback);
        if !is_wrong || self.told.scheme.swap(true, Ordering::Relaxed) {
            return;
        }
        match is_secure {
            true => tracing::warn!(
                "pages are reached by https, and `https` is not set: their cookie is sent without it, too"
            ),
            false => tracing::warn!(
                host = name,
                "pages are reached without https, and `https` is set: browsers keep no cookie of theirs"
            ),
        }
    }

    fn tell(&self, shut: Shut, headers: &HeaderMap) {
        let host = one(headers, header::HOST).unwrap_or_default();
        match shut {
            Shut::Host if !self.told.host.swap(true, Ordering::Relaxed) => tracing::warn!(
                host,
                "a host name was asked for that is not among `hosts`: it is not answered, nor are others"
            ),
            Shut::Site if !self.told.site.swap(true, Ordering::Relaxed) => {
                let from = origin(headers).map_or("", |(_, origin)| origin);
                tracing::warn!(
                    host,
                    from,
                    "what comes from another site is refused; where that is this one, a proxy does not pass `Host` on"
                );
            }
            Shut::Host | Shut::Site => {}
        }
    }
}

/// Where a request comes from, as its scheme and its host: with a `GET`, as of a stream, browsers send
/// no `Origin`.
fn origin(headers: &HeaderMap) -> Option<(&str, &str)> {
    let is_told = headers.contains_key(header::ORIGIN);
    let url = match is_told {
        true => one(headers, header::ORIGIN),
        false => one(headers, header::REFERER),
    };
    let (scheme, rest) = url?.split_once("://")?;
    match rest.split_once('/') {
        // An origin has no path.
        Some((host, _)) if !is_told => Some((scheme, host)),
        _ => Some((scheme, rest)),
    }
}

/// A header that is there exactly once.
fn one(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: Result<(), Shut>, request: &str, headers: &[(&'static str, &str)]) {
        let (method, path) = request.split_once(' ').unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let door = Door::new(&["Example.org".into()], &["/hook".into()], false);
        assert_eq!(door.check(&method.parse().unwrap(), path, &map), expected);
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:3000");

    #[test]
    fn pages_are_open_to_links_from_anywhere() {
        check(
            Ok(()),
            "GET /posts",
            &[HOST, ("sec-fetch-site", "cross-site")],
        );
        check(Ok(()), "GET /posts", &[("host", "example.org")]);
    }

    #[test]
    fn a_foreign_host_name_is_turned_away_for_pages_too() {
        check(
            Err(Shut::Host),
            "GET /posts",
            &[("host", "rebound.example:3000")],
        );
        check(Err(Shut::Host), "GET /posts", &[]);
        check(
            Err(Shut::Host),
            "GET /posts",
            &[HOST, ("host", "example.org")],
        );
    }

    #[test]
    fn events_and_streams_come_from_this_site() {
        for request in [
            "POST /api/events",
            "POST /api/feed/clear",
            "GET /api/stream",
        ] {
            check(Ok(()), request, &[HOST, ("sec-fetch-site", "same-origin")]);
            check(
                Ok(()),
                request,
                &[HOST, ("origin", "http://127.0.0.1:3000")],
            );
            for site in ["cross-site", "same-site", "none"] {
                check(Err(Shut::Site), request, &[HOST, ("sec-fetch-site", site)]);
            }
            check(Err(Shut::Site), request, &[HOST]);
            check(
                Err(Shut::Site),
                request,
                &[HOST, ("origin", "http://127.0.0.1:3001")],
            );
            check(Err(Shut::Site), request, &[HOST, ("origin", "null")]);
            // As a browser asks for a stream without https.
            let page = ("referer", "http://127.0.0.1:3000/posts?a=b");
            check(Ok(()), request, &[HOST, page]);
            check(Err(Shut::Site), request, &[HOST, page, ("origin", "null")]);
            check(Err(Shut::Site), request, &[HOST, page, page]);
            for foreign in [
                "http://127.0.0.1:3001/posts",
                "http://127.0.0.1:3000.example/",
                "http://example/127.0.0.1:3000/",
                "http://example?://127.0.0.1:3000/",
                "http://x@127.0.0.1:3000/",
                "127.0.0.1:3000",
                "",
            ] {
                check(Err(Shut::Site), request, &[HOST, ("referer", foreign)]);
            }
            // What browsers send wins over what a page might send.
            let both = [
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://127.0.0.1:3000"),
            ];
            check(Err(Shut::Site), request, &[HOST, both[0], both[1]]);
        }
    }

    #[test]
    fn an_open_path_takes_posts_from_elsewhere() {
        check(Ok(()), "POST /hook", &[HOST]);
        check(Err(Shut::Site), "POST /hook/", &[HOST]);
    }
}
