//! The report's state: what a year comes to, and that it is written once, however often it is
//! begun, stopped and begun again.

use gallery::report::{
    export::{csv, markdown},
    state::*,
};
use reports::{Stage, TITLES, next_piece};
use undercurrent::testing::TestApp;
use upstream::sales::{
    Listed, Review, SalesRecord,
    figures::{Figures, Verdict},
};

/// A year in which each month sold as much, with so many percent of returns.
fn year(id: u32, name: &str, returned: u32, stars: [u32; 5]) -> SalesRecord {
    let review = |stars, text: &str| Review {
        stars,
        text: text.to_owned(),
    };
    SalesRecord {
        id,
        name: name.to_owned(),
        category: if id.is_multiple_of(2) { "even" } else { "odd" }.to_owned(),
        price: 10.0 + f64::from(id),
        months: [25; 12],
        returned,
        stars,
        reviews: vec![review(5, "Good."), review(1, "Bad."), review(2, "So so.")],
    }
}

fn figures(returned: u32, stars: [u32; 5]) -> Figures {
    Figures::of(&year(1, "Mug", returned, stars))
}

fn listed(count: u32) -> Vec<Listed> {
    let one = |id| Listed {
        id,
        name: format!("Product {id}"),
    };
    (1..=count).map(one).collect()
}

/// All products but the third are here.
fn settled() -> Report {
    let mut report = Report::default();
    report.begin(listed(8));
    for id in report.take_up() {
        report.ask(id);
        let came = match id {
            3 => Err("the upstream answered 500".to_owned()),
            id => Ok(Figures::of(&year(id, "x", id * 6, [0, 0, 1, 3, 8]))),
        };
        report.settle(id, came);
    }
    report
}

fn texts(report: &Report) -> Vec<String> {
    let texts = report
        .sections
        .iter()
        .map(|section| section.text.to_string());
    texts.collect()
}

/// Writes to the end, and says in how many steps.
fn write(report: &mut Report) -> usize {
    (0..).find(|_| !report.write_on()).expect("it ends")
}

#[test]
fn a_year_comes_to_its_figures() {
    let figures = figures(15, [1, 0, 0, 0, 3]);
    assert_eq!((figures.sold, figures.returned), (300, 15));
    assert_eq!(figures.revenue, 11.0 * 285.0);
    assert_eq!((figures.ratings, figures.rating), (4, 4.0));
    assert_eq!((figures.returns(), figures.trend), (5.0, 0));
    assert_eq!(figures.complaint, "Bad.");
    let mut rising = year(1, "Mug", 3, [0, 0, 0, 2, 8]);
    rising.months[9..].fill(30);
    assert_eq!(Figures::of(&rising).trend, 20);
    assert_eq!(Figures::of(&rising).verdict, Verdict::Rising);
    rising.months[9..].fill(20);
    assert_eq!(Figures::of(&rising).verdict, Verdict::Watch);
    // What was never sold or rated divides by nothing.
    rising.months.fill(0);
    rising.returned = 0;
    rising.stars.fill(0);
    let none = Figures::of(&rising);
    assert_eq!((none.revenue, none.rating, none.returns()), (0.0, 0.0, 0.0));
    assert_eq!(none.verdict, Verdict::Watch, "it sells 100 % less");
}

#[test]
fn a_tenth_of_returns_or_few_stars_are_a_problem() {
    let liked = [0, 0, 1, 2, 7];
    for (returned, stars, verdict) in [
        (30, liked, Verdict::Problem),
        (29, liked, Verdict::Watch),
        (23, liked, Verdict::Solid),
        (3, [0, 5, 5, 0, 0], Verdict::Problem),
        (3, [0; 5], Verdict::Solid),
    ] {
        assert_eq!(
            figures(returned, stars).verdict,
            verdict,
            "{returned} {stars:?}"
        );
    }
}

#[test]
fn nothing_is_written_before_all_are_settled_and_then_once() {
    let mut report = Report::default();
    assert!(!report.write_on() && !report.is_whole);
    report.begin(listed(2));
    assert!(!report.write_on() && report.is_open());
    assert_eq!(report.take_up(), [1, 2]);
    report.ask(2);
    assert_eq!(report.settle(1, Ok(figures(3, [0, 0, 0, 1, 9]))), (1, 2));
    assert!(!report.write_on());
    // It was asked for by a task that is no more.
    assert_eq!(report.take_up(), [2]);
    assert_eq!(report.cells.get(1).unwrap().stage, Stage::Waiting);
    assert_eq!(report.settle(2, Err("no".to_owned())), (2, 2));
    assert!(write(&mut report) > 20);
    assert!(report.is_whole && !report.is_open());
    assert_eq!(texts(&report), sections(&report.cells));
    let titles: Vec<_> = report
        .sections
        .iter()
        .map(|one| one.title.clone())
        .collect();
    assert_eq!(titles, TITLES);
    assert_eq!(write(&mut report), 0);
}

#[test]
fn wherever_it_was_stopped_the_text_becomes_the_same() {
    let mut whole = settled();
    let steps = write(&mut whole);
    for stopped in 0..steps {
        let mut report = settled();
        for _ in 0..stopped {
            assert!(report.write_on());
        }
        // As it comes out of a store: nothing but the state tells where it was.
        let mut again = report.clone();
        assert_eq!(write(&mut again), steps - stopped);
        assert_eq!(texts(&again), texts(&whole));
    }
}

#[test]
fn what_a_retry_changes_is_written_anew_and_the_rest_stays() {
    let mut report = settled();
    write(&mut report);
    assert!(texts(&report)[0].starts_with("**7 of 8 products**"));
    let came = || Ok(Figures::of(&year(3, "x", 200, [0, 0, 1, 3, 8])));
    // One that is here is not taken again.
    report.settle_again(4, Err("late".to_owned()));
    assert_eq!(write(&mut report), 0);
    report.settle_again(3, came());
    // It is stopped in the middle of it, and another goes on.
    for _ in 0..5 {
        assert!(report.write_on() && !report.is_whole);
    }
    write(&mut report);
    assert!(texts(&report)[0].starts_with("**8 of 8 products**"));
    assert_eq!(texts(&report), sections(&report.cells));
    assert!(texts(&report)[2].contains("Product 3"));
    // A report that was begun anew meanwhile is not touched.
    report.begin(listed(8));
    report.settle_again(3, came());
    assert!(report.cells.iter().all(|cell| cell.stage == Stage::Waiting));
}

#[tokio::test(start_paused = true)]
async fn the_slider_goes_from_one_to_sixteen_whoever_asks() {
    let app = TestApp::new();
    let mut page = app.client();
    for at_once in [0, 17, u32::MAX] {
        let refused = page.run(set_at_once(at_once)).await.unwrap_err();
        assert!(refused.message.contains("From 1 to 16"), "{refused:?}");
    }
    assert_eq!(page.see::<Report>().await.at_once, 4);
    for at_once in [1, 16] {
        page.run(set_at_once(at_once)).await.expect("it is between");
        assert_eq!(page.see::<Report>().await.at_once, at_once);
    }
}

#[test]
fn where_nothing_came_it_says_so() {
    let mut report = Report::default();
    report.begin(listed(2));
    for id in [1, 2] {
        report.settle(id, Err("no".to_owned()));
    }
    write(&mut report);
    assert!(texts(&report)[0].starts_with("None of the products came."));
}

#[test]
fn pieces_make_up_the_text_and_cut_nothing_that_belongs_together() {
    let mut report = settled();
    write(&mut report);
    for text in texts(&report) {
        let (mut rest, mut count) = (text.as_str(), 0);
        while !rest.is_empty() {
            let piece = next_piece(rest);
            assert!(!piece.is_empty());
            assert_eq!(piece.matches("**").count() % 2, 0, "{piece:?}");
            if piece.starts_with('|') {
                assert!(piece.ends_with('\n'), "{piece:?}");
            }
            let head = piece.contains("Category");
            assert!(!head || piece.lines().count() == 2, "{piece:?}");
            (rest, count) = (&rest[piece.len()..], count + 1);
        }
        assert!(count > 2, "{text}");
    }
}

#[test]
fn what_others_wrote_is_no_markdown_and_no_formula() {
    let mut report = Report::default();
    let name = "=1+\"1\" **a** | <b>, [c](http://d) `e`";
    report.begin(vec![Listed {
        id: 1,
        name: name.to_owned(),
    }]);
    report.settle(1, Ok(figures(60, [9, 0, 0, 0, 0])));
    write(&mut report);
    let markdown = markdown(&report);
    let escaped = r#"=1+"1" \*\*a\*\* \| \<b\>, \[c\](http://d) \`e\`"#;
    assert!(markdown.contains(escaped), "{markdown}");
    assert!(!markdown.contains("<b>"));
    let csv = csv(&report);
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    let expected =
        r#"1,"'=1+""1"" **a** | <b>, [c](http://d) `e`",odd,300,60,20.0,2640.00,1.00,0,problem"#;
    assert_eq!(lines[1..], [expected]);
}

#[test]
fn a_product_that_did_not_come_has_a_line_without_figures() {
    let csv = csv(&settled());
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(lines[3], "3,Product 3,,,,,,,,missing");
    let commas = |line: &&str| line.matches(',').count();
    assert!(lines.iter().all(|line| commas(line) == 9), "{csv}");
}
