//! The routes of an import, for the session that asks: what `uploads` wants to know of it.

use crate::import::{state::Import, tasks::import_file};
use axum::{Router, http::HeaderMap};
use undercurrent::{
    Undercurrent, Visitor,
    prelude::Millis,
    server::{NotStarted, ScopeHandle},
};
use uploads::{Desk, Mark, Owner, Refusal, Stage, Uploads, limits::TOLD_MS};

/// The routes.
pub fn routes(uc: &Undercurrent, uploads: &Uploads) -> Router {
    uploads.routes("/import", Sessions(uc.clone()))
}

#[derive(Clone, Debug)]
struct Sessions(Undercurrent);

#[derive(Debug)]
struct Session(ScopeHandle<Import>);

impl Desk for Sessions {
    type Visitor = Session;

    fn visitor(&self, headers: &HeaderMap) -> Option<Session> {
        self.0.session::<Import>(headers).map(Session)
    }

    fn is_known(&self, name: &str) -> bool {
        let visitor = Visitor::from_key(name);
        visitor.is_some_and(|visitor| self.0.session_of::<Import>(visitor).exists())
    }
}

impl Owner for Session {
    fn name(&self) -> String {
        self.0.visitor().key()
    }

    async fn start(&self, file: String, name: String, bytes: u64) -> Result<(), Refusal> {
        let started = self.0.start(import_file(file, name, bytes)).await;
        started
            .map(drop)
            .map_err(|why| Refusal::not_started(why == NotStarted::Full))
    }

    async fn told(&self) {
        let knows = |import: &Import| (import.stage != Stage::Receiving).then_some(());
        let _ = self.0.until_within(Millis(TOLD_MS), knows).await;
    }

    async fn on_disk(&self) -> Option<(String, Mark)> {
        self.0.read(Import::on_disk).await.ok()
    }
}
