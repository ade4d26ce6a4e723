//! What is read is not changed: not a field, not a list, not what is inside of one, not by a
//! method, not as a whole.
//~ E0594
//~ E0596
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<Post>,
    pub count: u32,
}

#[derive(State, Clone, Debug, Default)]
pub struct Post {
    pub tags: List<String>,
}

impl Feed {
    pub fn forget(&mut self) {
        self.posts.clear();
    }
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) -> Result {
    cx.read(|feed| feed.count = 1).await?;
    cx.read(|feed| feed.posts.push(Post::default())).await?;
    cx.read(|feed| feed.posts[0].tags.push("new".into())).await?;
    cx.read(|feed| feed.forget()).await?;
    cx.read(|feed| *feed = Feed::default()).await?;
    Ok(())
}

fn main() {}
