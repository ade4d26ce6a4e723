//! The state of the random numbers, and that of the streams of words.

use gallery::{lorem::state as lorem, pieces::in_words, random::state::*};

#[test]
fn the_last_ten_values_stay_the_newest_last_and_the_total_is_of_all() {
    let mut random = Random::default();
    for value in 1..=15 {
        (random.low, random.high) = (value, value);
        random.goes_on = value < 15;
        assert_eq!(random.draw(), value < 15);
    }
    assert_eq!(KEPT, 10);
    assert_eq!(
        random.last.iter().copied().collect::<Vec<_>>(),
        (6..=15).collect::<Vec<_>>()
    );
    assert_eq!(random.total, (1..=15).sum::<i64>());
}

#[test]
fn what_is_drawn_lies_in_the_range_and_reaches_its_ends() {
    let mut random = Random::default();
    (random.low, random.high) = (-1, 1);
    let mut seen = [false; 3];
    for _ in 0..1_000 {
        random.draw();
        let value = *random.last.last().expect("it was drawn");
        seen[(value + 1) as usize] = true;
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn one_stream_more_than_there_is_room_for_is_refused_with_the_number_that_holds() {
    let mut streams = lorem::Lorem::default();
    for id in 1..=lorem::STREAMS as u32 {
        assert_eq!(streams.add().ok(), Some(id));
    }
    assert!(streams.add().is_err());
    assert!(lorem::TOO_MANY.starts_with(&format!("{} ", lorem::STREAMS)));
    // Where one was removed is room, and no id comes again.
    streams.remove(3);
    assert_eq!(streams.add().ok(), Some(lorem::STREAMS as u32 + 1));
}

#[test]
fn a_time_has_the_digits_that_mean_something_and_its_unit() {
    let words = [
        0.04, 0.2, 9.94, 9.96, 412.4, 999.4, 999.6, 3_949.0, 61_000.0,
    ]
    .map(in_words);
    assert_eq!(
        words,
        [
            "0.0 ms", "0.2 ms", "9.9 ms", "10 ms", "412 ms", "999 ms", "1.0 s", "3.9 s", "61.0 s"
        ]
    );
}
