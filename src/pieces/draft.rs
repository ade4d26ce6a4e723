//! A line that is half written stays with what it is about.

use leptos::{html::Input, prelude::*};

/// What lines are about, and the lines, for as long as the app lives. They are few.
#[derive(Clone, Copy, Debug)]
struct Drafts(StoredValue<Vec<(String, String)>>);

/// Keeps them over all pages.
pub fn provide_drafts() {
    provide_context(Drafts(StoredValue::default()));
}

/// For the input of a line about this. What stands in it when it goes is there again when it comes
/// back.
pub fn use_draft(about: String) -> NodeRef<Input> {
    let (line, Drafts(drafts)) = (NodeRef::<Input>::new(), expect_context());
    let key = about.clone();
    Effect::new(move |_| {
        let take = |all: &mut Vec<(String, String)>| {
            let at = all.iter().position(|(about, _)| *about == key)?;
            Some(all.swap_remove(at).1)
        };
        let kept = || drafts.try_update_value(take).flatten();
        if let Some((line, text)) = line.get().and_then(|line| Some((line, kept()?))) {
            line.set_value(&text);
        }
    });
    on_cleanup(move || {
        let Some(line) = line.try_get_untracked().flatten() else {
            return;
        };
        let text = line.value();
        if !text.is_empty() {
            // The next line may be written into the same element.
            line.set_value("");
            // What was kept of it was taken as it came.
            drafts.try_update_value(|all| all.push((about, text)));
        }
    });
    line
}
