//! What a page's HTML is sent with, over what was rendered: a script that fetches its scripts again
//! where they don't come, and no NUL.

use crate::page::SESSION;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use std::{
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

/// A page on its way.
pub(super) struct Rendered {
    body: Body,
    /// What stands before the page's scripts, while they have not passed.
    script: Option<String>,
}

/// Where leptos' `HydrationScripts` begin.
const SCRIPTS: &[u8] = b"<link rel=\"modulepreload\"";

/// Without what is for who reads it here: each page has it.
static FETCHES_AGAIN: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("fetches_again.js").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
});

impl Rendered {
    /// `nonce`: what scripts run by, where the page has a policy. `session`: which one it shows, where
    /// that is known; its program looks for it there.
    pub(super) fn new(body: Body, nonce: Option<&str>, session: Option<&str>) -> Self {
        let written = |name, value: Option<&str>| {
            value.map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
        };
        let (nonce, session) = (written("nonce", nonce), written(SESSION, session));
        let script = &*FETCHES_AGAIN;
        Rendered {
            body,
            script: Some(format!("<script{nonce}{session}>{script}</script>")),
        }
    }

    fn passed(&mut self, data: Bytes) -> Bytes {
        let scripts = || data.windows(SCRIPTS.len()).position(|part| part == SCRIPTS);
        let at = self.script.is_some().then(scripts).flatten();
        let data = match at.zip(self.script.take_if(|_| at.is_some())) {
            Some((at, script)) => {
                Bytes::from([&data[..at], script.as_bytes(), &data[at..]].concat())
            }
            None => data,
        };
        without_nul(data)
    }
}

impl HttpBody for Rendered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let passed = |frame: Frame<Bytes>| frame.map_data(|data| self.passed(data));
        Poll::Ready(frame.map(|frame| frame.map(passed)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

/// NUL is nothing that HTML has a way to write: a browser drops it, and where a text is nothing else
/// there would be no text for the page to take up. Its sign stands there instead, as in an attribute.
/// Scripts have none: in the data that a page carries it is escaped.
fn without_nul(data: Bytes) -> Bytes {
    // A byte of 0 is in no other letter of UTF-8.
    if !data.contains(&0) {
        return data;
    }
    let mut parts = data.split(|byte| *byte == 0);
    let mut clean = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        clean.extend_from_slice("\u{FFFD}".as_bytes());
        clean.extend_from_slice(part);
    }
    Bytes::from(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_scripts_of_a_page_stands_what_fetches_them_again_once() {
        let mut page = Rendered::new(Body::empty(), Some("abc"), Some("0f3c"));
        let mut pass = |text: &'static str| {
            let passed = page.passed(Bytes::from_static(text.as_bytes()));
            String::from_utf8(passed.to_vec()).expect("text")
        };
        assert_eq!(pass("<head>"), "<head>");
        let scripts = "<link rel=\"modulepreload\" href=\"/pkg/a.js\">";
        let passed = pass(scripts);
        assert!(
            passed.starts_with("<script nonce=\"abc\" data-session=\"0f3c\">(() => {"),
            "{passed}"
        );
        assert!(
            passed.ends_with(&format!("}})();</script>{scripts}")),
            "{passed}"
        );
        assert!(!passed.contains("// "), "{passed}");
        // What a visitor has written, say.
        assert_eq!(pass(scripts), scripts);
        assert_eq!(pass("a\0b"), "a\u{FFFD}b");
    }
}
