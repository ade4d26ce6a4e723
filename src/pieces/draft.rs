//! A line that is half written stays with what it is about.

use leptos::{html::Input, prelude::*};
use std::collections::BTreeMap;

/// Lines by what they are about, for as long as the app lives.
#[derive(Clone, Copy, Debug)]
struct Drafts(StoredValue<BTreeMap<String, String>>);

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
        let kept = || drafts.try_update_value(|all| all.remove(&key)).flatten();
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
            drafts.try_update_value(|all| all.insert(about, text));
        }
    });
    line
}
