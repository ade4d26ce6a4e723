//! A form that sends a file. Without JavaScript the browser posts it; with it the page does, and
//! tells how much was sent.

use leptos::{ev::SubmitEvent, html, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use std::{cell::RefCell, rc::Rc};
use undercurrent::prelude::*;
use uploads::megabytes;
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

/// What is said where a request got no answer.
const LOST: &str = "The connection was lost. The file is still chosen: import it again.";

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
    /// Where the sending is.
    sending: RwSignal<Sending>,
    /// The id of what explains the button.
    described: &'static str,
) -> impl IntoView {
    let (form, input) = (NodeRef::<html::Form>::new(), NodeRef::<html::Input>::new());
    let too_large = StoredValue::new(too_large);
    let request = Rc::new(RefCell::new(None::<XmlHttpRequest>));
    let is_sending = Memo::new(move |_| matches!(*sending.read(), Sending::Sends(..)));
    // Not where progress is told: a connection that has come to a halt makes none.
    let sends = request.clone();
    Effect::new(move |was_wanted: Option<bool>| {
        let is_wanted = wanted.get();
        // Of what was sent to its end the answer is on its way.
        let is_cut = matches!(*sending.read_untracked(), Sending::Sends(sent, of) if sent < of);
        if was_wanted == Some(true) && !is_wanted && is_cut {
            sending.set(Sending::Nothing);
            let given_up = sends.take();
            given_up.iter().for_each(|request| _ = request.abort());
        }
        is_wanted
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
        match send(path, &form, (input, file), sending) {
            Ok(sends) => _ = request.replace(Some(sends)),
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
        let (sent, of) = (megabytes(sent as u64), megabytes(of as u64));
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
            0 => Sending::Failed(LOST.to_owned()),
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
            _ => Sending::Failed(ended.response_text().ok().flatten().unwrap_or_default()),
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
