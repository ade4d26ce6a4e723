//! The door: what a request must show before its body is read and before a cookie is looked at.
//!
//! Host first: a name that is rebound to this address passes every check that compares a request
//! with itself. Then, for whatever could change something or carries a visitor's data, where the
//! request comes from: `Sec-Fetch-Site`, which browsers send and pages can't forge, else `Origin`.

use axum::{
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Whom the door lets in.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// Host names, without a port.
    hosts: Vec<String>,
    /// Paths that other sites may post to: web hooks, which prove themselves otherwise.
    open_paths: Vec<String>,
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
    pub(crate) fn new(hosts: &[String], open_paths: &[String]) -> Self {
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let hosts = hosts.iter().cloned().chain(loopback).collect();
        Door {
            hosts,
            open_paths: open_paths.to_vec(),
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
            None => one(headers, header::ORIGIN)
                .and_then(|origin| origin.split_once("://"))
                .is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host)),
        };
        if from_here { Ok(()) } else { Err(Shut::Site) }
    }
}

impl Door {
    /// What is said to a request that the door stays shut for. Asked before anything else.
    pub(crate) fn turns_away<B>(&self, request: &Request<B>) -> Option<Response> {
        let shut = self.check(request.method(), request.uri().path(), request.headers());
        let (status, message) = match shut.err()? {
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
        let door = Door::new(&["Example.org".into()], &["/hook".into()]);
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
