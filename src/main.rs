//! The gallery's server.

use gallery::{
    app::{App, shell},
    import_routes, routes,
};
use std::io::IsTerminal;
use undercurrent::Undercurrent;

#[tokio::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("gallery: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // Colours are for people, and not for a file.
    let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_ansi(has_colours)
        .with_writer(std::io::stderr)
        .init();
    let upstream = upstream::from_file("Leptos.toml").await?;
    let chat = upstream::chat_from_file("Leptos.toml").await?;
    let sales = upstream::sales_from_file("Leptos.toml").await?;
    let uploads = uploads::Uploads::from_file("Leptos.toml")?;
    let uc = Undercurrent::open("Leptos.toml")?
        .provide(upstream)
        .provide(chat)
        .provide(sales)
        .provide(uploads.clone())
        .on_start(gallery::vitals::sample_all())
        .on_start(gallery::assistant::model::tell_model())
        .build()?;
    let app = uc
        .router(App, shell)
        .merge(routes::files(&uc))
        .merge(routes::report(&uc))
        .merge(routes::account(&uc))
        .merge(import_routes::routes(&uc, &uploads));
    Ok(uc.serve(app).await?)
}
