//! A form that sends a file. Without JavaScript the browser posts it; with it the page does, and
//! tells how much was sent. What is sent outlives the form: a link leads elsewhere, and back.

use leptos::{ev::SubmitEvent, html, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use std::cell::RefCell;
use undercurrent::prelude::*;
use uploads::bytes_in_words;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{FormData, ProgressEvent, XmlHttpRequest};

/// Where the sending is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sending {
    /// Nothing is sent. What was, the server has, and tells of it.
    #[default]
    Nothing,
    /// So many bytes were sent, of so many.
    Sends(f64, f64),
    /// It was not sent, or not to its end. A sentence says why.
    Failed(String),
}

/// What is said where a request got no answer, and the form is still there.
const LOST: &str = "The connection was lost. The file is still chosen: import it again.";
/// The same of a form that was left.
const LOST_AWAY: &str = "The connection was lost while you were elsewhere. Choose the file again.";
/// The same where something on the way has answered: its page of HTML is no sentence.
const NOT_TAKEN: &str = "Something on the way to the server refused the file. Try again later.";
/// The same of a proxy that takes no body of this size.
const TOO_LONG: &str = "Something on the way to the server takes no file of this size.";

thread_local! {
    // There is one thread in a page, and one file at a time. A server sends none.
    static REQUEST: RefCell<Option<XmlHttpRequest>> = const { RefCell::new(None) };
}

/// What is sent, for as long as the app lives.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Where it is.
    pub sending: RwSignal<Sending>,
    /// The server has begun to take it.
    is_taken: StoredValue<bool>,
    /// The number of the last file that had come to its end as this one was sent.
    before: StoredValue<Option<u32>>,
}

/// Keeps what is sent over all pages, and ends it where the task that takes it was stopped: the
/// tray, too, has a Stop.
pub fn provide_sender(taking: TaskHandle) {
    let sender = Sender {
        sending: RwSignal::new(Sending::Nothing),
        is_taken: StoredValue::new(false),
        before: StoredValue::new(None),
    };
    provide_context(sender);
    let is_stopped = Memo::new(move |_| taking.status() == Some(TaskStatus::Cancelled));
    let is_taken = Memo::new(move |_| taking.is_running());
    Effect::new(move |_| match (is_taken.get(), is_stopped.get()) {
        (true, _) => sender.take(true),
        (_, true) => sender.take(false),
        _ => {}
    });
}

impl Sender {
    /// The server takes it, or does not any more: nothing more is sent then.
    fn take(self, is_wanted: bool) {
        if is_wanted {
            self.is_taken.set_value(true);
            return;
        }
        // Of what was sent to its end the answer is on its way.
        let is_cut =
            matches!(*self.sending.read_untracked(), Sending::Sends(sent, of) if sent < of);
        if self.is_taken.get_value() && is_cut {
            self.sending.set(Sending::Nothing);
            REQUEST.take().iter().for_each(|sent| _ = sent.abort());
        }
    }
}

/// The form: a box for the file, and a button.
#[component]
pub fn Upload(
    /// Where it is sent to. The file's field is called `file`.
    path: &'static str,
    /// What is asked for.
    label: &'static str,
    /// What kind of file a browser offers.
    accept: &'static str,
    /// So many bytes it may have.
    max: u64,
    /// What is said of a larger one, which is not sent.
    too_large: String,
    /// What the button says.
    button: &'static str,
    /// Nothing can be sent now.
    #[prop(into)]
    off: Signal<bool>,
    /// The server takes what is sent. Once it does not any more, nothing more is sent.
    #[prop(into)]
    wanted: Signal<bool>,
    /// The number of a file that has come to its end. The next one has another.
    #[prop(into)]
    here: Signal<Option<u32>>,
    /// What it sends with, and takes up where one comes back.
    sender: Sender,
    /// The id of what explains the button.
    described: &'static str,
) -> impl IntoView {
    let (form, input) = (NodeRef::<html::Form>::new(), NodeRef::<html::Input>::new());
    let too_large = StoredValue::new(too_large);
    let sending = sender.sending;
    let is_sending = Memo::new(move |_| matches!(*sending.read(), Sending::Sends(..)));
    // Not where progress is told: a connection that has come to a halt makes none.
    Effect::new(move |_| sender.take(wanted.get()));
    // Where the answer was lost and the file was not, nothing need come again.
    Effect::new(move |_| {
        let is_lost = |why| [LOST, LOST_AWAY].contains(&why);
        let is_lost = matches!(&*sending.read(), Sending::Failed(why) if is_lost(why.as_str()));
        let here = here.get();
        if is_lost && here.is_some() && here != sender.before.get_value() {
            sending.set(Sending::Nothing);
        }
    });
    // What went wrong was told here, and goes with it.
    on_cleanup(move || {
        if let Some(Sending::Failed(_)) = sending.try_get_untracked() {
            sending.set(Sending::Nothing);
        }
    });
    let submit = move |submit: SubmitEvent| {
        submit.prevent_default();
        let file = input
            .get_untracked()
            .and_then(|input| input.files()?.get(0));
        let Some((file, form)) = file.zip(form.get_untracked()) else {
            return;
        };
        if is_sending.get_untracked() || off.get_untracked() {
            return;
        }
        if file.size() > max as f64 {
            sending.set(Sending::Failed(too_large.get_value()));
            return;
        }
        sending.set(Sending::Sends(0.0, file.size()));
        sender.is_taken.set_value(wanted.get_untracked());
        sender.before.set_value(here.get_untracked());
        match send(path, &form, (input, file), sending) {
            Ok(request) => _ = REQUEST.replace(Some(request)),
            Err(_) => sending.set(Sending::Failed(LOST.to_owned())),
        }
    };
    view! {
        <form
            class="upload"
            method="post"
            action=path
            enctype="multipart/form-data"
            node_ref=form
            on:submit=submit
        >
            <label class="upload-file">
                {label}
                <input type="file" name="file" accept=accept required node_ref=input/>
            </label>
            <button
                aria-describedby=described
                class="primary"
                {..off_while(move || off.get() || is_sending.get())}
            >
                {button}
            </button>
        </form>
    }
    .into_any()
}

/// What the address tells: once. It goes from there, so that a reload does not tell it again.
pub fn use_told_once(name: &'static str) -> Option<String> {
    let told = use_query_map().read_untracked().get(name);
    let (path, is_told) = (use_location().pathname, told.is_some());
    let navigate = use_navigate();
    Effect::new(move |_| {
        if is_told {
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&path.get_untracked(), options);
        }
    });
    told
}

/// These words, of a file or an event that was refused, are told while it is so.
pub fn tell_while(
    is_so: Memo<bool>,
    words: String,
    sending: RwSignal<Sending>,
    event: EventHandle,
) {
    let words = Some(words);
    Effect::new(move |was_so: Option<bool>| {
        let is_so = is_so.get();
        if was_so == Some(true) && !is_so {
            if untrack(|| event.error()) == words {
                event.dismiss();
            }
            if matches!(sending.get_untracked(), Sending::Failed(why) if Some(&why) == words.as_ref())
            {
                sending.set(Sending::Nothing);
            }
        }
        is_so
    });
}

/// How much of a file was sent, while it is.
#[component]
pub fn SendBar(
    /// Where the sending is.
    sending: RwSignal<Sending>,
) -> impl IntoView {
    let sent = move || match sending.get() {
        Sending::Sends(sent, of) => Some((sent, of)),
        _ => None,
    };
    let words = |(sent, of): (f64, f64)| {
        let (sent, of) = (bytes_in_words(sent as u64), bytes_in_words(of as u64));
        view! { <p class="hint waits">{format!("Sent {sent} of {of}.")}</p> }
    };
    view! {
        <progress
            class="job-bar"
            aria-label="Sent"
            hidden=move || sent().is_none()
            max=move || sent().map_or(1.0, |(_, of)| of)
            value=move || sent().map_or(0.0, |(sent, _)| sent)
        ></progress>
        // Not said: it changes with each packet.
        {move || sent().map(words)}
    }
}

/// What the server said of it: it was asked for text.
fn said(ended: &XmlHttpRequest) -> Option<String> {
    let kind = ended.get_response_header("content-type").ok()??;
    let is_text = kind.starts_with("text/plain");
    ended
        .response_text()
        .ok()?
        .filter(|text| is_text && !text.is_empty())
}

/// Sends a form. What it tells, it tells `sending`, whatever page is open by then.
fn send(
    path: &str,
    form: &web_sys::HtmlFormElement,
    (input, file): (NodeRef<html::Input>, web_sys::File),
    sending: RwSignal<Sending>,
) -> Result<XmlHttpRequest, JsValue> {
    let (body, bytes) = (FormData::new_with_form(form)?, file.size());
    let request = XmlHttpRequest::new()?;
    request.open_with_async("POST", path, true)?;
    request.set_request_header("accept", "text/plain")?;
    let progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
        // A form is a little longer than its file.
        let sent = event.loaded() / event.total().max(1.0) * bytes;
        sending.try_set(Sending::Sends(sent, bytes));
    });
    let (ended, form) = (request.clone(), form.clone());
    let end = Closure::<dyn FnMut()>::new(move || {
        let end = match ended.status().unwrap_or_default() {
            // It was given up.
            0 if sending.try_get_untracked() == Some(Sending::Nothing) => Sending::Nothing,
            0 => match input.try_get_untracked().flatten() {
                Some(_) => Sending::Failed(LOST.to_owned()),
                None => Sending::Failed(LOST_AWAY.to_owned()),
            },
            202 => {
                // The next one may have been chosen meanwhile.
                let chosen = input.try_get_untracked().flatten();
                if chosen.and_then(|input| input.files()?.get(0)) == Some(file.clone()) {
                    form.reset();
                }
                Sending::Nothing
            }
            // The state tells what was wrong with it.
            422 => Sending::Nothing,
            status => {
                let why = if status == 413 { TOO_LONG } else { NOT_TAKEN };
                Sending::Failed(said(&ended).unwrap_or_else(|| why.to_owned()))
            }
        };
        sending.try_set(end);
    });
    // The browser drops them with the request.
    let (progress, end) = (progress.into_js_value(), end.into_js_value());
    request
        .upload()?
        .set_onprogress(Some(progress.unchecked_ref()));
    request.set_onloadend(Some(end.unchecked_ref()));
    request.send_with_opt_form_data(Some(&body))?;
    Ok(request)
}
