//! The folder of all files: whose they are, how many there may be, when they go.

use crate::{
    Arriving, Mark, Refusal, Sheet,
    config::{Config, ConfigError},
    limits::{FILE_BYTES, FREE_BYTES},
    records::unreadable,
};
use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The files of all visitors. A visitor is called by a name of hexadecimal digits, and so is a file.
#[derive(Clone)]
pub struct Uploads(Arc<Inner>);

struct Inner {
    root: PathBuf,
    /// Visitors whose files are kept.
    files: usize,
    /// Between two looks for files whose sessions have gone.
    sweep: Duration,
    /// Files that come now, by visitor.
    // A std mutex, held to look up or to put.
    coming: Mutex<HashMap<String, Coming>>,
}

/// A file that comes now; or one whose end nobody has heard of yet, since it came so quickly. Its
/// place is free then.
struct Coming {
    file: String,
    /// Taken by whoever waits for it.
    arriving: Option<Arriving>,
    is_over: bool,
}

/// One file of a visitor, there or not.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(crate) uploads: Uploads,
    pub(crate) visitor: String,
    pub(crate) file: String,
}

pub(crate) const PART: &str = "source.part";
pub(crate) const SOURCE: &str = "source.csv";
pub(crate) const ACCEPTED: &str = "accepted.csv";
pub(crate) const INDEX: &str = "accepted.index";
pub(crate) const REJECTED: &str = "rejected.csv";

// === impl Uploads ===

impl Uploads {
    /// Opens the folder that the table `[uploads]` of a file names, or the environment.
    ///
    /// # Errors
    ///
    /// The file or the folder can't be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(ConfigError::File)?;
        let config = Config::parse(&text)?.overridden(|name| std::env::var(name).ok())?;
        let folder = config.folder.clone();
        Uploads::open(config).map_err(|error| ConfigError::Folder(folder, error))
    }

    /// Opens a folder. What was on its way when the server went down is removed: its connection is
    /// gone.
    ///
    /// # Errors
    ///
    /// It can't be made or looked through.
    pub(crate) fn open(config: Config) -> io::Result<Self> {
        let Config {
            folder: root,
            files,
            sweep_s,
        } = config;
        make_private(&root)?;
        for visitor in fs::read_dir(&root)? {
            let visitor = visitor?.path();
            let Ok(kept) = fs::read_dir(&visitor) else {
                continue;
            };
            for file in kept.flatten() {
                let file = file.path();
                if file.join(PART).exists() {
                    fs::remove_dir_all(&file)?;
                }
            }
            // Stays where something is in it.
            let _ = fs::remove_dir(&visitor);
        }
        Ok(Uploads(Arc::new(Inner {
            root,
            files,
            sweep: Duration::from_secs(sweep_s),
            coming: Mutex::default(),
        })))
    }

    /// A visitor's file.
    pub fn of(&self, visitor: impl Into<String>, file: impl Into<String>) -> Kept {
        Kept {
            uploads: self.clone(),
            visitor: visitor.into(),
            file: file.into(),
        }
    }

    /// Removes all that is of a visitor. Who reads it reads on; nobody finds it any more.
    pub async fn remove(&self, visitor: &str) {
        self.keep_only(visitor, None).await;
    }

    /// Removes what is of a visitor, but for one file.
    pub(crate) async fn keep_only(&self, visitor: &str, file: Option<&str>) {
        let (folder, file) = (self.0.root.join(visitor), file.map(str::to_owned));
        if !is_name(visitor) {
            return;
        }
        let remove = move || -> io::Result<()> {
            for other in fs::read_dir(&folder)? {
                let other = other?;
                if file.as_deref() != other.file_name().to_str() {
                    fs::remove_dir_all(other.path())?;
                }
            }
            match file {
                Some(_) => Ok(()),
                None => fs::remove_dir(&folder),
            }
        };
        match tokio::task::spawn_blocking(remove).await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => _ = unreadable(error),
            _ => {}
        }
    }

    /// Removes the files of visitors that are not known any more, now and from now on. Ends with the
    /// process.
    pub fn sweep_always(&self, is_known: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let uploads = self.clone();
        tokio::spawn(async move {
            loop {
                uploads.sweep(&is_known).await;
                tokio::time::sleep(uploads.0.sweep).await;
            }
        });
    }

    /// Removes the files of visitors that are not known any more.
    pub async fn sweep(&self, is_known: impl Fn(&str) -> bool) {
        let names = match self.visitors() {
            Ok(names) => names,
            Err(error) => {
                unreadable(error);
                return;
            }
        };
        self.coming()
            .retain(|visitor, one| !one.is_over || is_known(visitor));
        for visitor in names {
            // A session comes into being before its first file does.
            if !self.coming().contains_key(&visitor) && !is_known(&visitor) {
                self.remove(&visitor).await;
            }
        }
    }

    fn visitors(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for visitor in fs::read_dir(&self.0.root)? {
            names.extend(visitor?.file_name().into_string());
        }
        names.retain(|name| is_name(name));
        Ok(names)
    }

    /// Keeps the place of a file that is to come.
    pub(crate) fn reserve(&self, visitor: &str, arriving: Arriving) -> Result<Kept, Refusal> {
        if !is_name(visitor) {
            return Err(Refusal::Gone);
        }
        let others = self.visitors().map_err(unreadable)?;
        let mut coming = self.coming();
        if coming.get(visitor).is_some_and(|one| !one.is_over) {
            return Err(Refusal::Busy);
        }
        // Those whose first file comes just now have no folder yet.
        let now = coming.iter().filter(|(_, one)| !one.is_over);
        let without = now.filter(|(name, _)| !others.contains(name)).count();
        let is_new = !others.iter().any(|name| name == visitor);
        if is_new && others.len() + without >= self.0.files {
            return Err(Refusal::Full);
        }
        // The file, and what is written of it.
        if free_bytes(&self.0.root) < FREE_BYTES + 3 * FILE_BYTES {
            return Err(Refusal::NoSpace);
        }
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)
            .map_err(|error| unreadable(io::Error::other(error.to_string())))?;
        let file = format!("{:032x}", u128::from_be_bytes(bits));
        let kept = self.of(visitor, &file);
        let one = Coming {
            file,
            arriving: Some(arriving),
            is_over: false,
        };
        coming.insert(visitor.to_owned(), one);
        Ok(kept)
    }

    /// It has come, or comes no more: the next one may. Whoever waits for it still hears of it.
    pub(crate) fn end(&self, kept: &Kept) {
        let mut coming = self.coming();
        let one = coming.get_mut(&kept.visitor);
        if let Some(one) = one.filter(|one| one.file == kept.file) {
            one.is_over = true;
            if one.arriving.is_none() {
                coming.remove(&kept.visitor);
            }
        }
    }

    fn coming(&self) -> MutexGuard<'_, HashMap<String, Coming>> {
        self.0.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Kept ===

impl Kept {
    /// Its name, which nobody guesses.
    pub fn name(&self) -> &str {
        &self.file
    }

    /// The file as it comes, or has come, once: for whoever waits for it. `None` if it does not come.
    pub fn arriving(&self) -> Option<Arriving> {
        let mut coming = self.uploads.coming();
        let one = coming.get_mut(&self.visitor)?;
        let arriving = one.arriving.take_if(|_| one.file == self.file)?;
        if one.is_over {
            coming.remove(&self.visitor);
        }
        Some(arriving)
    }

    /// It is here, all of it.
    pub fn is_here(&self) -> bool {
        let found = self.path(SOURCE).ok().map(fs::metadata);
        found.is_some_and(|file| file.is_ok_and(|file| file.len() > 0))
    }

    /// Opens it, at its beginning or where the reading stood. What was written behind that is cut
    /// off. Blocks its thread.
    ///
    /// # Errors
    ///
    /// [`Refusal::Gone`], or what is wrong with its first line.
    pub fn open(
        &self,
        columns: &[&str],
        mark: Option<Mark>,
    ) -> Result<(Sheet, Vec<String>), Refusal> {
        Sheet::open(self, columns, mark)
    }

    /// It was read to its end: what was written of it stays. Of itself an empty file does: whoever
    /// goes on from its last mark, since a crash took back that they had ended, finds the end.
    pub async fn drop_source(&self) {
        let mut empty = tokio::fs::OpenOptions::new();
        if let Ok(source) = self.path(SOURCE)
            && let Err(error) = empty.write(true).truncate(true).open(source).await
            && error.kind() != io::ErrorKind::NotFound
        {
            unreadable(error);
        }
    }

    /// The path of one of its parts.
    ///
    /// # Errors
    ///
    /// Its name is none: it came from elsewhere.
    pub(crate) fn path(&self, part: &str) -> Result<PathBuf, Refusal> {
        let Kept { visitor, file, .. } = self;
        match is_name(visitor) && is_name(file) {
            true => Ok(self.uploads.0.root.join(visitor).join(file).join(part)),
            false => Err(Refusal::Gone),
        }
    }

    /// Makes its folder.
    pub(crate) fn make(&self) -> Result<(), Refusal> {
        let folder = self.path("")?;
        make_private(&folder).map_err(unreadable)
    }

    /// Removes its folder, and the visitor's if nothing else is in it.
    pub(crate) fn remove(&self) {
        let Ok(folder) = self.path("") else { return };
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => _ = unreadable(error),
            _ => {}
        };
        gone(fs::remove_dir_all(&folder));
        let _ = fs::remove_dir(self.uploads.0.root.join(&self.visitor));
    }
}

/// Names come from task arguments, which a page may have sent: nothing but digits is a path.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A folder for its owner alone, and those above it.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> u64 {
    let disk = rustix::fs::statvfs(folder);
    disk.map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> u64 {
    u64::MAX
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Uploads").field(&self.0.root).finish()
    }
}
