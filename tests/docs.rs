//! The documents show what is compiled or run: each block of code in docs/ is an excerpt of a file,
//! and the home page shows one, too.

mod samples;

use gallery::pieces::{Kind, excerpt, figures::measured, tokens};
use std::{fs, path::PathBuf};

fn read(path: impl Into<PathBuf>) -> String {
    let path = path.into();
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A block of Rust or Python, with what stands on the line above it.
struct Block {
    document: String,
    line: usize,
    above: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for entry in fs::read_dir("docs").expect("there are documents") {
        let path = entry.expect("a document").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let (text, document) = (read(&path), path.display().to_string());
        let lines: Vec<&str> = text.lines().collect();
        for (at, _) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with("```rust") || line.starts_with("```python"))
        {
            let inside = lines[at + 1..].iter().take_while(|line| **line != "```");
            blocks.push(Block {
                document: document.clone(),
                line: at + 1,
                above: at
                    .checked_sub(1)
                    .map_or("", |above| lines[above])
                    .to_owned(),
                text: inside.copied().collect::<Vec<_>>().join("\n"),
            });
        }
    }
    blocks
}

/// `<!-- excerpt: PATH NAME -->`
fn source(above: &str) -> Option<(&str, &str)> {
    let inside = above.strip_prefix("<!-- excerpt: ")?.strip_suffix(" -->")?;
    inside.split_once(' ')
}

/// An excerpt of Python, whose comments begin otherwise, without the indent of its class.
fn python(source: &str, name: &str) -> Option<String> {
    let source: Vec<_> = source
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .map(|line| match line.strip_prefix("# ") {
            Some(comment) => format!("// {comment}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    excerpt(&source.concat(), name).map(str::to_owned)
}

#[test]
fn each_block_of_code_is_an_excerpt_of_a_file_that_is_compiled_or_run() {
    let blocks = blocks();
    assert!(
        blocks.len() >= 25,
        "the documents have {} blocks",
        blocks.len()
    );
    for Block {
        document,
        line,
        above,
        text,
    } in blocks
    {
        let (path, name) = source(&above).unwrap_or_else(|| {
            panic!("{document}:{line}: no <!-- excerpt: PATH NAME --> above the block")
        });
        assert!(
            ["src/", "tests/samples/", "crates/examples/", "bench/"]
                .iter()
                .any(|folder| path.starts_with(folder)),
            "{document}:{line}: is {path} compiled or run?"
        );
        let file = read(path);
        let excerpt = match path.ends_with(".py") {
            true => python(&file, name),
            false => excerpt(&file, name).map(str::to_owned),
        };
        let excerpt =
            excerpt.unwrap_or_else(|| panic!("{document}:{line}: {path} has no excerpt {name}"));
        assert_eq!(text, excerpt, "{document}:{line} differs from {path}");
    }
}

#[test]
fn an_excerpt_is_what_stands_between_its_lines() {
    let source = "a\n// excerpt: one\nb\n\nc\n// end\nd\n// excerpt: two\ne\n// end\n";
    assert_eq!(excerpt(source, "one"), Some("b\n\nc"));
    assert_eq!(excerpt(source, "two"), Some("e"));
    assert_eq!(excerpt(source, "three"), None);
    assert_eq!(excerpt("// excerpt: one\nb\n", "one"), None);
    let home = read("src/posts/background.rs");
    let shown = excerpt(&home, "get_posts").expect("the home page shows it");
    assert!(shown.contains("#[background") && shown.contains("shop.product(id)"));
}

#[test]
fn the_pieces_of_a_line_make_up_the_line() {
    for path in [
        "src/posts/background.rs",
        "src/pieces/code.rs",
        "src/app.rs",
    ] {
        for line in read(path).lines() {
            let whole: String = tokens(line).into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(whole, line);
        }
    }
    let kinds: Vec<_> = tokens(r#"let a = Ok("b", 1); // c"#).into_iter().collect();
    for expected in [
        (Kind::Keyword, "let"),
        (Kind::Type, "Ok"),
        (Kind::Text, "\"b\""),
        (Kind::Number, "1"),
        (Kind::Comment, "// c"),
        (Kind::Plain, "a"),
    ] {
        assert!(kinds.contains(&expected), "{expected:?} in {kinds:?}");
    }
    assert_eq!(tokens("#[event]"), [(Kind::Attribute, "#[event]")]);
    assert_eq!(tokens("\"not closed"), [(Kind::Text, "\"not closed")]);
}

#[test]
fn the_figures_of_the_home_page_can_be_read() {
    let measured = measured().expect("docs/benchmark.json fits");
    for row in measured.rows {
        assert!(
            row.ours > 0.0 && row.reflex > 0.0,
            "{} has two figures",
            row.what
        );
        assert!(row.times().is_finite() && !row.what.is_empty());
    }
}

#[test]
fn what_documents_link_to_is_there() {
    let (mut links, mut missing) = (0, Vec::new());
    let folders = [".", "docs"].map(|folder| fs::read_dir(folder).expect("there are documents"));
    for entry in folders.into_iter().flatten() {
        let path = entry.expect("a document").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = read(&path);
        let targets = text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.is_empty() && !target.contains("://")) {
            links += 1;
            let folder = path.parent().expect("it is in one");
            if !folder.join(target).exists() {
                missing.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(links > 50, "only {links} links were found");
    assert_eq!(missing, [""; 0]);
}
