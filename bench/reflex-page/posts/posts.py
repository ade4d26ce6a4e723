"""Ten posts in both styles, and a counter: what /posts shows, for Reflex."""

import asyncio

import reflex as rx

POSTS = 10
DELAY_S = 0.4


class Posts(rx.State):
    count: int = 0
    posts: list[str] = []
    runs: bool = False

    @rx.event
    def click(self):
        self.count += 1

    @rx.event
    def begin(self):
        self.posts = []
        self.runs = True
        return Posts.step(1)

    @rx.event
    async def step(self, number: int):
        await asyncio.sleep(DELAY_S)
        self.posts.append(f"Post {number}")
        if number < POSTS:
            return Posts.step(number + 1)
        self.runs = False

    @rx.event(background=True)
    async def fetch(self):
        async with self:
            self.posts = []
            self.runs = True
        for number in range(1, POSTS + 1):
            await asyncio.sleep(DELAY_S)
            async with self:
                self.posts.append(f"Post {number}")
        async with self:
            self.runs = False


def index():
    return rx.el.main(
        rx.el.button("Click", id="click", on_click=Posts.click),
        rx.el.output(Posts.count, id="count"),
        rx.el.button("Chained", id="chained", on_click=Posts.begin),
        rx.el.button("Background", id="background", on_click=Posts.fetch),
        rx.el.ul(rx.foreach(Posts.posts, rx.el.li), id="posts"),
        rx.cond(Posts.runs, rx.el.p("It runs.", id="runs")),
    )


app = rx.App()
app.add_page(index, route="/")
