//! What happens with a file that is wrong: a table, and each can be tried.

use super::{state::Import, tasks::*};
use leptos::prelude::*;
use undercurrent::prelude::*;
use uploads::{WrongFile, is_file_of, wrong_files};

/// The table.
#[component]
pub(super) fn BadFiles() -> impl IntoView {
    let (import, task) = (use_state::<Import>(), use_task(import_file));
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
                    {wrong_files().map(|WrongFile { what, sample, said }| view! {
                        <tr>
                            <th scope="row">{what}</th>
                            // The outcome is above, and the table is long.
                            <td>{said} {move || is_file_of(sample, &import.name().get()).then(|| view! { " " <a href="#came-of-it">"What came of it"</a> })}</td>
                            <td>
                                <EventForm event=start_sample(sample.to_owned())>
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
