//! The macros of `undercurrent`: `derive(State)`, `#[event]`, `#[background]`.
//!
//! What they are for and how they are used is told in the documentation of `undercurrent`,
//! which re-exports them. The paths they emit begin with `::undercurrent`; nothing they emit is
//! behind a `cfg` of the user's crate.

mod background;
mod event;
mod handler;
mod schema;
mod scope;
mod state;

use proc_macro::TokenStream;

/// Makes a struct a state: recorded on the server, followed by pages.
///
/// Fields of the types `List`, `Map` and `Text`, and of types with this derive, record what happens
/// inside of them, as do such items, values and options; any other field is plain data, compared
/// with a copy and sent whole. An enum with this derive can stand inside of a state: its variants
/// have no content, one, or named fields. Types with it have no serde derive. `#[state(server)]` on a field keeps it on the server: it
/// is in no byte that leaves it. The derive also makes `<Name>Signals`, which `use_state`
/// returns, with one method for each field that pages see.
///
/// `#[state(scope = …)]` on the struct says who shares it: `session` (the default: one browser,
/// all its tabs), `tab`, `keyed` (all who are let in under one key, through the component
/// `<NameScope key=…>` that the derive makes), `process` (all visitors), or the name of another
/// state, in whose scopes it lives. `join = rule` names a function of the visitor and the key
/// that may refuse: `fn(&Visitor, &str) -> Result<(), ForVisitor>`. A keyed state must have one:
/// its keys come from pages. `present = note`, on a state that several share, names a function that
/// the runtime applies as an update whenever it is someone else who has a page open on the scope:
/// `fn(&mut Name, &[Visitor])`, with all who are here, each once, in order. Who comes is told of at
/// once, who has closed the last page 7 s later; a panic undoes what the call did.
#[proc_macro_derive(State, attributes(state))]
pub fn derive_state(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    state::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a function an event: a message that pages send and that the server runs in the queue,
/// one at a time.
///
/// A short event is a function over the state, `fn clear(feed: &mut Feed)`; what it does is one
/// update, and an `Err` undoes it. One that must wait is async and takes the context,
/// `async fn step(cx: EventContext<Feed>, id: u32)`. Calling the function makes the message.
///
/// `#[event(timeout = "10s")]` bounds one that waits; without it `limits.event-ms` does, which is 0, no
/// bound, unless set. When its time is over each call on its context fails as
/// `UpdateError::Cancelled`, after 5 s (`limits.cancel-grace-ms`) it is dropped, and it ends as timed
/// out. What it has changed before stays. Its visitor can cancel it, too: `use_event(step).cancel()`.
#[proc_macro_attribute]
pub fn event(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = syn::parse_macro_input!(item as syn::ItemFn);
    event::expand(attribute.into(), function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an async function a background task: it runs beside the queue and touches the state in
/// short updates.
///
/// `#[background(key = name, overlap = reject, timeout = "10m", retries = 3)]`:
///
/// - `key` names an argument, or an expression over the arguments, that tells instances apart.
/// - `overlap` says what happens when an instance is started again while it runs: `reject` (the
///   default) refuses the second, `queue` lets it wait for its turn, `replace` cancels the first,
///   `parallel(n)` allows so many side by side and refuses one more.
/// - `timeout` bounds an attempt; the time in which it is paused does not count. Without it a
///   task may take for ever.
/// - `retries` is the number of attempts after the first one, made when an attempt returned an
///   error or took too long. The pauses between them double from one second to one minute. A
///   panic is not retried: it would come again.
/// - `on_disconnect` is `keep_going` (the default), or `cancel_after("30s")`: when nobody has had
///   a page open on its scope for so long, 5 s at least, it is cancelled. A page counts as open
///   for 7 s behind its last stream, and while it is hidden.
/// - `on_crash` says what becomes of a run that a crash of the server cut off: `interrupt` (the
///   default) ends it, visibly, and `resume` begins it again at the cursor that it has committed
///   last, `cx.cursor()`.
/// - `control` may be `anyone`: who may look at the scope may then cancel, pause, resume and retry a run
///   that the server itself has started, with `on_start` say. Without it the server alone does, by
///   `cx.cancel(…)` in a handler; a run that a visitor has started is controlled by all who may
///   look at its scope.
/// - `on_end` names a function, `fn(&mut Feed, &TaskEnd)`, that changes the state in the same
///   update as the end, however it ended.
#[proc_macro_attribute]
pub fn background(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function = syn::parse_macro_input!(item as syn::ItemFn);
    background::expand(attribute.into(), function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
