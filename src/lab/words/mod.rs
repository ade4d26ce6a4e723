//! Words that are hard to show: whatever is sent stands in a list, a map, a text, a plain field and
//! an attribute. `words.spec.ts` sends them.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use undercurrent::prelude::*;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct LabWords {
    /// Each that was said.
    pub list: List<String>,
    /// The last, under itself.
    pub map: Map<String, String>,
    /// The last.
    pub text: Text,
    /// The last.
    pub plain: String,
}

/// Says a word so many times, in every place.
#[event]
pub fn say(words: &mut LabWords, word: String, times: u32) {
    let word = word.repeat(times.min(100_000) as usize);
    words.list.push(word.clone());
    words.map = Map::from([(word.clone(), word.clone())]);
    words.text = word.as_str().into();
    words.plain = word;
}

/// Begins anew.
#[event]
pub fn forget(words: &mut LabWords) {
    *words = LabWords::default();
}

/// A word in numbers: how many bytes, and a sum over them.
fn told(word: &str) -> String {
    let sum = word.bytes().fold(0u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("{} {sum}", word.len())
}

/// The page.
#[component]
pub fn WordsPage() -> impl IntoView {
    let words = use_state::<LabWords>();
    // What the browser has in its state, which is not what the server wrote into the page.
    let numbers = RwSignal::new(String::new());
    Effect::new(move |_| numbers.set(told(&words.plain().get())));
    let reversed = move || words.map().read().values().cloned().collect::<String>();
    view! {
        <Title text="Words"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Words"</h1>
        <p class="lead">"A fixture: words that are hard to show."</p>
        <button id="forget" on:click=forget.on_click()>"Forget"</button>
        <ul id="list">
            <ForList each=words.list() let:word><li>{word}</li></ForList>
        </ul>
        <ul id="map">
            <ForMap each=words.map() let(key, word)><li data-key=key>{word}</li></ForMap>
        </ul>
        <p id="text">{move || words.text().read().as_str().to_owned()}</p>
        <p id="plain" title=move || words.plain().get()>{move || words.plain().get()}</p>
        <p id="between">"before " {move || words.plain().get()} " " {move || reversed()} " behind"</p>
        <output id="numbers">{numbers}</output>
    }
    .into_any()
}
