//! The task that takes a file in, and what begins and removes it. Pause, resume and Stop are the
//! runtime's.

use super::state::*;
use undercurrent::prelude::*;
use uploads::Stage;

/// Takes a file in: waits until it is here, asks which column is which, reads it. One at a time.
#[background(overlap = reject, on_crash = resume, on_end = close)]
pub async fn import_file(
    cx: TaskContext<Import>,
    file: String,
    name: String,
    bytes: u64,
) -> Result<()> {
    use uploads::{
        Mark, Refusal, Uploads,
        limits::ROWS_AN_UPDATE,
        orders::{COLUMNS, check},
    };
    let kept = cx.expect::<Uploads>().of(cx.visitor().key(), &file);
    let mark = cx.cursor::<Mark>()?;
    if mark.is_none() {
        let begun = cx.update(|import| import.begin(&file, &name, bytes));
        let was_coming = begun.await?;
        let mut arriving = kept.arriving();
        while let Some(coming) = &mut arriving {
            let progress = cx.wait_for(coming.next()).await?;
            cx.update(|import| import.receive(progress.bytes, progress.end))
                .await?;
            match progress.end {
                Some(end) => {
                    end.map_err(ForVisitor::new)?;
                    break;
                }
                None => cx.sleep(Millis(100)).await?,
            }
        }
        // After a crash of the server there is no connection by which the rest could come.
        if !kept.is_here() {
            let lost = was_coming.map(|received| Refusal::Lost { received });
            return Err(ForVisitor::new(lost.unwrap_or(Refusal::Gone)).into());
        }
    }
    let opened = kept.clone();
    let opened = cx.blocking(move |_| opened.open(&COLUMNS, mark)).await?;
    let (mut sheet, header) = opened.map_err(ForVisitor::new)?;
    if mark.is_none() {
        let begun = cx.update(|import| import.read_header(header));
        begun.checkpoint(sheet.mark()).await??;
    }
    let columns = cx.until(Import::decided).await?;
    loop {
        let of = columns.clone();
        let read = cx.blocking(move |_| {
            let batch = sheet.next(ROWS_AN_UPDATE, |fields| check(&of, fields));
            (sheet, batch)
        });
        let (back, batch) = read.await?;
        sheet = back;
        let batch = batch.map_err(ForVisitor::new)?;
        // The rows and the place behind them are one commit: none is lost by a crash, none comes
        // twice.
        let (mark, is_last) = (batch.mark, batch.is_last);
        let taken = cx.update(|import| import.take(batch));
        let (pace, size) = taken.checkpoint(mark).await?;
        cx.progress(mark.at, size);
        if is_last {
            break;
        }
        if let Some(rest) = pace.rest_ms() {
            cx.sleep(Millis(rest)).await?;
        }
    }
    // A crash that took the last rows back would find nothing to read them from.
    cx.kept().await?;
    kept.drop_source().await;
    Ok(())
}

/// However the task ends, the page tells; of an import that was removed before that, nothing.
fn close(import: &mut Import, end: &TaskEnd) {
    if import.stage == Stage::Empty {
        return;
    }
    import.stage = match (end.status, &end.error) {
        (TaskStatus::Done, _) => Stage::Done,
        (TaskStatus::Cancelled, _) => Stage::Stopped,
        _ if import.stage == Stage::Lost => Stage::Lost,
        (_, Some(why)) => Stage::Failed(why.clone()),
        (_, None) => Stage::Failed("The server ended the import.".to_owned()),
    };
}

/// Has the server make a file up, and takes it in: so many orders, or one that is wrong.
#[event]
pub async fn start_sample(cx: EventContext<Import>, sample: String) -> Result<()> {
    use undercurrent::server::NotStarted;
    use uploads::{Refusal, Uploads, sample::Sample};
    let sample = Sample::named(&sample).ok_or(ForVisitor::new(Refusal::NoFile))?;
    let uploads = cx.expect::<Uploads>();
    let upload = uploads.begin_sample(&cx.visitor().key(), sample);
    let upload = upload.map_err(ForVisitor::new)?;
    let (file, name) = (upload.kept().name().to_owned(), upload.name().to_owned());
    let started = cx.start(import_file(file, name, upload.bytes())).await;
    let refused = |why: NotStarted| ForVisitor::new(Refusal::not_started(why == NotStarted::Full));
    started.map_err(refused)?;
    upload.receive_meanwhile();
    Ok(())
}

/// Removes the import, and its files.
#[event]
pub async fn remove(cx: EventContext<Import>) -> Result<()> {
    cx.cancel(import_file, "").await;
    let uploads = cx.expect::<uploads::Uploads>();
    uploads.remove(&cx.visitor().key()).await;
    cx.update(Import::forget).await?;
    Ok(())
}
