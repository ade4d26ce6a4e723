import reflex as rx

config = rx.Config(
    app_name="bench",
    state_manager_mode="memory",
    telemetry_enabled=False,
    disable_plugins=[rx.plugins.sitemap.SitemapPlugin],
)
