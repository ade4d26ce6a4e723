//! What the model may ask for.

/// What the model is told of its task.
pub const TASK: &str = "You are the assistant of the gallery of Undercurrent, which brings \
    background tasks to Leptos, a web framework in Rust. You answer in short sentences, in \
    Markdown, and say so when you do not know something.";

/// The tool that looks up a product of the shop.
pub const LOOK_UP: &str = "look_up_product";
/// The tool that starts the task which fetches ten posts.
pub const FETCH: &str = "fetch_posts";

/// What does something in the visitor's name asks first.
pub fn asks_first(tool: &str) -> bool {
    tool == FETCH
}

/// A tool's name for a person, and what it is about to do.
pub fn in_words(tool: &str, arguments: &str) -> (String, String) {
    match tool {
        LOOK_UP => {
            let is_digit = |letter: &char| letter.is_ascii_digit();
            let id: String = arguments.chars().filter(is_digit).collect();
            let about = format!("It asks the shop for product {id}.");
            ("Look up a product".to_owned(), about)
        }
        FETCH => (
            "Fetch the ten posts".to_owned(),
            "It starts the task of the page Posts, in your name.".to_owned(),
        ),
        other => (format!("Unknown: {other}"), arguments.to_owned()),
    }
}
