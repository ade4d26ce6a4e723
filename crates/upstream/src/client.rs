//! The client of the upstream: one GET for one product, with an end to how
//! long it takes and how much it reads.

use std::time::Duration;

use reqwest::{Client, Response, Url, header, redirect, retry};
use serde_json::Value;

use super::{ConfigError, UpstreamConfig, UpstreamError};
use crate::product::Product;

/// The longest body that is read, in bytes: 1 MiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// So much of a product is kept, in characters.
const TITLE_CHARS: usize = 120;
const DESCRIPTION_CHARS: usize = 600;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the configured upstream, and nothing else, for products. Clones share
/// one pool of connections.
#[derive(Clone, Debug)]
pub struct Upstream {
    http: Client,
    base: Url,
    connect_timeout: Duration,
    timeout: Duration,
}

impl Upstream {
    /// A client for the URL in `config`, which must have one: see
    /// [`super::open`]. No request is made yet.
    pub fn new(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        let base = config
            .base()?
            .ok_or_else(|| ConfigError::value("upstream.url", "is not set"))?;
        let timeout = Duration::from_millis(config.timeout_ms);
        Self::below(base, timeout, "upstream.url")
    }

    /// A client for what lies below another address; `key` is the setting that
    /// has it.
    pub(crate) fn below(
        base: Url,
        timeout: Duration,
        key: &'static str,
    ) -> Result<Self, ConfigError> {
        // A plain upstream must not need certificates: without any on the
        // machine, a client that loads them cannot be built.
        let system_roots = base.scheme() == "https";
        let connect_timeout = CONNECT_TIMEOUT.min(timeout);
        Self::build(base, connect_timeout, timeout, system_roots, key)
    }

    /// `system_roots` trusts the certificates of this machine; otherwise no
    /// certificate is trusted.
    pub(super) fn build(
        base: Url,
        connect_timeout: Duration,
        timeout: Duration,
        system_roots: bool,
        key: &'static str,
    ) -> Result<Self, ConfigError> {
        let http = http(connect_timeout, Some(timeout), system_roots, key)?;
        Ok(Self {
            http,
            base,
            connect_timeout,
            timeout,
        })
    }

    /// The address that `/{id}` is appended to.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Fetches one product with one request.
    pub async fn product(&self, id: u32) -> Result<Product, UpstreamError> {
        parse(id, &self.get(self.url(id)).await?)
    }

    /// The body of a good answer, with one request.
    pub(crate) async fn get(&self, url: Url) -> Result<Vec<u8>, UpstreamError> {
        let request = self
            .http
            .get(url)
            .header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(|error| self.named(&error))?;
        let status = response.status();
        match status.as_u16() {
            200..=299 => self.body(response).await,
            code @ (301 | 302 | 303 | 307 | 308) => Err(UpstreamError::Redirect(code)),
            code => Err(UpstreamError::Status(code)),
        }
    }

    /// The address that others are below.
    pub(crate) fn base_url(&self) -> Url {
        self.base.clone()
    }

    /// The address of a product.
    pub(crate) fn url(&self, id: u32) -> Url {
        let mut url = self.base.clone();
        // Only an address without a host has no segments, and
        // `UpstreamConfig` accepts none of those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&id.to_string());
        }
        url
    }

    /// Reads the body and stops at the limit, whatever length it announces.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, UpstreamError> {
        let announced = response.content_length().unwrap_or(0);
        if announced > BODY_LIMIT as u64 {
            return Err(UpstreamError::TooLarge);
        }
        let mut body = Vec::with_capacity(announced as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.named(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(UpstreamError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn named(&self, error: &reqwest::Error) -> UpstreamError {
        UpstreamError::from_reqwest(error, self.connect_timeout, self.timeout)
    }
}

/// An HTTP client that goes where it is sent and nowhere else. `system_roots`
/// trusts the certificates of this machine; otherwise no certificate is
/// trusted. `key` is the setting with the address, for errors.
pub(crate) fn http(
    connect_timeout: Duration,
    timeout: Option<Duration>,
    system_roots: bool,
    key: &'static str,
) -> Result<Client, ConfigError> {
    // reqwest takes the process's provider. If there is one already, it serves
    // as well as this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent("undercurrent-gallery")
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(connect_timeout);
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    if !system_roots {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        ConfigError::value(key, format!("cannot be used: {cause}"))
    })
}

/// Reads the product `id` from a body. Fields it does not need are ignored.
fn parse(id: u32, body: &[u8]) -> Result<Product, UpstreamError> {
    // Two steps tell a body that is no JSON from JSON that is no product.
    let value: Value = serde_json::from_slice(body).map_err(|_| UpstreamError::NotJson)?;
    if !value.is_object() {
        // An array of the right length would pass for a struct.
        return Err(UpstreamError::not_product("it is not an object"));
    }
    let mut product: Product = serde_json::from_value(value)
        .map_err(|error| UpstreamError::not_product(&error.to_string()))?;
    if product.id != id {
        let reason = format!("it has the id {} instead of {id}", product.id);
        return Err(UpstreamError::NotProduct(reason));
    }
    cut(&mut product.title, TITLE_CHARS);
    cut(&mut product.description, DESCRIPTION_CHARS);
    Ok(product)
}

/// One line, and no more of it than there is room for.
pub(crate) fn cut(text: &mut String, chars: usize) {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(chars).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    *text = short;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &str) -> String {
        parse(7, body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn other_fields_are_ignored() {
        let body = r#"{"id":7,"title":"Mug","description":"Holds tea.","price":9,"sku":["x"]}"#;
        let product = parse(7, body.as_bytes()).unwrap();
        assert_eq!(product.title, "Mug");
        assert_eq!(product.price, 9.0);
    }

    #[test]
    fn a_product_is_no_longer_than_there_is_room_for() {
        let (title, about) = ("t".repeat(9_000), "d ".repeat(9_000));
        let body = format!(r#"{{"id":7,"title":"{title}","description":"{about}","price":9}}"#);
        let product = parse(7, body.as_bytes()).unwrap();
        assert_eq!(product.title.chars().count(), TITLE_CHARS + 1);
        assert_eq!(product.description.chars().count(), DESCRIPTION_CHARS + 1);
    }

    #[test]
    fn what_is_no_product_is_told() {
        assert_eq!(reason(""), "the answer is not JSON");
        assert_eq!(reason("<p>hello"), "the answer is not JSON");
        assert_eq!(reason(r#"{"id":7}{"id":8}"#), "the answer is not JSON");
        assert_eq!(reason(&"[".repeat(BODY_LIMIT)), "the answer is not JSON");
        assert_eq!(
            reason(r#"[7,"Mug","Holds tea.",9.0]"#),
            "the answer is not a product: it is not an object"
        );
        assert_eq!(
            reason(r#"{"id":7,"description":"Holds tea.","price":9}"#),
            "the answer is not a product: missing field `title`"
        );
        assert_eq!(
            reason(r#"{"id":8,"title":"Mug","description":"Holds tea.","price":9}"#),
            "the answer is not a product: it has the id 8 instead of 7"
        );
        let wrong = reason(r#"{"id":7,"title":"Mug","description":"Holds tea.","price":"9"}"#);
        assert!(wrong.contains("expected f64"), "{wrong}");
    }

    #[test]
    fn the_id_is_appended_as_one_segment() {
        for (base, url) in [
            ("http://localhost/products", "http://localhost/products/7"),
            ("http://localhost/products/", "http://localhost/products/7"),
            ("http://localhost:9", "http://localhost:9/7"),
        ] {
            let config = UpstreamConfig {
                url: Some(base.to_owned()),
                ..UpstreamConfig::default()
            };
            assert_eq!(Upstream::new(&config).unwrap().url(7).as_str(), url);
        }
    }

    #[test]
    fn a_client_needs_a_url() {
        let error = Upstream::new(&UpstreamConfig::default()).unwrap_err();
        assert_eq!(error.to_string(), "upstream.url is not set");
    }
}
