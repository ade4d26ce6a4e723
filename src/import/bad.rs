//! What happens with a file that is wrong: a table, and each can be tried.

use super::{
    state::no_header,
    tasks::{import_file, start_sample},
};
use leptos::prelude::*;
use undercurrent::prelude::*;
use uploads::Refusal;

/// What is wrong, the name of its sample, and what is said. A letter stands for what differs from
/// file to file.
fn bad() -> [(&'static str, &'static str, String); 8] {
    let said = |refusal: Refusal| refusal.to_string();
    [
        (
            "A picture, or another file that is no text",
            "binary",
            said(Refusal::Binary { line: 2 }),
        ),
        (
            "Text in another encoding",
            "latin-1",
            said(Refusal::NotUtf8 { line: 3 }),
        ),
        (
            "Rows with fields too many or too few",
            "ragged",
            "Line 3: It has 5 fields, and the header 6. The other rows are imported.".to_owned(),
        ),
        ("Nothing in it", "empty", said(Refusal::Empty)),
        ("No line that names the columns", "no-header", no_header()),
        (
            "More than it may have",
            "too-large",
            said(Refusal::TooLarge),
        ),
        (
            "One line of 40 MB",
            "one-line",
            said(Refusal::LongLine { line: 2 }),
        ),
        (
            "The connection is lost midway",
            "cut",
            said(Refusal::Lost { received: 900_000 }),
        ),
    ]
}

/// The table.
#[component]
pub(super) fn BadFiles() -> impl IntoView {
    let task = use_task(import_file);
    let is_busy = Memo::new(move |_| task.is_running());
    view! {
        <section class="bad-files" aria-labelledby="bad-files">
            <h2 id="bad-files">"Files that are wrong"</h2>
            <p class="about">"Each can be tried: the server makes such a file and takes it in."</p>
            <table>
                <thead>
                    <tr><th scope="col">"What is wrong"</th><th scope="col">"What is said"</th><th scope="col">"Try"</th></tr>
                </thead>
                <tbody>
                    {bad().map(|(what, name, said)| view! {
                        <tr>
                            <th scope="row">{what}</th>
                            <td>{said}</td>
                            <td>
                                <EventForm event=start_sample(name.to_owned())>
                                    <button aria-label=format!("Try: {what}") {..off_while(move || is_busy.get())}>"Try"</button>
                                </EventForm>
                            </td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
        </section>
    }
    .into_any()
}
