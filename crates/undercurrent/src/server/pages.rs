//! Page views: the cookie, the snapshot that a page is rendered from, the headers around it.

use super::{
    Runtime,
    authorize::authorize,
    rendered::Rendered,
    renewal::NoSession,
    scopes::NoScope,
    scripts::{LOADS_AGAIN, Named, Scripts},
};
use crate::{
    Visitor,
    core::scope::ScopeName,
    page::{Replicas, ScopeSnapshot, Source},
};
use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::{
    config::{Env, LeptosOptions},
    context::{provide_context, use_context},
    nonce::use_nonce,
};
use leptos_axum::ResponseOptions;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a page view renders from. In the request's extensions.
#[derive(Clone)]
struct PageView(Arc<Reader>);

/// Reads scopes for the visitor who views a page.
struct Reader {
    runtime: Arc<Runtime>,
    visitor: Visitor,
    /// The session that the page shows. `None` where it is not known which one the browser has.
    shown: Option<String>,
    /// Read before the page is begun, in its turn. Other scopes are known only once their
    /// components are.
    session: Option<Arc<ScopeSnapshot>>,
}

impl Source for Reader {
    fn read(&self, scope: &ScopeName) -> Option<Result<Arc<ScopeSnapshot>, String>> {
        match scope {
            ScopeName::Session => return self.session.clone().map(Ok),
            // A request does not tell which tab it is of.
            ScopeName::Tab(_) => return None,
            ScopeName::Keyed { .. } => {}
        }
        let place = match authorize(&self.runtime, self.visitor, scope) {
            Ok(place) => place,
            Err(refused) => return Some(Err(refused.message())),
        };
        // A component can't wait: its thread reads the scope.
        let snapshot = match self.runtime.found_now(&place).ok()? {
            Some(scope) => scope.snapshot_now(self.visitor)?,
            None => ScopeSnapshot::default(),
        };
        Some(Ok(Arc::new(snapshot)))
    }
}

/// A script that a browser keeps is asked for anew at each view, and sent where it is another one.
/// Without a word about that browsers guess, by its age, and run what is old in a page that is new.
fn asked_anew(known: Option<HeaderValue>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let modified = headers.get(header::LAST_MODIFIED).cloned();
    if modified.is_some() {
        // Some are there packed, too.
        let accept = HeaderValue::from_static("accept-encoding");
        headers.append(header::VARY, accept);
    }
    if modified.is_none() || headers.contains_key(header::CACHE_CONTROL) {
        return response;
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if response.status() == StatusCode::OK && known == modified {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// Whatever is no page. A script whose name says what it says is kept for ever.
async fn file(scripts: &Scripts, mut request: Request, next: Next) -> Response {
    let uri = request.uri();
    let named = scripts.at(uri.path(), Instant::now());
    let path = match &named {
        Some(Named::This(path)) => path,
        _ => uri.path(),
    };
    if scripts.is_packed_of_another(path) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let Some(named) = named else {
        let known = request.headers().get(header::IF_MODIFIED_SINCE).cloned();
        return asked_anew(known, next.run(request).await);
    };
    let is_module = match named {
        Named::This(path) => {
            if let Ok(plain) = Uri::try_from(path) {
                *request.uri_mut() = plain;
            }
            let mut response = next.run(request).await;
            if response.status() == StatusCode::OK {
                let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
                response.headers_mut().insert(header::CACHE_CONTROL, kept);
                let accept = HeaderValue::from_static("accept-encoding");
                response.headers_mut().append(header::VARY, accept);
            }
            return response;
        }
        Named::Other { is_module } => is_module,
    };
    let not_kept = [(header::CACHE_CONTROL, "no-store")];
    if is_module {
        let script = [(header::CONTENT_TYPE, "text/javascript")];
        return (not_kept, script, LOADS_AGAIN).into_response();
    }
    (StatusCode::NOT_FOUND, not_kept).into_response()
}

/// Around every page: who asks, one snapshot, a cookie if there was none.
pub(super) async fn page_view(
    State(scripts): State<Arc<Scripts>>,
    Extension(runtime): Extension<Arc<Runtime>>,
    mut request: Request,
    next: Next,
) -> Response {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let asks_for_page = accept.is_some_and(|accept| accept.contains("text/html"));
    // Programs take anything; a browser asks for scripts and pictures so, too.
    let file_name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let takes_anything = accept.is_none_or(|accept| accept == "*/*") && !file_name.contains('.');
    let wants_page = asks_for_page || takes_anything;
    if request.method() != Method::GET || !wants_page {
        return file(&scripts, request, next).await;
    }
    let session = runtime.session_of(request.headers()).await;
    let viewer = session.unwrap_or_else(|_| runtime.sessions.fresh());
    let visitor = viewer.visitor;
    let place = authorize(&runtime, visitor, &ScopeName::Session);
    let found = match &place {
        _ if matches!(session, Err(NoSession::Unreadable)) => Err(NoScope::Unreadable),
        Ok(place) => runtime.found(place).await,
        Err(_) => Ok(None),
    };
    let snapshot = match found {
        // Not shown as empty: the stream brings it.
        Err(_) => None,
        // What can't be kept can't be shown either, where that is the order: the page opens
        // without, and the stream brings it.
        Ok(Some(scope)) => {
            let patience = Duration::from_millis(runtime.limits.store_wait_ms);
            let snapshot = tokio::time::timeout(patience, scope.snapshot(visitor)).await;
            snapshot.ok()
        }
        Ok(None) => Some(ScopeSnapshot::default()),
    };
    let shown = match session {
        Ok(_) | Err(NoSession::Nothing) => Some(visitor.id()),
        Err(NoSession::ReplacedLately | NoSession::Unreadable) => None,
    };
    let reader = Reader {
        runtime: runtime.clone(),
        visitor,
        shown: shown.clone(),
        session: snapshot.map(Arc::new),
    };
    request.extensions_mut().insert(PageView(Arc::new(reader)));
    let mut response = next.run(request).await;
    let is_found = response.status() == StatusCode::OK;
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_html = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_html && !response.headers().contains_key(header::CONTENT_ENCODING) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY);
        let nonce = policy.and_then(|policy| nonce_of(policy.to_str().ok()?));
        let nonce = nonce.map(str::to_owned);
        response =
            response.map(|body| Body::new(Rendered::new(body, nonce.as_deref(), shown.as_deref())));
    }
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if is_html {
        // What a page shows is the visitor's own.
        let private = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, private);
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        // A file that is missing is answered with a page, too, but nobody views it.
        let cookie = match &session {
            Ok(session) => runtime.sessions.renew(session),
            // It has a good one, or will in a moment: another would take its place.
            Err(NoSession::ReplacedLately | NoSession::Unreadable) => None,
            Err(NoSession::Nothing) => {
                (asks_for_page || is_found).then(|| runtime.sessions.issue(&viewer))
            }
        };
        if let Some(cookie) = cookie {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// What a page finds in its context, and the policy that goes with its nonce.
pub(crate) fn provide_page(options: &LeptosOptions) {
    let parts = use_context::<Parts>();
    let view = parts
        .as_ref()
        .and_then(|parts| parts.extensions.get::<PageView>().cloned());
    let source = view.map(|PageView(reader)| reader as Arc<dyn Source>);
    provide_context(Replicas::new(source));
    if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) {
        let policy = content_security_policy(&nonce, options);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// The path and query of the page that is being rendered.
pub(crate) fn request_path() -> String {
    let path = use_context::<Parts>().map(|parts| match parts.uri.path_and_query() {
        Some(path) => path.as_str().to_owned(),
        None => "/".to_owned(),
    });
    path.unwrap_or_else(|| "/".to_owned())
}

/// Which session the page that is rendered shows. Empty where nobody can say.
pub(crate) fn request_session() -> String {
    let parts = use_context::<Parts>();
    let view = parts.as_ref().and_then(|parts| parts.extensions.get());
    let shown = view.and_then(|PageView(reader)| reader.shown.clone());
    shown.unwrap_or_default()
}

/// What [`content_security_policy`] was made with.
fn nonce_of(policy: &str) -> Option<&str> {
    let (_, behind) = policy.split_once("'nonce-")?;
    Some(behind.split_once('\'')?.0)
}

/// Scripts run by nonce; everything else comes from this site, and nothing frames it.
fn content_security_policy(nonce: &dyn fmt::Display, options: &LeptosOptions) -> String {
    // In development the page is told of changes over a socket on another port.
    let reload = match options.env {
        Env::DEV => {
            let port = options.reload_external_port.unwrap_or(options.reload_port);
            format!(
                " ws://{}:{port} ws://localhost:{port}",
                options.site_addr.ip()
            )
        }
        Env::PROD => String::new(),
    };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; \
         manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::HttpBody;

    #[test]
    fn scripts_are_asked_for_anew_and_sent_where_they_are_others() {
        let monday = HeaderValue::from_static("Mon, 23 Nov 2026 10:00:00 GMT");
        let file = || {
            let file = Response::builder().header(header::LAST_MODIFIED, &monday);
            file.body(Body::from("a script")).expect("it is one")
        };
        let earlier = HeaderValue::from_static("Sun, 22 Nov 2026 10:00:00 GMT");
        for (known, status) in [
            (None, StatusCode::OK),
            (Some(earlier), StatusCode::OK),
            (Some(monday.clone()), StatusCode::NOT_MODIFIED),
        ] {
            let answer = asked_anew(known, file());
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-cache");
            let is_empty = answer.body().is_end_stream();
            assert_eq!(is_empty, status == StatusCode::NOT_MODIFIED);
        }
        // What an app says itself stands.
        let mut own = file();
        let word = HeaderValue::from_static("max-age=60");
        own.headers_mut().insert(header::CACHE_CONTROL, word);
        let own = asked_anew(Some(monday), own);
        assert_eq!(own.headers()[header::CACHE_CONTROL], "max-age=60");
        assert_eq!(own.status(), StatusCode::OK);
    }
}
