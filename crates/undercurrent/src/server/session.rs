//! Sessions: one browser, one signed cookie.
//!
//! `v1.<key id>.<scope id, 128 random bits>.<generation>.<issued>.<MAC>`. A cookie is issued by a
//! page view only; an event or a stream without a valid one is refused and sets nothing. What raises
//! the generation is in `renewal`.

use super::{StartError, now_s, random_bytes};
use crate::Visitor;
use axum::http::{HeaderMap, HeaderValue, header};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Who asks: a browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) visitor: Visitor,
    /// How often its cookie was replaced by another.
    pub(crate) generation: u64,
    id: [u8; 16],
    issued_s: u64,
}

/// Issues cookies and reads them.
pub(crate) struct Sessions {
    cookie_name: String,
    /// With the key in it, and nothing of a cookie yet.
    mac: Hmac<Sha256>,
    /// Tells which key signed, so that keys can be changed.
    key_id: String,
    is_secure: bool,
    /// Where the key lies, if it does not come from the environment.
    file: Option<KeyFile>,
    /// Cookies that were proved lately, one a place. To prove one anew was a
    /// quarter of a click's instructions. What stands here was signed with the key.
    // Std mutexes, held to compare or to put.
    proved: Box<[Mutex<Option<Proved>>]>,
}

struct KeyFile {
    path: PathBuf,
    key: [u8; 32],
    /// It was not there.
    is_new: bool,
}

/// A cookie's value, and the session that it proves.
struct Proved {
    value: Box<[u8]>,
    session: Session,
}

/// So many cookies are remembered at most: half a mebibyte.
const MAX_PROVED: usize = 2_048;

/// The environment variable that holds the signing key, as 64 hexadecimal digits.
pub(crate) const KEY_VARIABLE: &str = "UNDERCURRENT_SESSION_KEY";

/// Seconds that a browser keeps the cookie.
const MAX_AGE_S: u64 = 365 * 24 * 3600;
/// Seconds after which a page view renews it.
const RENEW_AFTER_S: u64 = 30 * 24 * 3600;
/// A longer cookie is none of ours.
const MAX_COOKIE_BYTES: usize = 256;

impl Sessions {
    /// The key comes from the environment, else from the file, which is made at the first start.
    pub(crate) fn open(app: &str, key_file: &Path, is_secure: bool) -> Result<Self, StartError> {
        if let Ok(hex) = std::env::var(KEY_VARIABLE) {
            let key = parse_hex(&hex).ok_or(StartError::KeyVariable)?;
            return Ok(Self::with_key(app, key, is_secure));
        }
        let is_new = !key_file.exists();
        let key = key_from_file(key_file)
            .map_err(|error| StartError::KeyFile(key_file.to_owned(), error))?;
        let path = key_file.to_owned();
        Ok(Sessions {
            file: Some(KeyFile { path, key, is_new }),
            ..Self::with_key(app, key, is_secure)
        })
    }

    /// The key was made as the server started: cookies that were issued before prove nothing.
    pub(crate) fn is_key_new(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_new)
    }

    /// Writes the key's file anew, where the folder was taken away that it was in: else no browser
    /// would find its session after the next start.
    pub(crate) fn write_key_again(&self) {
        let Some(KeyFile { path, key, .. }) = &self.file else {
            return;
        };
        let folder = path.parent();
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        match made.and_then(|()| write_private(path, &to_hex(key))) {
            Ok(()) => tracing::error!(
                path = %path.display(),
                "the key that signs cookies was taken away with the file of scopes: it is written anew"
            ),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => tracing::error!(
                %error,
                path = %path.display(),
                "the key that signs cookies was taken away, and can't be written anew"
            ),
        }
    }

    pub(crate) fn with_key(app: &str, key: [u8; 32], is_secure: bool) -> Self {
        let key_id = to_hex(&Sha256::digest(key)[..4]);
        // Cookies don't tell ports apart: two apps on one host must not share a name. `__Host-`
        // binds it to this host and to https.
        let prefix = if is_secure { "__Host-" } else { "" };
        Sessions {
            cookie_name: format!("{prefix}{app}-session"),
            mac: <Hmac<Sha256> as Mac>::new_from_slice(&key)
                .unwrap_or_else(|_| unreachable!("an HMAC takes a key of any length")),
            key_id,
            is_secure,
            file: None,
            proved: std::iter::repeat_with(Mutex::default)
                .take(MAX_PROVED)
                .collect(),
        }
    }

    /// The session that a request's cookie proves.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<Session> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| str::from_utf8(cookies.as_bytes()).ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| {
                let named = cookie.trim().strip_prefix(&self.cookie_name)?;
                named.strip_prefix('=')
            })
            .filter(|value| value.len() <= MAX_COOKIE_BYTES)
            .find_map(|value| self.prove(value.as_bytes()))
    }

    /// A new session. Its visitor has it once the cookie is set.
    pub(crate) fn fresh(&self) -> Session {
        let id = random_bytes();
        let (visitor, issued_s) = (visitor(&id), now_s());
        Session {
            visitor,
            generation: 0,
            id,
            issued_s,
        }
    }

    /// A session's `Set-Cookie`.
    pub(crate) fn issue(&self, session: &Session) -> HeaderValue {
        let (key_id, id) = (&self.key_id, to_hex(&session.id));
        let signed = format!("v1.{key_id}.{id}.{}.{}", session.generation, now_s());
        let mac = to_hex(&self.mac(&signed).finalize().into_bytes());
        self.cookie(&format!("{signed}.{mac}"), MAX_AGE_S)
    }

    /// The `Set-Cookie` that takes the cookie away.
    pub(crate) fn take_away(&self) -> HeaderValue {
        self.cookie("", 0)
    }

    /// The `Set-Cookie` that keeps a session for another year, where the last is old.
    pub(crate) fn renew(&self, session: &Session) -> Option<HeaderValue> {
        let age_s = now_s().saturating_sub(session.issued_s);
        (age_s > RENEW_AFTER_S).then(|| self.issue(session))
    }

    fn cookie(&self, value: &str, max_age_s: u64) -> HeaderValue {
        let (name, secure) = (
            &self.cookie_name,
            if self.is_secure { "; Secure" } else { "" },
        );
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&cookie).unwrap_or_else(|_| {
            unreachable!("a cookie is made of letters, digits and dots; the name was checked")
        })
    }

    fn prove(&self, value: &[u8]) -> Option<Session> {
        // By the last digits of what is signed with, which are as good as drawn at random.
        let digits = value.last_chunk::<4>()?;
        let place = u32::from_le_bytes(*digits).wrapping_mul(0x9E37_79B1) >> 16;
        let proved = &self.proved[place as usize % MAX_PROVED];
        let mut proved = proved.lock().unwrap_or_else(PoisonError::into_inner);
        match &*proved {
            Some(known) if is_same(&known.value, value) => Some(known.session),
            _ => {
                let session = self.read(str::from_utf8(value).ok()?)?;
                let value = value.into();
                *proved = Some(Proved { value, session });
                Some(session)
            }
        }
    }

    fn read(&self, value: &str) -> Option<Session> {
        let (signed, mac) = value.rsplit_once('.')?;
        self.mac(signed).verify_slice(&parse_hex::<32>(mac)?).ok()?;
        let mut parts = signed.split('.');
        let (version, key_id, id) = (parts.next()?, parts.next()?, parts.next()?);
        let (generation, issued) = (parts.next()?, parts.next()?);
        let (generation, issued_s) = (generation.parse().ok()?, issued.parse().ok()?);
        let fits = version == "v1" && key_id == self.key_id && parts.next().is_none();
        let id = parse_hex::<16>(id)?;
        fits.then(|| Session {
            visitor: visitor(&id),
            generation,
            id,
            issued_s,
        })
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac
    }
}

/// Takes as long for what differs at its beginning as for what differs at its end: who tries
/// cookies learns nothing of the one that is remembered.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ((ones, last), (others, other_last)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let numbers = ones.iter().map(number).zip(others.iter().map(number));
    let rest = last.iter().zip(other_last);
    let rest = rest.map(|(a, b)| (u64::from(*a), u64::from(*b)));
    let differ = numbers.chain(rest);
    let differ = differ.fold(0, |differ, (a, b)| std::hint::black_box(differ | (a ^ b)));
    one.len() == other.len() && differ == 0
}

fn visitor(id: &[u8; 16]) -> Visitor {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(id)[..16]);
    Visitor(hash)
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
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    fn issued(sessions: &Sessions) -> String {
        let cookie = sessions.issue(&sessions.fresh());
        cookie
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_cookie_proves_the_session_that_it_was_issued_for() {
        let sessions = Sessions::with_key("app", [7; 32], false);
        let (one, other) = (issued(&sessions), issued(&sessions));
        let read = |cookie: &str| sessions.of(&headers(cookie)).map(|session| session.visitor);
        assert!(read(&one).is_some() && read(&one) != read(&other));
        assert_eq!(read(&format!("a=b; {one}; c=d")), read(&one));
        assert_eq!(
            read(&format!("app-session=v1.x; {one}")),
            read(&one),
            "a foreign one before it"
        );
    }

    #[test]
    fn a_cookie_that_was_proved_proves_nothing_but_itself() {
        let sessions = Sessions::with_key("app", [7; 32], false);
        let cookie = issued(&sessions);
        let proved = sessions.of(&headers(&cookie));
        let again = sessions.of(&headers(&cookie));
        assert_eq!(
            proved.map(|session| session.visitor),
            again.map(|session| session.visitor)
        );
        // It has the same last digits, and so the same place among those that are remembered.
        for at in [12, 16, 30, 52, cookie.len() - 5] {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(sessions.of(&headers(&forged)).is_none(), "{forged}");
        }
        assert!(sessions.of(&headers(&cookie[..cookie.len() - 1])).is_none());
        assert!(sessions.of(&headers(&cookie)).is_some());
    }

    #[test]
    fn what_was_not_issued_here_proves_nothing() {
        let sessions = Sessions::with_key("app", [7; 32], false);
        let cookie = issued(&sessions);
        let other_key = issued(&Sessions::with_key("app", [8; 32], false));
        let (signed, mac) = cookie.rsplit_once('.').unwrap();
        for wrong in [
            String::new(),
            other_key,
            signed.to_owned(),
            format!("{signed}."),
            format!("{signed}.{}", "0".repeat(64)),
            format!("{signed}.{}", &mac[1..]),
            cookie.replacen(".0.", ".1.", 1),
            cookie.replacen("app-", "other-", 1),
            format!("app-session={}", "a".repeat(9_000)),
        ] {
            assert!(sessions.of(&headers(&wrong)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_cookie_is_renewed_for_the_same_session_once_it_is_old() {
        let sessions = Sessions::with_key("app", [7; 32], true);
        let mut session = sessions.of(&headers(&issued(&sessions))).unwrap();
        assert!(sessions.renew(&session).is_none());
        session.issued_s -= RENEW_AFTER_S + 1;
        session.generation = 3;
        let renewed = sessions.renew(&session).unwrap();
        let renewed = renewed.to_str().unwrap();
        assert!(renewed.starts_with("__Host-app-session=") && renewed.ends_with("; Secure"));
        let again = sessions
            .of(&headers(renewed.split(';').next().unwrap()))
            .unwrap();
        assert_eq!(again.visitor, session.visitor);
        assert_eq!(again.generation, 3);
    }
}
