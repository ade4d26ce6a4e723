//! What is of files alone: who has one open, and what is found in its place.

use super::*;
use crate::server::store::StoreError;

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
        refused.to_string().contains("another server has it open"),
        "{refused}"
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
    std::fs::write(folder.file(), "").expect("it is written");
    ground
        .build(Durability::Relaxed)
        .expect("an empty one is a new one");
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
    assert_eq!(
        seen(&*the_scope(&runtime).await).await,
        Vec::<String>::new()
    );
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
    let names = std::fs::read_dir(&folder.0).expect("it is there");
    assert_eq!(names.count(), 1, "nothing is set aside");
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
