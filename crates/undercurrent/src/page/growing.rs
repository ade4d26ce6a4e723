//! `GrowingText`: a text that grows at its end, shown in parts of which only the last still changes.

use leptos::prelude::*;

/// Shows a text that grows, such as an answer that comes word by word. It is cut into parts;
/// `children` makes a view of each. What is put behind the end touches the last part, and makes
/// new ones; the views of all others stay as they are, with what is selected or open in them.
///
/// `split` says where the first part of a text ends: its length in bytes, once nothing that may
/// still come can change it, and `None` until then. It is asked about the last part only, so that
/// a long text costs no more than a short one. A text that no longer begins as it did is cut anew.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Story { text: Text }
///
/// #[component]
/// fn Paragraphs() -> impl IntoView {
///     let story = use_state::<Story>();
///     view! {
///         <GrowingText
///             text=Signal::derive(move || story.text().read().to_string())
///             split=|text| text.find("\n\n").map(|end| end + 2)
///             let:paragraph
///         >
///             <p>{paragraph}</p>
///         </GrowingText>
///     }
/// }
/// ```
#[component]
pub fn GrowingText<C, V>(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// Where its first part ends.
    split: fn(&str) -> Option<usize>,
    /// Makes a view of a part.
    children: C,
) -> impl IntoView
where
    C: Fn(ReadSignal<String>) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let mut parts = Parts::default();
    parts.follow(&text.get_untracked(), split);
    let shown = RwSignal::new(parts.all.clone());
    let parts = StoredValue::new(parts);
    // In the browser only: a request renders once.
    Effect::new(move |_| {
        let text = text.get();
        let is_changed = parts.try_update_value(|parts| {
            let is_changed = parts.follow(&text, split);
            is_changed.then(|| parts.all.clone())
        });
        if let Some(Some(all)) = is_changed {
            shown.set(all);
        }
    });
    view! {
        <For
            each=move || shown.get()
            key=|part| part.number
            children=move |part: Part| children(RwSignal::from(part.text).read_only())
        />
    }
}

/// A part of a text.
#[derive(Clone, Debug)]
struct Part {
    /// Never used again.
    number: u64,
    // Of no owner: it is made where an effect runs, and lives on.
    text: ArcRwSignal<String>,
}

/// The parts that a text was cut into.
#[derive(Debug, Default)]
struct Parts {
    all: Vec<Part>,
    /// All parts but the last, as one text.
    settled: String,
    next: u64,
}

impl Parts {
    /// Cuts what has come. Returns whether there are other parts now.
    fn follow(&mut self, text: &str, split: fn(&str) -> Option<usize>) -> bool {
        let mut is_changed = false;
        // Something stands behind the settled parts, or there is nothing to go on from.
        let goes_on = text.len() > self.settled.len() && text.starts_with(&self.settled);
        if !goes_on && !self.all.is_empty() {
            self.settled.clear();
            self.all.clear();
            is_changed = true;
        }
        let mut rest = &text[self.settled.len()..];
        // The part that still grows, if there is one.
        let mut open = self.all.last().cloned();
        while !rest.is_empty() {
            let end = split(rest).filter(|end| (1..rest.len()).contains(end));
            let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
            match open.take() {
                Some(open) if open.text.with_untracked(|text| text == part) => {}
                Some(open) => open.text.set(part.to_owned()),
                None => {
                    self.all.push(Part {
                        number: self.next,
                        text: ArcRwSignal::new(part.to_owned()),
                    });
                    self.next += 1;
                    is_changed = true;
                }
            }
            if !behind.is_empty() {
                self.settled.push_str(part);
            }
            rest = behind;
        }
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Option<usize> {
        text.find('\n').map(|end| end + 1)
    }

    fn shown(parts: &Parts) -> Vec<(u64, String)> {
        let part = |part: &Part| (part.number, part.text.get_untracked());
        parts.all.iter().map(part).collect()
    }

    #[test]
    fn what_comes_changes_the_last_part_and_makes_new_ones() {
        let mut parts = Parts::default();
        assert!(!parts.follow("", lines));
        assert!(parts.follow("on", lines));
        assert!(!parts.follow("one", lines), "the same part grows");
        // Where the part ends is known only when something follows.
        assert!(!parts.follow("one\n", lines));
        assert!(parts.follow("one\ntwo\nthr", lines));
        let named = |texts: [&str; 3]| {
            let texts = texts.into_iter().map(str::to_owned);
            (0..).zip(texts).collect::<Vec<_>>()
        };
        assert_eq!(shown(&parts), named(["one\n", "two\n", "thr"]));
        assert!(!parts.follow("one\ntwo\nthree", lines));
        assert_eq!(shown(&parts), named(["one\n", "two\n", "three"]));
    }

    #[test]
    fn however_it_comes_the_parts_are_those_of_the_whole() {
        let text = "a\nbb\n\nccc\nd";
        let mut whole = Parts::default();
        whole.follow(text, lines);
        let mut grown = Parts::default();
        for end in 0..=text.len() {
            grown.follow(&text[..end], lines);
        }
        assert_eq!(shown(&grown), shown(&whole));
        let joined: String = shown(&whole).into_iter().map(|(_, part)| part).collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn a_text_that_begins_otherwise_is_cut_anew() {
        let mut parts = Parts::default();
        parts.follow("one\ntwo", lines);
        assert!(parts.follow("two\nthree", lines));
        let texts: Vec<String> = shown(&parts).into_iter().map(|(_, part)| part).collect();
        assert_eq!(texts, ["two\n", "three"]);
        assert!(parts.follow("two\n", lines));
        assert!(parts.follow("two\nx", lines));
        let texts: Vec<String> = shown(&parts).into_iter().map(|(_, part)| part).collect();
        assert_eq!(texts, ["two\n", "x"]);
        assert!(parts.follow("", lines));
        assert_eq!(shown(&parts), []);
    }

    #[test]
    fn a_part_that_is_not_touched_tells_nobody() {
        let mut parts = Parts::default();
        parts.follow("one\ntwo", lines);
        let first = parts.all[0].text.clone();
        let seen = ArcMemo::new(move |old: Option<&u32>| {
            first.track();
            old.map_or(0, |old| old + 1)
        });
        assert_eq!(seen.get_untracked(), 0);
        parts.follow("one\ntwo\nthree\n", lines);
        assert_eq!(seen.get_untracked(), 0);
    }
}
