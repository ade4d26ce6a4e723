//! Sessions: one browser, one signed cookie.
//!
//! `v1.<key id>.<scope id, 128 random bits>.<generation>.<issued>.<MAC>`. A cookie is issued by a
//! page view only; an event or a stream without a valid one is refused and sets nothing.

use super::{StartError, random_bytes, scopes::ScopeKey};
use axum::http::{HeaderMap, HeaderValue, header};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::{fmt, io, path::Path, time::SystemTime};

/// Who asks: a browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// The visitor's own scope.
    pub(crate) scope: ScopeKey,
}

/// Issues cookies and reads them.
pub(crate) struct Sessions {
    cookie_name: String,
    key: [u8; 32],
    /// Tells which key signed, so that keys can be changed.
    key_id: String,
    is_secure: bool,
}

/// The environment variable that holds the signing key, as 64 hexadecimal digits.
pub(crate) const KEY_VARIABLE: &str = "UNDERCURRENT_SESSION_KEY";

/// Seconds that a browser keeps the cookie.
const MAX_AGE_S: u64 = 365 * 24 * 3600;
/// A longer cookie is none of ours.
const MAX_COOKIE_BYTES: usize = 256;

impl Sessions {
    /// The key comes from the environment, else from the file, which is made at the first start.
    pub(crate) fn open(app: &str, key_file: &Path, is_secure: bool) -> Result<Self, StartError> {
        let key = match std::env::var(KEY_VARIABLE) {
            Ok(hex) => parse_hex(&hex).ok_or(StartError::KeyVariable)?,
            Err(_) => key_from_file(key_file)
                .map_err(|error| StartError::KeyFile(key_file.to_owned(), error))?,
        };
        Ok(Self::with_key(app, key, is_secure))
    }

    pub(crate) fn with_key(app: &str, key: [u8; 32], is_secure: bool) -> Self {
        let key_id = to_hex(&Sha256::digest(key)[..4]);
        // Cookies don't tell ports apart: two apps on one host must not share a name. `__Host-`
        // binds it to this host and to https.
        let prefix = if is_secure { "__Host-" } else { "" };
        Sessions {
            cookie_name: format!("{prefix}{app}-session"),
            key,
            key_id,
            is_secure,
        }
    }

    /// The session that a request's cookie proves.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<Session> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(name, value)| *name == self.cookie_name && value.len() <= MAX_COOKIE_BYTES)
            .find_map(|(_, value)| self.read(value))
    }

    /// A new session, and the `Set-Cookie` that gives it to the browser.
    pub(crate) fn issue(&self) -> (Session, HeaderValue) {
        let id = random_bytes::<16>();
        let issued = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (key_id, id_hex) = (&self.key_id, to_hex(&id));
        let signed = format!("v1.{key_id}.{id_hex}.0.{}", issued.as_secs());
        let mac = to_hex(&self.mac(&signed).finalize().into_bytes());
        let (name, secure) = (
            &self.cookie_name,
            if self.is_secure { "; Secure" } else { "" },
        );
        let cookie = format!(
            "{name}={signed}.{mac}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Lax{secure}"
        );
        let cookie = HeaderValue::from_str(&cookie).unwrap_or_else(|_| {
            unreachable!("a cookie is made of letters, digits and dots; the name was checked")
        });
        (
            Session {
                scope: scope_key(&id),
            },
            cookie,
        )
    }

    fn read(&self, value: &str) -> Option<Session> {
        let (signed, mac) = value.rsplit_once('.')?;
        self.mac(signed).verify_slice(&parse_hex::<32>(mac)?).ok()?;
        let mut parts = signed.split('.');
        let (version, key_id, id) = (parts.next()?, parts.next()?, parts.next()?);
        let (generation, issued) = (parts.next()?, parts.next()?);
        let fits = version == "v1"
            && key_id == self.key_id
            && generation.parse::<u64>().is_ok()
            && issued.parse::<u64>().is_ok()
            && parts.next().is_none();
        fits.then_some(Session {
            scope: scope_key(&parse_hex::<16>(id)?),
        })
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.key)
            .unwrap_or_else(|_| unreachable!("an HMAC takes a key of any length"));
        mac.update(text.as_bytes());
        mac
    }
}

fn scope_key(id: &[u8; 16]) -> ScopeKey {
    let mut key = [0; 16];
    key.copy_from_slice(&Sha256::digest(id)[..16]);
    ScopeKey(key)
}

fn key_from_file(path: &Path) -> io::Result<[u8; 32]> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "it does not hold 64 hex digits");
    match std::fs::read_to_string(path) {
        Ok(text) => parse_hex(text.trim()).ok_or_else(invalid),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let key = random_bytes::<32>();
            match write_private(path, &to_hex(&key)) {
                // Another process was first: its key is the key.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => key_from_file(path),
                written => written.map(|()| key),
            }
        }
        Err(error) => Err(error),
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unfinished = path.with_extension(format!("{}.new", super::random_id()));
    options.open(&unfinished)?.write_all(text.as_bytes())?;
    // A hard link fails where the name is taken, which a rename would not.
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished)?;
    linked
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("cookie_name", &self.cookie_name)
            .finish_non_exhaustive()
    }
}
