//! Bytes and allocations of an update: the same at ten elements and at a hundred thousand.

use allocation_counter::measure;
use costs::{Board, Committed, LOOKING, OPERATIONS, Operation, Post, Update, post};
use undercurrent::{List, Map};

const FEW: usize = 10;
const MANY: usize = 100_000;

/// What an operation and its way back cost.
#[derive(Debug, PartialEq)]
struct Cost {
    /// The ops, each digit gone: an index has more of them in a long list.
    ops: [String; 2],
    /// On the server, on a replica, and where it fails and is undone.
    allocations: [[u64; 3]; 2],
}

/// The least of several rounds, so that what happens once in many does not count: a chunk that
/// fills, a buffer that grows. What all rounds cost is counted by [`mean`].
fn cost(board: &mut Committed, operation: &Operation) -> Cost {
    let mut ops = <[String; 2]>::default();
    let mut allocations = [[u64::MAX; 3]; 2];
    for _ in 0..6 {
        for (nth, change) in [operation.does, operation.and_back].into_iter().enumerate() {
            let failed = measure(|| board.fail(change)).count_total;
            let mut update = None;
            let server = measure(|| update = Some(board.update(change))).count_total;
            let update: Update = update.expect("it was made");
            let replica = measure(|| board.follow(&update).expect("they fit")).count_total;
            for (least, now) in allocations[nth].iter_mut().zip([server, replica, failed]) {
                *least = now.min(*least);
            }
            ops[nth] = update.ops().replace(|c: char| c.is_ascii_digit(), "");
        }
    }
    Cost { ops, allocations }
}

/// Allocations of an update on the server, on the average of many rounds.
fn mean(board: &mut Committed, operation: &Operation) -> f64 {
    const ROUNDS: u32 = 300;
    let all = measure(|| {
        for _ in 0..ROUNDS {
            board.update(operation.does);
            board.update(operation.and_back);
        }
    });
    all.count_total as f64 / f64::from(2 * ROUNDS)
}

#[test]
fn a_change_of_one_item_costs_the_same_in_a_short_and_in_a_long_collection() {
    let (mut few, mut many) = (Committed::of(FEW), Committed::of(MANY));
    let mut wrong = Vec::new();
    for operation in LOOKING {
        let (at_few, at_many) = (cost(&mut few, operation), cost(&mut many, operation));
        let pairs = at_few.allocations.iter().zip(&at_many.allocations);
        let mut pairs = pairs.flat_map(|(few, many)| few.iter().zip(many));
        if at_few.ops != at_many.ops || pairs.any(|(few, many)| *many > few + 2) {
            wrong.push(format!("{operation:?}\n  {at_few:?}\n  {at_many:?}"));
        }
    }
    for operation in OPERATIONS {
        let (at_few, at_many) = (cost(&mut few, operation), cost(&mut many, operation));
        if at_few != at_many {
            wrong.push(format!("{operation:?}\n  {at_few:?}\n  {at_many:?}"));
        }
        let (at_few, at_many) = (mean(&mut few, operation), mean(&mut many, operation));
        if (at_few - at_many).abs() > 0.1 {
            wrong.push(format!(
                "{operation:?}: {at_few} and {at_many} on the average"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_replica_of_all_that_follows() {
    let mut board = Committed::of(1_000);
    for operation in OPERATIONS.iter().chain(LOOKING) {
        for change in [operation.does, operation.and_back] {
            let update = board.update(change);
            board.follow(&update).expect("they fit");
            // What is for the server alone does not come.
            let mut seen = board.value().clone();
            seen.cards.iter_mut().for_each(|card| card.key = 0);
            seen.log = board.replica().log.clone();
            assert_eq!(&seen, board.replica(), "{operation:?}");
        }
    }
}

/// The bytes of the ops, and those of the whole list.
fn sent(board: &mut Committed, change: impl FnOnce(&mut Board)) -> (usize, usize) {
    let ops = board.update(change).ops().len();
    let whole = board.update(|board| board.posts = board.posts.clone());
    (ops, whole.ops().len())
}

#[test]
fn moves_are_sent_as_what_moves_and_never_cost_more_than_the_whole() {
    for len in [FEW, 1_000, MANY] {
        let mut board = Committed::of(len);
        let middle = len / 2;
        let (ops, _) = sent(&mut board, |board| board.posts.swap(middle, middle + 1));
        assert!(ops < 40, "a swap: {ops} bytes");
        let (ops, _) = sent(&mut board, |board| {
            board.posts.sort_by_key(|post| post.title.clone());
        });
        assert!(ops < 40, "a sort that lets two change places: {ops} bytes");
        let (ops, whole) = sent(&mut board, |board| board.posts.reverse());
        assert!(ops <= whole, "a sort of {len}: {ops} of {whole} bytes");
        let mut nth = 0;
        let (ops, whole) = sent(&mut board, |board| {
            board.posts.retain(|_| {
                nth += 1;
                nth % 4 != 0
            });
        });
        assert!(ops <= whole, "a retain of {len}: {ops} of {whole} bytes");
        let mut nth = 0;
        let (ops, _) = sent(&mut board, |board| {
            board.posts.retain(|_| {
                nth += 1;
                nth != 3
            });
        });
        assert!(ops < 40, "a retain that takes one away: {ops} bytes");
        let posts: Vec<_> = board.value().posts.iter().take(3).cloned().collect();
        let (ops, whole) = sent(&mut board, |board| {
            for post in posts {
                board.posts.insert(middle / 2, post);
            }
        });
        assert!(
            ops < 3 * 80 && ops <= whole.max(3 * 80),
            "three inserted: {ops} bytes"
        );
    }
}

#[test]
fn to_move_two_neighbours_in_the_middle_touches_no_others() {
    let mut allocated = [FEW, MANY].map(|len| {
        let mut board = Committed::of(len);
        let moves = |board: &mut Board| {
            let middle = board.posts.len() / 2;
            board.posts.move_item(middle, middle + 1);
        };
        // The replica shares the chunk with it until the first change.
        board.update(moves);
        let measured = measure(|| assert!(board.update(moves).bytes() < 80));
        measured.bytes_total
    });
    allocated.sort_unstable();
    assert!(allocated[1] <= allocated[0] + 64, "{allocated:?} bytes");
}

/// A snapshot is one pointer for each collection. The change after it copies a chunk and the
/// branches above, whatever the length.
#[test]
fn a_snapshot_and_the_change_after_it_cost_the_same_in_a_long_list() {
    let [few, many] = [1_000, MANY].map(|len| {
        let mut board = Committed::of(len);
        board.update(|board| board.posts[500].id = 1);
        let mut snapshot = None;
        let taken = measure(|| snapshot = Some(board.value().clone()));
        let changed = measure(|| {
            board.update(|board| board.posts[500].id = 2);
        });
        drop(snapshot);
        (taken.count_total, changed.count_total)
    });
    // The text is copied, one allocation.
    assert_eq!(few.0, many.0, "of the snapshot");
    assert!(few.0 < 5, "{} allocations", few.0);
    // One branch more.
    assert!(many.1 <= few.1 + 4, "{} and {} after it", few.1, many.1);
}

#[test]
fn a_million_elements_are_as_good_as_ten() {
    const LEN: usize = 1_000_000;
    let mut board = Committed::of(LEN);
    let mut few = Committed::of(FEW);
    for operation in OPERATIONS.iter().step_by(7) {
        let (at_few, at_many) = (cost(&mut few, operation), cost(&mut board, operation));
        assert_eq!(at_few, at_many, "{operation:?}");
    }
    let snapshot = board.value().clone();
    let update = board.update(|board| {
        board.posts.insert(LEN / 3, board.posts[1].clone());
        board.posts.remove(LEN / 2);
        drop(board.posts.drain(LEN / 4..LEN / 4 + 1_000));
        board
            .named
            .retain(|_, post| post.title != "the title of 000009");
    });
    assert!(update.bytes() < 400, "{} bytes", update.bytes());
    board.follow(&update).expect("they fit");
    assert_eq!(board.value().posts.len(), LEN - 1_000);
    assert_eq!(board.value().named.len(), LEN - 1);
    assert_eq!(board.value().posts, board.replica().posts);
    assert_eq!(board.value().named, board.replica().named);
    assert_eq!(snapshot.posts.len(), LEN);
    board.fail(|board| {
        board.posts.reverse();
        board.posts.truncate(17);
        board.named.clear();
    });
    assert_eq!(board.value().posts, board.replica().posts);
    assert_eq!(board.value().named, board.replica().named);
}

/// What a million posts take, and what a snapshot of them adds.
#[test]
fn a_million_posts_take_little_more_than_themselves() {
    const LEN: usize = 1_000_000;
    // Its own bytes, and those of its title.
    let own = (size_of::<Post>() + post(0).title.len()) as u64;
    let mut posts: List<Post> = List::new();
    let list = measure(|| posts = (0..LEN).map(post).collect());
    let each = list.bytes_current as u64 / LEN as u64;
    assert!(each <= own + own / 4, "{each} bytes a post, of {own}");
    let mut keyed: Map<u64, Post> = Map::new();
    let map = measure(|| keyed = (0..LEN).map(|n| (n as u64, post(n))).collect());
    let each = map.bytes_current as u64 / LEN as u64;
    let own = own + size_of::<u64>() as u64;
    assert!(each <= own + own / 4, "{each} bytes an entry, of {own}");
    // A snapshot, and the change of one post after it: a chunk and the branches above are copied.
    let mut snapshot = List::new();
    let taken = measure(|| snapshot = posts.clone());
    assert!(taken.bytes_total < 64, "{} bytes", taken.bytes_total);
    let changed = measure(|| posts[LEN / 2].id += 1);
    assert!(
        changed.bytes_total < 16 << 10,
        "{} bytes",
        changed.bytes_total
    );
    assert_ne!(snapshot, posts);
}
