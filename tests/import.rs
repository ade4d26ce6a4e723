//! What an import remembers, asks and refuses.

use gallery::import::state::Import;
use std::borrow::Cow;
use uploads::{
    Batch, Mark, Pace, Part, Refusal, Row, Stage, Wrong,
    limits::{ERRORS, LAST_ROWS},
    orders::{self, COLUMNS, Column, check},
};

fn names(header: &[&str]) -> Vec<String> {
    header.iter().map(|name| (*name).to_owned()).collect()
}

fn batch(first: u64, accepted: u64, rejected: u64) -> Batch {
    let row = |line| Row {
        line,
        values: names(&["x"]),
    };
    let wrong = |line| Wrong {
        line,
        why: "It is odd.".to_owned(),
    };
    let end = first + accepted;
    let part = |rows| Part { rows, bytes: rows };
    Batch {
        accepted: (first..end).map(row).collect(),
        rejected: (end..end + rejected).map(wrong).collect(),
        mark: Mark {
            at: end + rejected,
            accepted: part(end),
            rejected: part(rejected),
            ..Mark::default()
        },
        is_last: false,
    }
}

#[test]
fn the_last_rows_and_the_first_errors_stand_in_the_state_and_all_are_counted() {
    let mut import = Import::default();
    import.begin("1", "a.csv", 10);
    let (last, errors) = (LAST_ROWS as u64, ERRORS as u64);
    import.take(batch(0, last - 10, 3));
    assert_eq!(
        (import.last.len(), import.errors.len()),
        (LAST_ROWS - 10, 3)
    );
    import.take(batch(last - 10, 20, 0));
    assert_eq!(import.last.len(), LAST_ROWS);
    assert_eq!(import.last.first().map(|row| row.line), Some(10));
    import.take(batch(last + 10, 3 * last, errors + 7));
    assert_eq!(import.last.len(), LAST_ROWS);
    assert_eq!(import.last.last().map(|row| row.line), Some(4 * last + 9));
    assert_eq!(import.errors.len(), ERRORS);
    assert_eq!(
        (import.accepted, import.rejected),
        (4 * last + 10, errors + 7)
    );
    assert_eq!(import.updates, 3);
}

#[test]
fn another_file_begins_anew_and_the_same_one_goes_on() {
    let mut import = Import::default();
    assert_eq!(import.begin("1", "a.csv", 10), Some(0));
    import.receive(7, None);
    // The task was begun again, after a crash.
    assert_eq!((import.begin("1", "a.csv", 10), import.begun), (Some(7), 1));
    import.take(batch(0, 5, 1));
    import.pace = Pace::Full;
    assert_eq!((import.begin("2", "b.csv", 20), import.begun), (Some(0), 2));
    assert_eq!(
        (import.accepted, import.last.len(), import.pace),
        (0, 0, Pace::Full)
    );
    assert_eq!(import.on_disk(), ("2".to_owned(), Mark::default()));
}

#[test]
fn an_import_that_ended_early_and_is_started_again_begins_from_nothing() {
    let mut import = Import::default();
    import.begin("1", "a.csv", 10);
    import.take(batch(0, 5, 2));
    for (begun, stage) in (2..).zip([
        Stage::Failed("Line 3 is odd.".to_owned()),
        Stage::Lost,
        Stage::Stopped,
        Stage::Done,
    ]) {
        import.stage = stage;
        // Nothing of it comes any more: it is here or gone.
        assert_eq!(import.begin("1", "a.csv", 10), None);
        assert_eq!((import.begun, import.name.as_str()), (begun, "a.csv"));
        assert_eq!(import.stage, Stage::Receiving);
        let rows = (import.accepted, import.rejected, import.updates);
        assert_eq!(
            (rows, import.last.len(), import.errors.len()),
            ((0, 0, 0), 0, 0)
        );
        // And if the server goes down then, it is as with any other.
        assert_eq!(import.begin("1", "a.csv", 10), Some(0));
        import.take(batch(0, 5, 2));
        assert_eq!((import.last.len(), import.errors.len()), (5, 2));
    }
}

#[test]
fn a_lost_connection_is_told_from_a_file_that_is_wrong() {
    let mut import = Import::default();
    import.begin("1", "a.csv", 10);
    import.receive(12, None);
    assert_eq!((import.received, import.size), (12, 12));
    import.receive(12, Some(Err(Refusal::Empty)));
    assert_eq!(import.stage, Stage::Receiving);
    import.receive(12, Some(Err(Refusal::Lost { received: 12 })));
    assert_eq!(import.stage, Stage::Lost);
    // The browser has sent it again by itself.
    import.begin("2", "a.csv", 20);
    assert_eq!(
        (import.stage.clone(), import.received),
        (Stage::Receiving, 0)
    );
    import.receive(15, Some(Ok(15)));
    assert_eq!((import.stage, import.size), (Stage::Receiving, 15));
}

#[test]
fn columns_are_found_by_their_names_and_asked_for_where_they_have_another() {
    let mut import = Import::default();
    let all = names(&["Price", "order", "date", "email", "product", "quantity"]);
    import.read_header(all).expect("a header");
    let found: Vec<_> = [1, 2, 3, 4, 5, 0].map(Column::At).to_vec();
    assert_eq!(import.decided(), Some(found));

    let some = names(&["order", "day", "e-mail", "product", "quantity", "note"]);
    import.read_header(some).expect("a header");
    assert_eq!(
        (orders::asked(&import.columns), import.decided()),
        (Some(1), None)
    );
    for (column, place) in [(0, 1), (2, 3), (1, 1), (1, 7), (9, 2)] {
        assert!(
            choose_now(&mut import, column, place).is_err(),
            "{column} {place}"
        );
    }
    choose_now(&mut import, 1, 2).expect("it is asked");
    choose_now(&mut import, 2, 3).expect("it is asked");
    assert_eq!(orders::asked(&import.columns), Some(5));
    choose_now(&mut import, 5, 0).expect("it is asked");
    let decided = import.decided().expect("all of it is");
    assert_eq!(decided[1..3], [Column::At(1), Column::At(2)]);
    assert_eq!(decided[5], Column::LeftOut);
    assert!(
        choose_now(&mut import, 5, 0).is_err(),
        "it is not asked twice"
    );

    let row = names(&["A-1", "2024-05-02", "ada@example.com", "Tray", "1", "2.00"]);
    let refused = import.read_header(row).expect_err("no header");
    assert_eq!(refused.to_string(), Refusal::NoHeader.to_string());
}

/// What the event does.
fn choose_now(import: &mut Import, column: usize, place: usize) -> Result<(), &'static str> {
    let found = orders::answer(&import.header, &import.columns, column, place);
    import.columns[column] = found.ok_or("it is not asked")?;
    Ok(())
}

#[test]
fn what_can_be_said_of_a_column_is_what_no_other_has() {
    let header = names(&["order", "", "e-mail"]);
    let columns = [Column::At(0), Column::Asked, Column::LeftOut];
    let free = orders::free(&header, &columns);
    let expected = [(2, "Column 2".to_owned()), (3, "e-mail".to_owned())];
    assert_eq!(free, expected);
}

const GOOD: [&str; 6] = [
    "A-1",
    "2024-02-29",
    "ada@example.com",
    "Tray",
    "10000",
    "12.5",
];

#[test]
fn each_value_has_a_rule_and_a_sentence() {
    let all: Vec<Column> = (0..COLUMNS.len()).map(Column::At).collect();
    let checked = |at: usize, value: &str| {
        let mut row = GOOD.map(Cow::from).to_vec();
        row[at] = value.into();
        check(&all, &row)
    };
    assert_eq!(checked(0, GOOD[0]), Ok(names(&GOOD)));
    assert_eq!(checked(0, "  A-1 "), Ok(names(&GOOD)));
    for (at, value, why) in [
        (0, "", "Its order is empty."),
        (0, " ", "Its order is empty."),
        (1, "2023-02-29", "Its date “2023-02-29” is no day."),
        (1, "1900-02-29", "Its date “1900-02-29” is no day."),
        (1, "2024-04-31", "Its date “2024-04-31” is no day."),
        (1, "2024-13-01", "Its date “2024-13-01” is no day."),
        (1, "2024-00-01", "Its date “2024-00-01” is no day."),
        (
            1,
            "2024-1-1",
            "Its date “2024-1-1” is not written as 2024-05-31.",
        ),
        (
            1,
            "+024-01-01",
            "Its date “+024-01-01” is not written as 2024-05-31.",
        ),
        (1, "", "Its date is not written as 2024-05-31."),
        (
            2,
            "ada at example.com",
            "Its email “ada at example.com” is no address.",
        ),
        (2, "ada@example", "Its email “ada@example” is no address."),
        (
            2,
            "ada@@example.com",
            "Its email “ada@@example.com” is no address.",
        ),
        (2, "@example.com", "Its email “@example.com” is no address."),
        (4, "0", "Its quantity “0” is no number from 1 to 10,000."),
        (
            4,
            "10001",
            "Its quantity “10001” is no number from 1 to 10,000.",
        ),
        (4, "+5", "Its quantity “+5” is no number from 1 to 10,000."),
        (
            4,
            "two",
            "Its quantity “two” is no number from 1 to 10,000.",
        ),
        (5, "12,50", "Its price “12,50” is not written as 12.50."),
        (5, "-1", "Its price “-1” is not written as 12.50."),
        (5, "1.234", "Its price “1.234” is not written as 12.50."),
        (5, "1.", "Its price “1.” is not written as 12.50."),
    ] {
        assert_eq!(checked(at, value), Err(why.to_owned()));
    }
    let long = checked(3, &"ü".repeat(121)).expect_err("it is too long");
    assert!(
        long.starts_with(&format!("Its product “{}”", "ü".repeat(40))),
        "{long}"
    );
}

#[test]
fn a_column_that_is_left_out_is_not_looked_at() {
    let mut columns: Vec<Column> = (0..COLUMNS.len()).map(Column::At).collect();
    columns[1] = Column::LeftOut;
    let mut row = GOOD.map(Cow::from).to_vec();
    row[1] = "whenever".into();
    let mut expected = names(&GOOD);
    expected[1].clear();
    assert_eq!(check(&columns, &row), Ok(expected));
}
