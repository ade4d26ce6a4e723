//! The sequence against a deque, and what its clones share.

use super::{
    tree::{CHUNK, WIDTH},
    *,
};

/// The number of chunks below, and that of their items.
fn assert_tree(tree: &Tree<u32>, height: usize) -> (usize, usize) {
    let (chunks, len) = match &*tree.node {
        Node::Chunk(items) => {
            assert_eq!(height, 0, "all chunks are at one depth");
            assert!(items.len() <= CHUNK, "a chunk of {}", items.len());
            (1, items.len())
        }
        Node::Branch(children) => {
            assert!(children.len() <= WIDTH, "a branch of {}", children.len());
            let below = children.iter().map(|child| assert_tree(child, height - 1));
            below.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        }
    };
    assert!(len > 0, "no node is empty");
    assert_eq!(tree.len, len);
    (chunks, len)
}

/// The tree holds what the deque does, and is not higher than it must be.
fn assert_whole(seq: &Seq<u32>, model: &VecDeque<u32>) {
    assert_eq!(seq.len(), model.len());
    assert!(seq.iter().eq(model), "{seq:?}\nis not {model:?}");
    assert!(seq.iter().rev().eq(model.iter().rev()));
    if let Some(root) = &seq.root {
        let (chunks, _) = assert_tree(root, seq.height);
        // A half of a half full on the average, at each level.
        let full = 1 + model.len() / (CHUNK / 8);
        assert!(chunks <= full, "{chunks} chunks for {} items", model.len());
        assert!(seq.height <= 6, "height {} for {chunks} chunks", seq.height);
    }
    for index in (0..model.len()).step_by(37) {
        assert_eq!(seq.get(index), model.get(index));
    }
    assert_eq!(seq.get(model.len()), None);
}

#[test]
fn it_does_what_a_deque_does_and_leaves_its_clones_alone() {
    let mut seed = 7_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % n.max(1)
    };
    let (mut seq, mut model) = (Seq::new(), VecDeque::new());
    let (mut kept, mut kept_model) = (seq.clone(), model.clone());
    for step in 0..6_000_u32 {
        let (len, at) = (model.len(), below(model.len() + 1));
        match below(14) {
            0..=2 => {
                seq.push_back(step);
                model.push_back(step);
            }
            3 | 4 => {
                seq.insert(0, step);
                model.push_front(step);
            }
            5 | 6 => {
                seq.insert(at, step);
                model.insert(at, step);
            }
            7 => assert_eq!(seq.remove(at), model.remove(at)),
            8 => assert_eq!(seq.remove(0), model.pop_front()),
            9 => {
                let more: Vec<u32> = (0..below(300) as u32).collect();
                seq.insert_all(at, more.iter().copied().collect());
                let tail = model.split_off(at);
                model.extend(more.into_iter().chain(tail));
            }
            10 => {
                let count = below(len - at + 1);
                let taken = seq.take_range(at, count);
                assert!(
                    taken
                        .iter()
                        .eq(&model.drain(at..at + count).collect::<Vec<_>>())
                );
            }
            11 => {
                let every = 1 + below(40);
                let gone: Vec<usize> = (0..len).filter(|index| index % every == 0).collect();
                if !gone.is_empty() && below(4) == 0 {
                    let taken = seq.take_each(&gone);
                    let expected: Vec<u32> = gone.iter().map(|&index| model[index]).collect();
                    assert_eq!(taken, expected);
                    seq.put_each(gone.into_iter().zip(taken).collect());
                }
            }
            12 => {
                if let (Some(own), Some(item)) = (seq.get_mut(at), model.get_mut(at)) {
                    (*own, *item) = (step, step);
                }
            }
            _ => {
                assert_whole(&kept, &kept_model);
                (kept, kept_model) = (seq.clone(), model.clone());
            }
        }
        if step % 50 == 0 {
            assert_whole(&seq, &model);
        }
    }
    assert_whole(&seq, &model);
    assert_whole(&kept, &kept_model);
}

/// Where its chunks are.
fn chunks(seq: &Seq<u32>) -> Vec<*const u32> {
    let every = (0..seq.len()).filter_map(|index| seq.find(index));
    let first = every.filter(|(_, at)| *at == 0);
    first
        .filter_map(|(chunk, _)| chunk.front())
        .map(std::ptr::from_ref)
        .collect()
}

#[test]
fn a_change_copies_one_chunk_while_a_clone_holds_it_and_none_after() {
    let mut seq: Seq<u32> = (0..100 * CHUNK as u32).collect();
    let kept = seq.clone();
    let shared = |seq: &Seq<u32>| {
        let (own, kept) = (chunks(seq), chunks(&kept));
        own.iter().filter(|chunk| kept.contains(chunk)).count()
    };
    let all = chunks(&seq).len();
    assert_eq!(shared(&seq), all);
    for index in [50 * CHUNK, 50 * CHUNK + 1, 50 * CHUNK] {
        if let Some(item) = seq.get_mut(index) {
            *item = 1;
        }
        assert!(shared(&seq) + 2 >= all, "at most the two chunks of the two");
        assert!(shared(&seq) < all);
    }
    let before = chunks(&seq);
    if let Some(item) = seq.get_mut(50 * CHUNK) {
        *item = 2;
    }
    assert_eq!(chunks(&seq), before, "it was copied already");
    assert_eq!(kept.get(50 * CHUNK), Some(&(50 * CHUNK as u32)));
}

#[test]
fn parts_of_a_long_one_can_be_cut_and_put_elsewhere() {
    let mut seed = 3_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % n.max(1)
    };
    let mut model: VecDeque<u32> = (0..200_000).collect();
    let mut seq: Seq<u32> = model.iter().copied().collect();
    for round in 0..300 {
        let (from, len) = (below(model.len()), model.len());
        let count = below(if round % 3 == 0 { 200 } else { len - from });
        let count = count.min(len - from);
        let part = seq.take_range(from, count);
        let tail = model.split_off(from + count);
        let taken = model.split_off(from);
        model.extend(tail);
        let to = below(model.len() + 1);
        seq.insert_all(to, part);
        let tail = model.split_off(to);
        model.extend(taken.into_iter().chain(tail));
        let (a, b) = (below(len), below(len));
        seq.swap(a, b);
        model.swap(a, b);
        if round % 50 == 0 {
            assert_whole(&seq, &model);
        }
    }
    assert_whole(&seq, &model);
    seq.iter_mut().for_each(|item| *item += 1);
    assert!(seq.into_items().eq(model.into_iter().map(|item| item + 1)));
}

#[test]
fn at_the_edge_of_a_chunk_a_push_and_a_pop_make_and_drop_nothing() {
    let mut seq: Seq<u32> = (0..2 * CHUNK as u32).collect();
    for front in [true, false] {
        let mut seen = std::collections::BTreeSet::new();
        for round in 0..3 * CHUNK as u32 {
            let index = if front { 0 } else { seq.len() };
            seq.insert(index, round);
            // At each length: take it away and put it back.
            let index = if front { 0 } else { seq.len() - 1 };
            let before = chunks(&seq).len();
            seq.remove(index);
            let after = chunks(&seq).len();
            seq.insert(if front { 0 } else { seq.len() }, round);
            if before != after {
                seen.insert(seq.len());
            }
        }
        assert!(seen.is_empty(), "at these lengths: {seen:?}");
    }
}

#[test]
fn what_cuts_leave_of_each_chunk_is_joined() {
    for left in [1, 3] {
        let mut model: VecDeque<u32> = (0..100 * CHUNK as u32).collect();
        let mut seq: Seq<u32> = model.iter().copied().collect();
        // Of each stretch as long as a chunk, some items stay.
        let mut from = left;
        while from + CHUNK - left <= model.len() {
            drop(seq.take_range(from, CHUNK - left));
            drop(model.drain(from..from + CHUNK - left));
            from += left;
        }
        assert_whole(&seq, &model);
    }
}
