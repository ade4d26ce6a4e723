//! Why a product could not be had, in words for the visitor.

use std::{error::Error, fmt, io, time::Duration};

/// The most characters that an answer's own fault is told in.
const DETAIL_CHARS: usize = 120;

/// Why the upstream gave no product. Each one is shown as a short sentence,
/// without a capital or a full stop, that tells no address.
#[derive(Clone, Debug, PartialEq)]
pub enum UpstreamError {
    /// Nothing listens on the upstream's port.
    Refused,
    /// The upstream's name has no address.
    UnknownHost,
    /// No connection came about in this time.
    ConnectTimeout(Duration),
    /// No connection came about for another reason, such as no route.
    Unreachable,
    /// The certificate or the TLS handshake was not accepted.
    Tls,
    /// The answer was not complete after this time.
    Timeout(Duration),
    /// The connection ended before the answer did.
    Closed,
    /// What came back is not HTTP.
    NotHttp,
    /// The answer is a redirect with this status, and none is followed.
    Redirect(u16),
    /// The answer has this status instead of a success.
    Status(u16),
    /// The answer is longer than [`super::client::BODY_LIMIT`].
    TooLarge,
    /// The answer's body is not JSON.
    NotJson,
    /// The answer is JSON but no product, for this reason.
    NotProduct(String),
    /// The answer is JSON but no list of products, for this reason.
    NotList(String),
    /// The request failed in a way that has no name here.
    Other(String),
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => write!(f, "the upstream refused the connection"),
            Self::UnknownHost => write!(f, "the upstream's name could not be resolved"),
            Self::ConnectTimeout(time) => write!(
                f,
                "the upstream did not accept the connection within {} s",
                time.as_secs_f64()
            ),
            Self::Unreachable => write!(f, "the upstream could not be reached"),
            Self::Tls => write!(f, "no secure connection to the upstream came about"),
            Self::Timeout(time) => {
                write!(
                    f,
                    "the upstream did not answer within {} s",
                    time.as_secs_f64()
                )
            }
            Self::Closed => write!(f, "the upstream closed the connection"),
            Self::NotHttp => write!(f, "the answer is not HTTP"),
            Self::Redirect(code) => {
                write!(f, "the upstream redirects, which is not followed ({code})")
            }
            Self::Status(code) => write!(f, "the upstream answered {code}"),
            Self::TooLarge => write!(f, "the answer is over 1 MiB"),
            Self::NotJson => write!(f, "the answer is not JSON"),
            Self::NotProduct(reason) => write!(f, "the answer is not a product: {reason}"),
            Self::NotList(reason) => write!(f, "the answer is not a list of products: {reason}"),
            Self::Other(reason) => write!(f, "the request failed: {reason}"),
        }
    }
}

impl Error for UpstreamError {}

impl UpstreamError {
    /// A [`Self::NotProduct`] whose reason, which can quote the answer, is
    /// kept short.
    pub(super) fn not_product(reason: &str) -> Self {
        Self::NotProduct(shortened(reason))
    }

    /// A [`Self::NotList`], kept short as well.
    pub(super) fn not_list(reason: &str) -> Self {
        Self::NotList(shortened(reason))
    }

    /// Names what went wrong between the request and the end of its answer.
    pub(super) fn from_reqwest(
        error: &reqwest::Error,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Self {
        if error.is_timeout() {
            return if error.is_connect() {
                Self::ConnectTimeout(connect_timeout)
            } else {
                Self::Timeout(timeout)
            };
        }
        if error.is_dns() {
            return Self::UnknownHost;
        }
        let known = causes(error).find_map(from_cause);
        known.unwrap_or_else(|| {
            if error.is_connect() {
                Self::Unreachable
            } else {
                // The outermost error tells the URL, so the innermost is shown.
                let innermost = causes(error).last().map(ToString::to_string);
                Self::Other(shortened(&innermost.unwrap_or_default()))
            }
        })
    }
}

/// The errors below this one, the innermost last.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// What one error of the chain says for certain.
fn from_cause(cause: &(dyn Error + 'static)) -> Option<UpstreamError> {
    if let Some(error) = cause.downcast_ref() {
        return from_io(error);
    }
    let error = cause.downcast_ref::<hyper::Error>()?;
    if error.is_incomplete_message() || error.is_canceled() {
        Some(UpstreamError::Closed)
    } else if error.is_parse() {
        Some(UpstreamError::NotHttp)
    } else {
        None
    }
}

/// What an I/O error says for certain.
fn from_io(error: &io::Error) -> Option<UpstreamError> {
    // A TLS error travels inside one or two I/O errors, and an I/O error does
    // not name the one inside as its source.
    if let Some(inner) = error.get_ref() {
        if inner.is::<rustls::Error>() {
            return Some(UpstreamError::Tls);
        }
        if let Some(inner) = inner.downcast_ref() {
            return from_io(inner);
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(UpstreamError::Refused),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(UpstreamError::Closed),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(DETAIL_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_seconds() {
        for (ms, text) in [(10_000, "10 s"), (1_500, "1.5 s"), (250, "0.25 s")] {
            let error = UpstreamError::Timeout(Duration::from_millis(ms));
            assert_eq!(
                error.to_string(),
                format!("the upstream did not answer within {text}")
            );
        }
    }

    #[test]
    fn long_reasons_are_cut_between_characters() {
        let UpstreamError::NotProduct(reason) = UpstreamError::not_product(&"ä".repeat(500))
        else {
            panic!("another variant");
        };
        assert_eq!(reason.chars().count(), DETAIL_CHARS + 1);
        assert_eq!(
            UpstreamError::not_product("missing field `title`").to_string(),
            "the answer is not a product: missing field `title`"
        );
    }
}
