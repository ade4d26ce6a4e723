//! What is of files alone: who has one open, and what is found in its place.

use super::*;
use crate::server::{store::StoreError, tests::matrix::Lines};

fn ground() -> (Ground, Arc<Folder>) {
    let folder = Arc::new(Folder::new());
    (Ground::File(folder.clone()), folder)
}

#[tokio::test]
async fn one_file_has_one_server_and_what_is_none_of_ours_is_left_alone() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    let refused = ground.build(Durability::Relaxed).expect_err("it is in use");
    assert!(matches!(refused, StartError::Store(_, StoreError::InUse)));
    assert!(
        refused
            .to_string()
            .contains("another server has it open: stop that one"),
        "{refused}"
    );
    assert_eq!(
        format!("{refused:?}"),
        refused.to_string(),
        "a main that returns it shows the sentence"
    );
    close(runtime);
    std::fs::write(folder.file(), "some text").expect("it is written");
    let refused = ground
        .build(Durability::Relaxed)
        .expect_err("it is foreign");
    assert!(matches!(refused, StartError::Store(_, StoreError::Foreign)));
    assert_eq!(
        std::fs::read(folder.file()).expect("it is there"),
        b"some text"
    );
}

#[tokio::test]
async fn an_empty_file_is_a_new_one_and_the_log_names_it() {
    let (ground, folder) = ground();
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || written.clone());
    let _reads = read_log(log.finish());
    let log = || String::from_utf8(lines.0.lock().expect("it is whole").clone());
    close(ground.start().await);
    assert!(!log().expect("it is text").contains("empty"), "it was made");
    std::fs::write(folder.file(), "").expect("it is written");
    let runtime = ground.start().await;
    push(&*the_scope(&runtime).await, "anew")
        .await
        .expect("it is made");
    close(runtime);
    let log = log().expect("it is text");
    assert!(log.contains("the file of scopes is empty"), "{log}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    let (ground, folder) = ground();
    close(ground.start().await);
    let metadata = std::fs::metadata(folder.file()).expect("it is there");
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_of_another_format_of_redb_is_left_alone_and_one_byte_of_it_is_damage() {
    let (ground, folder) = ground();
    close(ground.start().await);
    let whole = std::fs::read(folder.file()).expect("it is there");
    let with = |formats: [u8; 2]| {
        let mut bytes = whole.clone();
        assert_eq!([bytes[64], bytes[192]], [3, 3], "redb writes so");
        [bytes[64], bytes[192]] = formats;
        std::fs::write(folder.file(), bytes).expect("it is written");
        let built = ground.build(Durability::Relaxed);
        let names = 1 + named(&folder, "damaged").len();
        (built.map(|uc| close(uc.runtime)), names)
    };
    let (refused, names) = with([4, 4]);
    let refused = refused.expect_err("it is newer");
    assert!(matches!(refused, StartError::Store(_, StoreError::Newer)));
    assert_eq!(names, 1, "nothing is set aside");
    let (refused, names) = with([2, 2]);
    let refused = refused.expect_err("it is foreign");
    assert!(matches!(refused, StartError::Store(_, StoreError::Foreign)));
    assert_eq!(names, 1, "nothing is set aside");
    for (nth, damaged) in [[3, 7], [2, 3]].into_iter().enumerate() {
        let (started, names) = with(damaged);
        started.expect("a new one is begun");
        assert_eq!(names, nth + 2, "the damaged one is kept");
    }
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_a_damaged_scope_alone() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, note("a text that is looked for".into())).await;
    ended(&scope, 1).await;
    drop(scope);
    close(runtime);
    let whole = std::fs::read(folder.file()).expect("it is there");

    // Truncated.
    std::fs::write(folder.file(), &whole[..whole.len() / 2]).expect("it is written");
    let runtime = ground.start().await;
    let found = seen(&*the_scope(&runtime).await).await;
    assert!(found.is_empty() || found == ["a text that is looked for"]);
    close(runtime);
    let names = std::fs::read_dir(&folder.0).expect("it is there");
    let aside = names
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().contains("damaged"));
    assert!(aside, "it is kept");

    // One bit of the state.
    let mut flipped = whole.clone();
    let text = b"a text that is looked for";
    let places = whole.windows(text.len()).enumerate();
    let places = places.filter(|(_, bytes)| bytes == text).map(|(at, _)| at);
    for at in places.collect::<Vec<_>>() {
        flipped[at] ^= 1;
    }
    std::fs::write(folder.file(), &flipped).expect("it is written");
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, Vec::<String>::new(), "not guessed");
    send(&scope, 1, note("anew".into())).await;
    ended(&scope, 1).await;
    drop(scope);
    close(runtime);
    let runtime = ground.start().await;
    assert_eq!(seen(&*the_scope(&runtime).await).await, ["anew"]);
    close(runtime);
}

#[tokio::test]
async fn what_a_newer_version_has_written_is_left_alone() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    push(&*the_scope(&runtime).await, "kept")
        .await
        .expect("it is made");
    close(runtime);
    {
        let database = redb::Database::open(folder.file()).expect("nobody has it");
        let write = database.begin_write().expect("it is writable");
        let table = redb::TableDefinition::<&str, u64>::new("meta");
        let mut meta = write.open_table(table).expect("it is there");
        meta.insert("layout", 1_000).expect("it is written");
        drop(meta);
        write.commit().expect("it is kept");
    }
    let before = std::fs::read(folder.file()).expect("it is there");
    let refused = ground.build(Durability::Relaxed).expect_err("it is newer");
    assert!(matches!(refused, StartError::Store(_, StoreError::Newer)));
    assert!(refused.to_string().contains("newer version"), "{refused}");
    let after = std::fs::read(folder.file()).expect("it is there");
    assert_eq!(before.len(), after.len());
    assert!(named(&folder, "damaged").is_empty(), "nothing is set aside");
}

#[tokio::test]
async fn a_folder_that_can_t_be_written_to_is_named() {
    let (ground, folder) = ground();
    // Where the folder should be there is a file: who runs the tests may write anywhere else.
    std::fs::write(&folder.0, "in the way").expect("it is written");
    let refused = ground
        .build(Durability::Relaxed)
        .expect_err("there is no folder");
    assert!(matches!(refused, StartError::Store(_, StoreError::Io(_))));
    let path = folder.file().display().to_string();
    assert!(refused.to_string().contains(&path), "{refused}");
    std::fs::remove_file(&folder.0).expect("it is there");
}

#[tokio::test]
async fn a_file_that_is_removed_while_the_server_runs_is_written_anew_with_all_that_was_in_it() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    push(&scope, "before").await.expect("it is made");
    scope.stored().await;
    let away = place(&runtime, Visitor([2; 16]), &ScopeName::Session);
    let other = runtime.scope_at(&away).await.expect("there is room");
    push(&other, "away").await.expect("it is made");
    other.stored().await;
    drop(other);
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.find(away.key).is_none()
    })
    .await;
    // With its folder, as who cleans up does.
    std::fs::remove_dir_all(&folder.0).expect("it is there");
    push(&scope, "after").await.expect("it is made");
    scope.stored().await;
    let killed = ground.as_if_killed();
    for ground in [killed, ground.clone()] {
        if let Ground::File(of) = &ground
            && Arc::ptr_eq(of, &folder)
        {
            close(runtime.clone());
        }
        let later = ground.start().await;
        assert_eq!(seen(&*the_scope(&later).await).await, ["before", "after"]);
        let other = later.scope_at(&away).await.expect("it is there");
        assert_eq!(seen(&other).await, ["away"]);
        close(later);
    }
}

#[tokio::test]
async fn a_file_that_is_removed_while_nothing_is_written_is_there_after_the_server_went_down() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    push(&scope, "before").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    std::fs::remove_dir_all(&folder.0).expect("it is there");
    close(runtime);
    let later = ground.start().await;
    assert_eq!(seen(&*the_scope(&later).await).await, ["before"]);
    close(later);
}

/// A server whose key lies beside its file.
fn with_its_key(folder: &Folder) -> Arc<Runtime> {
    let config = Config {
        session_key_file: folder.0.join("session.key"),
        store_file: folder.file(),
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    let built = Undercurrent::with(options, config).build();
    built.expect("it starts").runtime
}

#[tokio::test]
async fn a_new_key_beside_scopes_that_are_there_is_told_and_at_no_other_start() {
    let folder = Folder::new();
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || written.clone());
    let _reads = read_log(log.finish());
    let is_told = || {
        let log = String::from_utf8(lines.0.lock().expect("it is whole").clone());
        let log = log.expect("it is text");
        let is_told = log.contains("the key that signs cookies was not there");
        assert!(!is_told || log.contains("session.key") && log.contains("Put the old one back"));
        is_told
    };
    // Everything is new, then nothing is.
    for _ in 0..2 {
        close(with_its_key(&folder));
        assert!(!is_told());
    }
    std::fs::remove_file(folder.0.join("session.key")).expect("it is there");
    close(with_its_key(&folder));
    assert!(is_told());
    let before = lines.0.lock().expect("it is whole").len();
    close(with_its_key(&folder));
    let log = lines.0.lock().expect("it is whole")[before..].to_vec();
    let log = String::from_utf8(log).expect("it is text");
    assert!(!log.contains("was not there"), "once: {log}");
}

#[tokio::test]
async fn where_the_whole_folder_is_removed_browsers_find_their_sessions_after_the_next_start() {
    let folder = Folder::new();
    let start = || with_its_key(&folder);
    let runtime = start();
    let session = runtime.sessions.fresh();
    let cookie = runtime.sessions.issue(&session);
    std::fs::remove_dir_all(&folder.0).expect("it is there");
    let place = place(&runtime, session.visitor, &ScopeName::Session);
    let scope = runtime.scope_at(&place).await.expect("there is room");
    push(&scope, "after").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    close(runtime);
    let later = start();
    let headers = [(axum::http::header::COOKIE, cookie)].into_iter().collect();
    let found = later.sessions.of(&headers).map(|found| found.visitor);
    assert_eq!(found, Some(session.visitor));
    let scope = later.scope_at(&place).await.expect("it is there");
    assert_eq!(seen(&scope).await, ["after"]);
    close(later);
}

#[cfg(unix)]
#[tokio::test]
async fn another_file_in_its_place_is_not_written_to_and_is_told_as_trouble() {
    let (ground, folder) = ground();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    push(&scope, "before").await.expect("it is made");
    scope.stored().await;
    let Ground::File(backup) = ground.as_if_killed() else {
        panic!("it is one");
    };
    std::fs::rename(backup.file(), folder.file()).expect("it is put there");
    let before = std::fs::read(folder.file()).expect("it is there");
    push(&scope, "after").await.expect("nobody knows yet");
    until(|| async { runtime.store.trouble().is_some() }).await;
    let refused = push(&scope, "refused").await.expect_err("it can't be kept");
    let UpdateError::NotStored(why) = &refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("another file"), "it says why: {why}");
    assert!(why.contains("take it away"), "and what to do: {why}");
    let found = std::fs::read(folder.file()).expect("it is there");
    assert_eq!(before, found, "it is left alone");
    // Whoever put it there takes it away again.
    std::fs::remove_file(folder.file()).expect("it is there");
    scope.stored().await;
    until(|| async { runtime.store.trouble().is_none() }).await;
    close(runtime);
    let later = ground.start().await;
    assert_eq!(seen(&*the_scope(&later).await).await, ["before", "after"]);
    close(later);
}

/// The names in a folder that have a text in them.
fn named(folder: &Folder, text: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(&folder.0).expect("it is there");
    let names = names.map(|entry| entry.expect("it is readable").path());
    names
        .filter(|path| path.display().to_string().contains(text))
        .collect()
}

/// A file with a text in a scope, and the same, damaged so that a new one is begun with what is in it.
async fn whole_and_damaged(ground: &Ground, folder: &Folder) -> [Vec<u8>; 2] {
    let runtime = ground.start().await;
    push(&*the_scope(&runtime).await, "kept")
        .await
        .expect("it is made");
    close(runtime);
    let whole = std::fs::read(folder.file()).expect("it is there");
    // Nothing is in its last byte, and redb opens it no more.
    let damaged = whole[..whole.len() - 1].to_vec();
    [whole, damaged]
}

#[tokio::test]
async fn of_files_that_were_damaged_the_oldest_go_and_what_is_none_of_them_stays() {
    let (ground, folder) = ground();
    let [_, damaged] = whole_and_damaged(&ground, &folder).await;
    let others = [
        "state.damaged-by-whom.txt",
        "other.damaged-0123456789abcdef",
    ];
    for other in others {
        std::fs::write(folder.0.join(other), "mine").expect("it is written");
    }
    let mut known: Vec<PathBuf> = Vec::new();
    for nth in 1..=5 {
        std::fs::write(folder.file(), &damaged).expect("it is written");
        close(ground.start().await);
        let found = named(&folder, "state.damaged-");
        assert_eq!(
            found.len(),
            1 + nth.min(3),
            "with the one that is no such file"
        );
        let new = found
            .iter()
            .find(|path| !known.contains(path) && !path.display().to_string().ends_with(".txt"));
        let new = new.expect("the last one stays");
        // Each is a day older than the next one.
        let day = Duration::from_secs(24 * 3_600) * (10 - nth as u32);
        let file = std::fs::File::options().write(true).open(new);
        let written = std::time::SystemTime::now() - day;
        let set = file.and_then(|file| file.set_modified(written));
        set.expect("it is there");
        known.push(new.clone());
    }
    assert!(
        known[..2].iter().all(|path| !path.exists()),
        "the oldest went"
    );
    assert!(known[2..].iter().all(|path| path.exists()));
    for other in others {
        assert!(folder.0.join(other).exists(), "{other}");
    }
}

#[tokio::test]
async fn who_is_killed_as_it_begins_a_new_file_for_a_damaged_one_has_lost_nothing_of_either() {
    let (ground, folder) = ground();
    let [whole, damaged] = whole_and_damaged(&ground, &folder).await;
    let (file, beside) = (folder.file(), folder.0.join("state.redb.new"));
    let aside = folder.0.join("state.damaged-0123456789abcdef");
    let moments: [(&str, &dyn Fn()); 4] = [
        ("as it was begun", &|| {
            std::fs::write(&beside, "").expect("it is written")
        }),
        ("as it was written", &|| {
            std::fs::write(&beside, &whole[..whole.len() / 2]).expect("it is written");
        }),
        ("as the damaged one had two names", &|| {
            std::fs::write(&beside, &whole).expect("it is written");
            std::fs::hard_link(&file, &aside).expect("it is there");
        }),
        ("as the damaged one had another name", &|| {
            std::fs::write(&beside, &whole).expect("it is written");
            std::fs::rename(&file, &aside).expect("it is there");
        }),
    ];
    for (when, leave) in moments {
        std::fs::remove_dir_all(&folder.0).expect("it is there");
        std::fs::create_dir_all(&folder.0).expect("there is room");
        std::fs::write(&file, &damaged).expect("it is written");
        leave();
        let runtime = ground.start().await;
        assert_eq!(seen(&*the_scope(&runtime).await).await, ["kept"], "{when}");
        let kept = named(&folder, "damaged-");
        assert_eq!(kept.len(), 1, "{when}: the damaged one, once");
        let kept = std::fs::read(&kept[0]).expect("it is there");
        assert_eq!(kept, damaged, "{when}");
        assert!(!beside.exists(), "{when}: nothing is left behind");
        close(runtime);
    }
}
