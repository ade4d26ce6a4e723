//! Markdown that grows, as elements. What others wrote is never taken for HTML: raw HTML is shown
//! as text, links lead to http and https only, and no image is loaded from elsewhere.

use super::Copy;
use leptos::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use undercurrent::prelude::*;

/// A text that may still grow. What is complete is not made again when more comes.
#[component]
pub fn Markdown(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="markdown">
            <GrowingText text split=first_block let:block>
                {move || block.with(|block| blocks(block))}
            </GrowingText>
        </div>
    }
}

/// Where the first block of a text ends: behind the blank lines that follow it, once something
/// else has begun that does not belong to it.
pub fn first_block(text: &str) -> Option<usize> {
    let (mut at, mut fence) = (0, None);
    let (mut first, mut is_over) = (None, false);
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if is_over && !words.is_empty() && !belongs(first.unwrap_or_default(), line) {
            return Some(at);
        }
        at += line.len();
        match fence {
            Some(opened) if closes(words, opened) => fence = None,
            Some(_) => {}
            None if words.is_empty() => is_over = first.is_some(),
            None => {
                fence = fence_of(words);
                first = first.or(Some(line));
                is_over = false;
            }
        }
    }
    None
}

/// After a blank line: whether a line goes on with the block that begins with `first`.
fn belongs(first: &str, line: &str) -> bool {
    let indented = line.starts_with([' ', '\t']);
    match marker(first) {
        None => indented && first.starts_with("    "),
        Some(kind) => indented || marker(line) == Some(kind) || may_become(line, kind),
    }
}

/// Whether a line that is still coming may become an item of a list: of "- " the dash is there, of
/// "12. " the digits.
fn may_become(line: &str, kind: char) -> bool {
    let begun = line.trim_start();
    match kind {
        '-' | '*' | '+' => begun.strip_prefix(kind) == Some(""),
        _ => begun.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// The kind of list that a line is an item of.
fn marker(line: &str) -> Option<char> {
    let line = line.trim_start();
    let bullet = line.chars().next().filter(|first| "-*+".contains(*first));
    if let Some(bullet) = bullet {
        return line[1..].starts_with([' ', '\n']).then_some(bullet);
    }
    let digits = line.find(|letter: char| !letter.is_ascii_digit())?;
    let kind = line[digits..].chars().next()?;
    (digits > 0 && (kind == '.' || kind == ')')).then_some(kind)
}

/// The fence that a line opens: what it is made of, and how much of it.
fn fence_of(words: &str) -> Option<(char, usize)> {
    let kind = words.chars().next().filter(|first| "`~".contains(*first))?;
    let length = words.chars().take_while(|letter| *letter == kind).count();
    // What stands behind backticks has none, or it is code within a line.
    let is_inline = kind == '`' && words[length..].contains('`');
    (length >= 3 && !is_inline).then_some((kind, length))
}

fn closes(words: &str, (kind, length): (char, usize)) -> bool {
    words.len() >= length && words.chars().all(|letter| letter == kind)
}

/// An element that is being filled.
struct Filling {
    tag: Option<Tag<'static>>,
    children: Vec<AnyView>,
    /// Its text alone.
    text: String,
}

impl Filling {
    fn new(tag: Option<Tag<'static>>) -> Self {
        Filling {
            tag,
            children: Vec::new(),
            text: String::new(),
        }
    }
}

/// So deep elements stand in one another. What is deeper is shown without its own: each level takes
/// from the stack, and a line of quote signs has tens of thousands.
const DEPTH: usize = 20;

/// The elements of a text.
pub fn blocks(text: &str) -> Vec<AnyView> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let (mut open, mut deeper) = (vec![Filling::new(None)], 0_usize);
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(_) if open.len() > DEPTH => deeper += 1,
            Event::End(_) if deeper > 0 => deeper -= 1,
            Event::Start(tag) => open.push(Filling::new(Some(tag.into_static()))),
            Event::End(end) => {
                let Some(filled) = open.pop() else { continue };
                let Some(around) = open.last_mut() else {
                    return filled.children;
                };
                around.text.push_str(&filled.text);
                around.children.push(element(filled, end));
            }
            event => {
                if let Some(around) = open.last_mut() {
                    add(around, event);
                }
            }
        }
    }
    open.swap_remove(0).children
}

fn add(around: &mut Filling, event: Event<'_>) {
    let view = match event {
        // Code is one text, however it was told.
        Event::Text(text) if is_code(around) => return around.text.push_str(&text),
        Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
            around.text.push_str(&text);
            text.to_string().into_any()
        }
        Event::Code(text) => {
            around.text.push_str(&text);
            view! { <code>{text.to_string()}</code> }.into_any()
        }
        Event::SoftBreak => " ".into_any(),
        Event::HardBreak => view! { <br/> }.into_any(),
        Event::Rule => view! { <hr/> }.into_any(),
        // None of the other kinds is asked for.
        _ => return,
    };
    around.children.push(view);
}

fn is_code(filling: &Filling) -> bool {
    matches!(filling.tag, Some(Tag::CodeBlock(_)))
}

fn element(filled: Filling, end: TagEnd) -> AnyView {
    let Filling {
        tag,
        children,
        text,
    } = filled;
    match (tag, end) {
        (Some(Tag::CodeBlock(kind)), _) => code(kind, text),
        (Some(Tag::Link { dest_url, .. }), _) => link(&dest_url, children),
        (Some(Tag::Image { .. }), _) => {
            view! { <span class="markdown-image">"Image: " {text}</span> }.into_any()
        }
        (Some(Tag::List(Some(start))), _) => {
            view! { <ol start=start.to_string()>{children}</ol> }.into_any()
        }
        (Some(Tag::List(None)), _) => view! { <ul>{children}</ul> }.into_any(),
        // The page has its own first and second.
        (Some(Tag::Heading { level, .. }), _) if level <= HeadingLevel::H3 => {
            view! { <h3>{children}</h3> }.into_any()
        }
        (_, TagEnd::Heading(_)) => view! { <h4>{children}</h4> }.into_any(),
        (_, TagEnd::Paragraph | TagEnd::HtmlBlock) => view! { <p>{children}</p> }.into_any(),
        (_, TagEnd::Item) => view! { <li>{children}</li> }.into_any(),
        (_, TagEnd::BlockQuote(_)) => view! { <blockquote>{children}</blockquote> }.into_any(),
        (_, TagEnd::Emphasis) => view! { <em>{children}</em> }.into_any(),
        (_, TagEnd::Strong) => view! { <strong>{children}</strong> }.into_any(),
        (_, TagEnd::Strikethrough) => view! { <del>{children}</del> }.into_any(),
        (_, TagEnd::Table) => table(children),
        (_, TagEnd::TableHead) => view! { <thead><tr>{children}</tr></thead> }.into_any(),
        (_, TagEnd::TableRow) => view! { <tr>{children}</tr> }.into_any(),
        (_, TagEnd::TableCell) => view! { <td>{children}</td> }.into_any(),
        _ => children.into_any(),
    }
}

/// It scrolls where it is wider than the page, so it takes the focus.
fn table(mut rows: Vec<AnyView>) -> AnyView {
    let body = rows.split_off(1.min(rows.len()));
    view! {
        <div class="markdown-table" tabindex="0" role="group" aria-label="Table">
            <table>{rows}<tbody>{body}</tbody></table>
        </div>
    }
    .into_any()
}

fn code(kind: CodeBlockKind<'static>, text: String) -> AnyView {
    let language = match kind {
        CodeBlockKind::Fenced(language) if !language.is_empty() => language.to_string(),
        _ => "code".to_owned(),
    };
    let label = format!("Code: {language}");
    let copied = text.clone();
    view! {
        <figure class="markdown-code">
            <figcaption>{language} <Copy text=Signal::derive(move || copied.clone())/></figcaption>
            <pre tabindex="0" role="group" aria-label=label><code>{text}</code></pre>
        </figure>
    }
    .into_any()
}

/// Where a link may lead.
pub fn is_web(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["http", "https"]
            .iter()
            .any(|web| scheme.eq_ignore_ascii_case(web))
    })
}

fn link(address: &str, children: Vec<AnyView>) -> AnyView {
    if !is_web(address) {
        return children.into_any();
    }
    view! {
        <a href=address.to_owned() target="_blank" rel="noopener noreferrer nofollow">{children}</a>
    }
    .into_any()
}
