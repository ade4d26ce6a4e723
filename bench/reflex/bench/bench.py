"""What the other servers do, for Reflex: a counter, and a task that appends posts."""

import asyncio

import reflex as rx


class Bench(rx.State):
    count: int = 0
    posts: list[dict[str, int | str]] = []
    text: str = ""
    entries: dict[str, int] = {f"k{nth}": 0 for nth in range(1_000)}
    changes: int = 0

    @rx.event
    def click(self):
        self.count += 1

    @rx.event
    def fill(self, posts: int):
        for _ in range(posts):
            self._push()

    # excerpt: append
    @rx.event(background=True)
    async def append(self, posts: int, pause_ms: int):
        for _ in range(posts):
            if pause_ms:
                await asyncio.sleep(pause_ms / 1000)
            async with self:
                self._push()
    # end

    @rx.event(background=True)
    async def write(self, words: int):
        for _ in range(words):
            async with self:
                self.text += "word "
                self.changes += 1

    @rx.event(background=True)
    async def change_entries(self, entries: int):
        for _ in range(entries):
            async with self:
                self.changes += 1
                self.entries[f"k{self.changes % 1_000}"] = self.changes

    def _push(self):
        number = 1_000_000 + len(self.posts)
        self.posts.append({"id": number, "title": f"Post nr. {number}"})


app = rx.App()
app.add_page(lambda: rx.text(Bench.count, Bench.posts.length()), route="/")
