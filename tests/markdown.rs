//! Markdown that grows: where it is cut, and what its links may be.

use gallery::pieces::markdown::{blocks, first_block, is_web};
use leptos::prelude::*;
use std::thread;

/// The blocks that a text is cut into.
fn cut(text: &str) -> Vec<&str> {
    let (mut rest, mut blocks) = (text, Vec::new());
    while let Some(end) = first_block(rest) {
        let (block, behind) = rest.split_at(end);
        blocks.push(block);
        rest = behind;
    }
    blocks.push(rest);
    blocks
}

#[test]
fn blank_lines_end_a_block_once_another_begins() {
    assert_eq!(cut("one\ntwo\n\nthree"), ["one\ntwo\n\n", "three"]);
    assert_eq!(cut("one\n\n"), ["one\n\n"]);
    assert_eq!(cut("\n\none\n\n\ntwo"), ["\n\none\n\n\n", "two"]);
    assert_eq!(cut(""), [""]);
}

#[test]
fn a_fence_is_one_block_whatever_is_in_it() {
    let code = "```rust\na\n\nb\n~~~\n\n```\n\n";
    assert_eq!(cut(&format!("{code}end")), [code, "end"]);
    // One that is not closed may still grow.
    assert_eq!(cut("````\n```\n\nx"), ["````\n```\n\nx"]);
    // Code within a line opens none.
    assert_eq!(cut("```a``` b\n\nc"), ["```a``` b\n\n", "c"]);
}

#[test]
fn a_list_with_blank_lines_stays_one() {
    assert_eq!(
        cut("1. a\n\n2. b\n\n   more\n\nc"),
        ["1. a\n\n2. b\n\n   more\n\n", "c"]
    );
    assert_eq!(cut("- a\n\n- b\n\n* c"), ["- a\n\n- b\n\n", "* c"]);
    assert_eq!(cut("-not\n\n- a"), ["-not\n\n", "- a"]);
}

#[test]
fn however_it_comes_what_was_cut_stays_cut() {
    let text = "# A\n\nb\n\n```\nc\n\nd\n```\n\n- e\n\n- f\n\ng\n\n11. h\n\n12. i\n\n13";
    let whole = cut(text);
    for end in 0..=text.len() {
        let cut_so_far = cut(&text[..end]);
        let (_, settled) = cut_so_far.split_last().expect("there is one");
        assert_eq!(settled, &whole[..settled.len()], "after {end} bytes");
    }
}

#[test]
fn links_lead_to_the_web_alone() {
    for good in ["https://leptos.dev", "http://a/b?c", "HTTPS://A"] {
        assert!(is_web(good), "{good}");
    }
    for bad in [
        "javascript:alert(1)",
        "JavaScript://x%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "/posts",
        "//elsewhere.example",
        " https://a",
        "",
    ] {
        assert!(!is_web(bad), "{bad}");
    }
}

#[test]
fn however_deep_a_text_goes_its_elements_do_not() {
    for (mark, times) in [
        ("> ", 30_000),
        ("- ", 30_000),
        (">", 60_000),
        ("*a ", 20_000),
    ] {
        let text = format!("{}the end", mark.repeat(times));
        let shown = move || Owner::new().with(|| blocks(&text).to_html());
        // A quarter of what a thread of the server has.
        let thread = thread::Builder::new().stack_size(512 << 10).spawn(shown);
        let html = thread.expect("a thread").join().expect("it is shown");
        assert!(html.contains("the end"), "{mark}");
        assert!(html.matches("<blockquote").count() <= 20);
    }
    // What people write is shown as it is meant.
    let html = Owner::new().with(|| blocks("- a\n  - b\n    - c\n      > d").to_html());
    assert_eq!(html.matches("<ul").count(), 3);
    assert_eq!(html.matches("<blockquote").count(), 1);
}
