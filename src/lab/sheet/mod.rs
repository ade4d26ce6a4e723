//! A sheet of one tab, with inputs that are bound to it.

use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The state of one tab.
#[derive(State, Clone, Debug, Default)]
#[state(scope = tab)]
pub struct Sheet {
    /// Typed.
    pub title: String,
    /// How often it was renamed.
    pub renamed: u32,
    /// Dragged.
    pub volume: u32,
    /// How often it was.
    pub turned: u32,
}

/// Sets the title.
#[event]
pub fn rename(sheet: &mut Sheet, title: String) -> Result<(), ForVisitor> {
    if title.contains('!') {
        return Err(ForVisitor::new("No exclamation marks."));
    }
    sheet.renamed += 1;
    sheet.title = title;
    Ok(())
}

/// Sets the volume.
#[event]
pub fn turn(sheet: &mut Sheet, volume: String) -> Result<(), ForVisitor> {
    sheet.volume = volume
        .parse()
        .map_err(|_| ForVisitor::new("A volume is a number."))?;
    sheet.turned += 1;
    Ok(())
}

/// Changes the title from elsewhere.
#[event]
pub fn shout(sheet: &mut Sheet) {
    sheet.title = "SHOUTED BY THE SERVER".to_owned();
}

/// The page.
#[component]
pub fn SheetPage() -> impl IntoView {
    let sheet = use_state::<Sheet>();
    let loaded = use_loaded::<Sheet>();
    let title = use_input(move || sheet.title().get(), rename);
    let volume = use_input(move || sheet.volume().get(), turn).throttle(Millis(200));
    view! {
        <Title text="Lab: a sheet"/>
        <h1>"A sheet of one tab"</h1>
        <p id="loaded">{move || loaded.get().to_string()}</p>
        <label>"Title " <input id="title" {..title.bind()}/></label>
        <p id="error">{move || title.error()}</p>
        <p id="pending">{move || title.is_pending().to_string()}</p>
        <button id="reset" on:click=move |_| title.reset()>"Reset"</button>
        <button id="shout" on:click=shout.on_click()>"Shout"</button>
        <label>"Volume " <input id="volume" type="range" min="0" max="100" {..volume.bind()}/></label>
        <p>
            <output id="state-title">{move || sheet.title().get()}</output> " "
            <output id="renamed">{move || sheet.renamed().get()}</output> " "
            <output id="state-volume">{move || sheet.volume().get()}</output> " "
            <output id="turned">{move || sheet.turned().get()}</output>
        </p>
    }
}
