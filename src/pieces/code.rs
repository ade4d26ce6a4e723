//! Lines of Rust, as they stand in the file that is compiled.

use leptos::prelude::*;

/// What stands between `// excerpt: name` and `// end` in a source; `None` if there are no such
/// lines.
pub fn excerpt<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("// excerpt: {name}\n");
    let (_, behind) = source.split_once(&begin)?;
    let (excerpt, _) = behind.split_once("// end\n")?;
    Some(excerpt.trim_end())
}

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `// …`
    Comment,
    /// `"…"`
    Text,
    /// `#[…]`
    Attribute,
    /// `fn`, `let` and their like.
    Keyword,
    /// `Posts`
    Type,
    /// `1`
    Number,
    /// The rest.
    Plain,
}

const KEYWORDS: &str = " as async await else enum false fn for if impl in let loop match mod move \
    mut pub return self struct true use while ";

/// Takes a line apart, simply: good enough to read it by colour. The pieces make up the line.
pub fn tokens(line: &str) -> Vec<(Kind, &str)> {
    let mut tokens: Vec<(Kind, &str)> = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        let (kind, length) = if rest.starts_with("//") {
            (Kind::Comment, rest.len())
        } else if rest.starts_with("#[") {
            let end = rest.find(']').map_or(rest.len(), |end| end + 1);
            (Kind::Attribute, end)
        } else if first == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
            (Kind::Text, end)
        } else if first.is_ascii_digit() {
            (Kind::Number, word)
        } else if first.is_uppercase() {
            (Kind::Type, word)
        } else if is_word(first) && KEYWORDS.contains(&format!(" {} ", &rest[..word])) {
            (Kind::Keyword, word)
        } else {
            (Kind::Plain, word.max(first.len_utf8()))
        };
        let (token, behind) = rest.split_at(length);
        tokens.push((kind, token));
        rest = behind;
    }
    tokens
}

/// An excerpt, with the line that runs marked while it does.
#[component]
pub fn Code(
    /// The lines.
    text: &'static str,
    /// Where they stand.
    path: &'static str,
    /// The line that runs is the first one with this in it.
    runs: &'static str,
    /// It runs.
    #[prop(into)]
    running: Signal<bool>,
) -> impl IntoView {
    let at = text.lines().position(|line| line.contains(runs));
    let line = move |(number, line): (usize, &'static str)| {
        let is_at = Some(number) == at;
        let pieces = tokens(line)
            .into_iter()
            .map(|(kind, piece)| match class(kind) {
                "" => piece.into_any(),
                class => view! { <span class=class>{piece}</span> }.into_any(),
            });
        view! {
            <span class="code-line" class:runs=move || is_at && running.get()>
                {pieces.collect_view()}
                "\n"
            </span>
        }
    };
    view! {
        <figure class="code">
            <figcaption>{path}</figcaption>
            // It scrolls where it is narrow, so it takes the focus.
            <pre tabindex="0" role="region" aria-label=path>
                <code>{text.lines().enumerate().map(line).collect_view()}</code>
            </pre>
        </figure>
    }
    .into_any()
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Comment => "code-comment",
        Kind::Text => "code-text",
        Kind::Attribute => "code-attribute",
        Kind::Keyword => "code-keyword",
        Kind::Type => "code-type",
        Kind::Number => "code-number",
        Kind::Plain => "",
    }
}
