"""What the other servers do, for Reflex: a counter, and a task that appends posts."""

import asyncio

import reflex as rx


class Bench(rx.State):
    count: int = 0
    posts: list[dict[str, int | str]] = []

    @rx.event
    def click(self):
        self.count += 1

    @rx.event
    def fill(self, posts: int):
        for _ in range(posts):
            self._push()

    @rx.event(background=True)
    async def append(self, posts: int, pause_ms: int):
        for _ in range(posts):
            if pause_ms:
                await asyncio.sleep(pause_ms / 1000)
            async with self:
                self._push()

    def _push(self):
        number = 1_000_000 + len(self.posts)
        self.posts.append({"id": number, "title": f"Post nr. {number}"})


app = rx.App()
app.add_page(lambda: rx.text(Bench.count, Bench.posts.length()), route="/")
