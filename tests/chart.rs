//! What a chart draws.

use gallery::pieces::{
    chart::{line, round_up},
    grouped,
};

#[test]
fn a_line_ends_at_the_right_and_breaks_where_nothing_was_measured() {
    let drawn = line(&[(10, 0.0), (11, 5.0), (20, 10.0)], 300, 10.0);
    assert_eq!(drawn.stroke, "M290 60.0L291 30.0M300 0.0");
    assert_eq!(
        drawn.area,
        "M290 60L290 60.0L291 30.0L291 60ZM300 60L300 0.0L300 60Z"
    );
    // What is too old is not drawn: a pause may have been long.
    let drawn = line(&[(10, 1.0), (900, 1.0)], 300, 10.0);
    assert_eq!(drawn.stroke, "M300 54.0");
}

#[test]
fn numbers_read_well() {
    assert_eq!(
        [3.0, 10.0, 10.1, 42.0, 51.0, 180.0].map(round_up),
        [5.0, 10.0, 20.0, 50.0, 100.0, 200.0]
    );
    assert_eq!(
        [7, 999, 1_000, 10_000, 1_234_567].map(grouped),
        ["7", "999", "1,000", "10,000", "1,234,567"]
    );
}
