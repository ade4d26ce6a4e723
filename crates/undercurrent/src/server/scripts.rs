//! The scripts of pages: a page runs those that its server was started beside, or none.
//!
//! Wasm takes up nodes that were rendered by the same views: over others it dies as it hydrates, or
//! answers clicks for the wrong node. So a page names its scripts by what they say, and under such
//! a name no others are given out. A page whose scripts have gone, in the middle of a deploy, is
//! sent one that loads the page again.

use leptos::config::LeptosOptions;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Says which scripts pages get.
#[derive(Debug)]
pub(super) struct Scripts {
    options: LeptosOptions,
    folder: PathBuf,
    names: Names,
    known: Mutex<Known>,
    /// The log has been told that what is packed is old.
    is_told: AtomicBool,
}

/// How scripts are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// As their files are: see `Config::name_scripts`.
    Plain,
    /// By what they said as the server started.
    Kept,
    /// By what they say now: `cargo leptos watch` makes new ones for a server that goes on.
    Watched,
}

#[derive(Debug, Default)]
struct Known {
    /// What pages are told.
    shown: Option<u64>,
    /// How the files were when they were last read, and what they said then.
    seen: Option<(Files, u64)>,
    /// Since when the files say something else than what is shown.
    other_since: Option<Instant>,
}

/// By their names: how long they are, and when they were written.
type Files = BTreeMap<String, (u64, Option<SystemTime>)>;

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The script that the page means. Its path without what it says.
    This(String),
    /// There is another now, or the server is about to be another.
    Other { is_module: bool },
}

/// Scripts that are others for so long come from no deploy whose server is about to start.
const ADOPTED_AFTER: Duration = Duration::from_secs(30);

/// A folder is copied in no order, and within this time: what is packed may be older by so much.
const COPIED_WITHIN: Duration = Duration::from_secs(60);

/// Stands for the script of a page that has gone.
pub(super) const LOADS_AGAIN: &str = include_str!("loads_again.js");

impl Scripts {
    pub(super) fn new(options: &LeptosOptions, names: Names) -> Self {
        let folder = PathBuf::from(&*options.site_root).join(&*options.site_pkg_dir);
        let scripts = Scripts {
            options: options.clone(),
            folder,
            names,
            known: Mutex::default(),
            is_told: AtomicBool::new(false),
        };
        let module = scripts.folder.join(format!("{}.js", options.output_name));
        if names != Names::Plain && !module.exists() {
            tracing::warn!(
                file = %module.display(),
                "there is no script for pages: they open, and answer nothing; see `site-root`"
            );
        }
        let known = &scripts.known;
        known.lock().unwrap_or_else(PoisonError::into_inner).shown = scripts.read();
        scripts
    }

    /// leptos' options, for a page that names its scripts.
    pub(super) fn options(&self) -> LeptosOptions {
        let shown = match self.names {
            Names::Plain => None,
            Names::Kept => {
                self.known
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .shown
            }
            Names::Watched => self.read(),
        };
        let mut options = self.options.clone();
        if let Some(shown) = shown {
            options.output_name = format!("{}.{shown:016x}", self.options.output_name).into();
        }
        options
    }

    /// What is at a path. `None` where it does not say what its file is to say.
    pub(super) fn at(&self, path: &str, now: Instant) -> Option<Named> {
        if self.names == Names::Plain {
            return None;
        }
        let pkg = format!(
            "/{}/{}.",
            self.options.site_pkg_dir, self.options.output_name
        );
        let (said, rest) = path.strip_prefix(&pkg)?.split_at_checked(16)?;
        let said = u64::from_str_radix(said, 16).ok()?;
        if !rest.starts_with(['.', '_']) {
            return None;
        }
        if self.is(said, now) {
            let plain = pkg.strip_suffix('.').unwrap_or(&pkg);
            return Some(Named::This(format!("{plain}{rest}")));
        }
        let is_module = rest.ends_with(".js");
        Some(Named::Other { is_module })
    }

    /// Whether what lies packed beside the file at a path was packed of an older one.
    pub(super) fn is_packed_of_another(&self, path: &str) -> bool {
        let written = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
        let path = path.trim_start_matches('/');
        let is_plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let file = PathBuf::from(&*self.options.site_root).join(path);
        let Some(file_written) = written(&file).filter(|_| is_plain) else {
            return false;
        };
        let packed = ["br", "gz", "zst", "zz"].into_iter();
        let mut packed = packed.map(|kind| PathBuf::from(format!("{}.{kind}", file.display())));
        let other = packed.find(|packed| {
            let older = written(packed).and_then(|packed| file_written.duration_since(packed).ok());
            older.is_some_and(|older| older > COPIED_WITHIN)
        });
        if let Some(other) = &other
            && !self.is_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                file = %other.display(),
                "what is packed is older than its file, and is not given out; pack it anew, or remove it"
            );
        }
        other.is_some()
    }

    /// Whether the files say this.
    fn is(&self, said: u64, now: Instant) -> bool {
        let here = self.read();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if here == known.shown {
            known.other_since = None;
        } else {
            let since = *known.other_since.get_or_insert(now);
            if now - since >= ADOPTED_AFTER {
                tracing::warn!(
                    folder = %self.folder.display(),
                    "the scripts are not those that this server was started beside; pages get them now"
                );
                known.shown = here;
                known.other_since = None;
            }
        }
        here == Some(said)
    }

    /// What the files say now. `None` where there are none, or where some name the others, which
    /// then have to keep their names.
    fn read(&self) -> Option<u64> {
        let files = self.files().ok()?;
        let is_split = files.keys().any(|name| name.starts_with("__wasm_split"));
        if files.is_empty() || is_split {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, said)) = &known.seen
            && *seen == files
        {
            return Some(*said);
        }
        let mut said = 0;
        for name in files.keys() {
            said = hash(said, name.as_bytes());
            said = hash(said, &fs::read(self.folder.join(name)).ok()?);
        }
        known.seen = Some((files, said));
        Some(said)
    }

    fn files(&self) -> io::Result<Files> {
        let mut files = Files::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".js") || name.ends_with(".wasm") {
                let data = entry.metadata()?;
                files.insert(name, (data.len(), data.modified().ok()));
            }
        }
        Ok(files)
    }
}

/// Eight bytes at a time: a debug build's wasm is twenty megabytes.
fn hash(before: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let hash = words
        .iter()
        .fold(mix(before, bytes.len() as u64), |hash, word| {
            mix(hash, u64::from_le_bytes(*word))
        });
    rest.iter()
        .fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Site(PathBuf);

    impl Site {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("scripts-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("pkg")).expect("there is room");
            Site(root)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.join("pkg").join(name), text).expect("there is room");
        }

        fn scripts(&self, names: Names) -> Scripts {
            let root = self.0.to_str().expect("it is text");
            let options = LeptosOptions::builder()
                .output_name("trial")
                .site_root(root)
                .build();
            Scripts::new(&options, names)
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn module(scripts: &Scripts) -> String {
        format!("/pkg/{}.js", scripts.options().output_name)
    }

    fn this() -> Option<Named> {
        Some(Named::This("/pkg/trial.js".into()))
    }

    const OTHER: Option<Named> = Some(Named::Other { is_module: true });

    #[test]
    fn a_name_says_what_its_script_says_and_gives_out_no_other() {
        let site = Site::new("names");
        site.write("trial.js", "one");
        site.write("trial.wasm", "one");
        let (scripts, now) = (site.scripts(Names::Kept), Instant::now());
        let first = module(&scripts);
        assert_eq!(scripts.at(&first, now), this());
        let wasm = first.replace(".js", "_bg.wasm");
        let named = Named::This("/pkg/trial_bg.wasm".into());
        assert_eq!(scripts.at(&wasm, now), Some(named));
        for path in [
            "/pkg/trial.js",
            "/pkg/trial.css",
            "/pkg/other.0123456789abcdef.js",
            "/",
        ] {
            assert_eq!(scripts.at(path, now), None, "{path}");
        }

        // The files of the next come, and its server has not started.
        site.write("trial.wasm", "another");
        assert_eq!(module(&scripts), first);
        assert_eq!(scripts.at(&first, now), OTHER);
        let wasm = Named::Other { is_module: false };
        assert_eq!(scripts.at(&first.replace(".js", ".wasm"), now), Some(wasm));
        let next = site.scripts(Names::Kept);
        assert_ne!(module(&next), first);
        assert_eq!(next.at(&module(&next), now), this());
        assert_eq!(next.at(&first, now), OTHER);
    }

    #[test]
    fn scripts_that_stay_others_are_those_of_pages_in_the_end() {
        let site = Site::new("late");
        site.write("trial.js", "one");
        let (scripts, now) = (site.scripts(Names::Kept), Instant::now());
        let first = module(&scripts);
        site.write("trial.js", "another");
        assert_eq!(scripts.at(&first, now), OTHER);
        assert_eq!(scripts.at(&first, now + ADOPTED_AFTER / 2), OTHER);
        assert_eq!(module(&scripts), first);
        assert_eq!(scripts.at(&first, now + ADOPTED_AFTER), OTHER);
        assert_ne!(module(&scripts), first);
        assert_eq!(scripts.at(&module(&scripts), now + ADOPTED_AFTER), this());
    }

    #[test]
    fn a_server_that_is_watched_follows_its_files_and_one_without_names_none() {
        let site = Site::new("watched");
        site.write("trial.css", "none");
        let scripts = site.scripts(Names::Watched);
        assert_eq!(module(&scripts), "/pkg/trial.js");
        site.write("trial.js", "one");
        let first = module(&scripts);
        assert_ne!(first, "/pkg/trial.js");
        site.write("trial.js", "another");
        assert_ne!(module(&scripts), first);
        assert_eq!(scripts.at(&module(&scripts), Instant::now()), this());
        site.write("__wasm_split_manifest.js", "");
        assert_eq!(module(&scripts), "/pkg/trial.js");
    }

    #[test]
    fn what_was_packed_of_an_older_file_is_not_given_out() {
        let site = Site::new("packed");
        site.write("trial.js", "one");
        site.write("trial.js.br", "packed");
        let scripts = site.scripts(Names::Kept);
        assert!(!scripts.is_packed_of_another("/pkg/trial.js"));
        let packed = fs::File::options()
            .write(true)
            .open(site.0.join("pkg/trial.js.br"))
            .expect("it is there");
        let written = |ago| packed.set_modified(SystemTime::now() - ago);
        // As of a folder that is copied.
        written(COPIED_WITHIN / 2).expect("it can be said");
        assert!(!scripts.is_packed_of_another("/pkg/trial.js"));
        written(2 * COPIED_WITHIN).expect("it can be said");
        assert!(scripts.is_packed_of_another("/pkg/trial.js"));
        for path in [
            "/pkg/other.js",
            "/pkg/../pkg/trial.js",
            "/pkg/trial.js.br",
            "/",
        ] {
            assert!(!scripts.is_packed_of_another(path), "{path}");
        }
    }

    #[test]
    fn scripts_that_another_server_gives_out_have_the_names_of_their_files() {
        let site = Site::new("plain");
        site.write("trial.js", "one");
        let named = module(&site.scripts(Names::Kept));
        let scripts = site.scripts(Names::Plain);
        assert_eq!(module(&scripts), "/pkg/trial.js");
        assert_eq!(scripts.at(&named, Instant::now()), None);
    }
}
