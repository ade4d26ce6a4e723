//! How a file is opened, and a run of the server begun in it.

use super::{
    BUSY, JOURNAL, LAYOUT, META, QUEUE, ROWS, StoreError, TOUCHED,
    aside::{ASIDE, ORDER},
    errors::{guarded, of_redb},
    journal,
    kept::Opened,
    left::Left,
    medium::Medium,
    reading::unfinished,
    salvage::{Taken, take_over},
    shared::Run,
};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    WriteTransaction,
};

/// A file with a run of the server begun in it; looked through before, if so.
pub(super) fn opened(
    medium: &dyn Medium,
    keeps_first: bool,
    looks_through: bool,
) -> Result<(Database, Run), StoreError> {
    let Opened {
        mut database,
        went_back,
    } = guarded(|| medium.open())?;
    if went_back {
        tracing::warn!(
            path = %medium.path().display(),
            "the last commit of the file of scopes is not whole: it is as it was before it"
        );
    }
    let begun = guarded(|| {
        let is_as_written = !looks_through || database.check_integrity().map_err(of_redb)?;
        let is_repaired = went_back || !is_as_written;
        let found = |run, is_closed| medium.found(run, is_closed);
        let run = begin_run(&database, found, keeps_first, is_repaired)?;
        // What the server asks for first.
        let read = database.begin_read().map_err(of_redb)?;
        let [rows, queue, busy] = [ROWS, QUEUE, BUSY].map(|table| read.open_table(table));
        let (queue, busy) = (queue.map_err(of_redb)?, busy.map_err(of_redb)?);
        unfinished(&rows.map_err(of_redb)?, [&queue, &busy])?;
        Ok(run)
    });
    match begun {
        Ok(run) => {
            medium.note_begun(run.turn, run.keeps_first);
            Ok((database, run))
        }
        Err(error) => {
            // What is damaged may panic once more where it is dropped.
            crate::server::drop_quietly(database);
            Err(error)
        }
    }
}

/// What is damaged may be so in what redb can make anew. Else it is kept aside, and another is begun.
pub(super) fn begun_in_spite_of(
    why: &str,
    medium: &dyn Medium,
    keeps_first: bool,
) -> Result<(Database, Run), StoreError> {
    let path = medium.path().display();
    match opened(medium, keeps_first, true) {
        Err(StoreError::Damaged(_) | StoreError::Broken(_)) => {}
        opened => {
            let opened = opened?;
            tracing::error!(
                why,
                %path,
                "the file of scopes was damaged, and is repaired: the last updates may be gone"
            );
            return Ok(opened);
        }
    }
    let begun = guarded(|| {
        let database = medium.open_beside()?;
        let Taken { rows, knows_run } = take_over(medium, &database, None)?;
        let found = |run, is_closed| match medium.found(run, is_closed) {
            // By a number that is lost nothing can be told.
            Left::Behind(_) if !knows_run => Left::Otherwise,
            found => found,
        };
        let run = begin_run(&database, found, keeps_first, rows > 0)?;
        let aside = medium.put_in_place().map_err(StoreError::Io)?;
        Ok((database, run, rows, aside))
    });
    match begun {
        Ok((database, run, rows, aside)) => {
            medium.note_begun(run.turn, run.keeps_first);
            tracing::error!(
                why,
                %path,
                aside = %aside.display(),
                rows,
                "the file of scopes is damaged: it is kept aside, and a new one is begun with what \
                 can be read of it"
            );
            Ok((database, run))
        }
        Err(error) => {
            medium.drop_beside();
            Err(error)
        }
    }
}

/// Begins a run of the server: its number, and since which run nothing that was shown was lost.
/// In a file that was repaired the last run's own number may be missing.
fn begin_run(
    database: &Database,
    found: impl FnOnce(u64, bool) -> Left,
    keeps_first: bool,
    is_repaired: bool,
) -> Result<Run, StoreError> {
    let run = {
        let write = database.begin_write().map_err(of_redb)?;
        let meta = write.open_table(META).map_err(of_redb)?;
        let number = |name: &str| -> Result<Option<u64>, StoreError> {
            Ok(meta.get(name).map_err(of_redb)?.map(|value| value.value()))
        };
        let layout = number("layout")?;
        if layout.is_some_and(|layout| layout > LAYOUT) {
            return Err(StoreError::Newer);
        }
        // Of a run that kept everything before it was shown nothing is missing, however it ended.
        let was_careful = number("keeps-first")? == Some(1);
        let was_killed = layout.is_some() && number("clean")? != Some(1);
        let last = number("run")?;
        let left = last.map_or(Left::AsItIs, |last| found(last, !was_killed));
        let is_clean = (!was_killed || was_careful) && left == Left::AsItIs;
        // What the last run wrote of its own number may be missing.
        let runs = 1 + u64::from(was_killed || is_repaired);
        let next = last.map_or(0, |last| last + runs);
        let run = match left {
            Left::AsItIs => next,
            // Runs that nobody knows of had lower ones.
            Left::Otherwise => next.max(turn_of_the_clock()),
            Left::Behind(last) => next.max(last + 2),
        };
        tell(left, was_killed);
        let fresh_since = match is_clean && !is_repaired {
            true => number("fresh")?.unwrap_or(0),
            false => run,
        };
        let lives_since = match left {
            Left::Behind(_) => run,
            _ => number("lives")?.unwrap_or(0),
        };
        Run {
            turn: run,
            fresh_since,
            lives_since,
            keeps_first,
            was_killed,
        }
    };
    note_run(database, run)?;
    Ok(run)
}

/// A number of a run that is greater than that of any before, unless they began every four minutes.
fn turn_of_the_clock() -> u64 {
    const UNIT_S: u64 = 240;
    // 2026 began then.
    const BEGIN_S: u64 = 1_767_225_600;
    crate::server::now_s().saturating_sub(BEGIN_S) / UNIT_S
}

fn tell(left: Left, was_killed: bool) {
    match left {
        Left::Otherwise if !was_killed => tracing::warn!(
            "the file of scopes is not as a server left it here: it may be a copy, and pages read \
             anew what they show"
        ),
        Left::Behind(_) => tracing::error!(
            "the file of scopes is an older one than there was: what came later is not in it, and \
             pages that have seen it are told"
        ),
        _ => {}
    }
}

pub(super) fn note_run(database: &Database, run: Run) -> Result<(), StoreError> {
    let write = database.begin_write().map_err(of_redb)?;
    for table in [ROWS, QUEUE, BUSY, ASIDE] {
        write.open_table(table).map_err(of_redb)?;
    }
    write.open_table(ORDER).map_err(of_redb)?;
    journal::settle(&write)?;
    let mut meta = write.open_table(META).map_err(of_redb)?;
    for (name, value) in [
        ("layout", LAYOUT),
        ("run", run.turn),
        ("clean", 0),
        ("keeps-first", u64::from(run.keeps_first)),
        ("fresh", run.fresh_since),
        ("lives", run.lives_since),
    ] {
        meta.insert(name, value).map_err(of_redb)?;
    }
    drop(meta);
    write.commit().map_err(of_redb)
}

/// All of one file, in another.
pub(super) fn copy(from: &Database, to: &Database) -> Result<(), StoreError> {
    let read = from.begin_read().map_err(of_redb)?;
    let write = to.begin_write().map_err(of_redb)?;
    for definition in [ROWS, QUEUE, BUSY, ASIDE, JOURNAL, TOUCHED] {
        copy_table(&read, &write, definition)?;
    }
    copy_table(&read, &write, ORDER)?;
    copy_table(&read, &write, META)?;
    write.commit().map_err(of_redb)
}

fn copy_table<K: redb::Key + 'static, V: redb::Value + 'static>(
    read: &ReadTransaction,
    write: &WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<(), StoreError> {
    let mut to = write.open_table(definition).map_err(of_redb)?;
    let from = match read.open_table(definition) {
        // The journal comes and goes.
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        from => from.map_err(of_redb)?,
    };
    for row in from.iter().map_err(of_redb)? {
        let (key, value) = row.map_err(of_redb)?;
        to.insert(key.value(), value.value()).map_err(of_redb)?;
    }
    Ok(())
}
