// Takes the README's app out of the README: node scripts/readme-app.mjs FOLDER [--next]
// A block that follows `<!-- app: PATH -->` is the file PATH. The app depends on the crate as it
// stands here, and on what Cargo.lock names. `--next` makes its next version: one field, one event and
// one button more.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [folder, version] = process.argv.slice(2);
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/<!-- app: (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
const rust = blocks.filter(([, path]) => path.endsWith('.rs'));
const lines = rust.reduce((sum, [, , text]) => sum + text.trimEnd().split('\n').length, 0);
if (blocks.length !== 3) throw new Error(`the README has ${blocks.length} files of an app, not 3`);
if (lines > 60) throw new Error(`the README's app has ${lines} lines of Rust, more than 60`);
/** What the next version changes, by file. */
const NEXT = {
  'Cargo.toml': [[/^name = "ten-posts"$/gm, 'name = "ten-posts-next"']],
  'src/main.rs': [[/ten_posts::/g, 'ten_posts_next::']],
  'src/lib.rs': [
    [/( *)pub posts: List<String>,\n/, '$&$1pub likes: u32,\n'],
    [/(?=\/\/\/ An event: runs)/, '#[event]\npub fn like(feed: &mut Feed) {\n    feed.likes += 1;\n}\n\n'],
    [/( *)(?=<ul>)/, '$1<button on:click=like.on_click()>{move || feed.likes().get()} " likes"</button>\n$1'],
  ],
};

function changed(path, text) {
  return NEXT[path].reduce((text, [find, put]) => {
    if (text.search(find) < 0) throw new Error(`the README's ${path} has no ${find}`);
    return text.replace(find, put);
  }, text);
}

for (const [, path, of] of blocks) {
  const text = version === '--next' ? changed(path, of) : of;
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const crate = JSON.stringify(join(root, 'crates/undercurrent'));
  const here = `\n[workspace]\n\n[patch.crates-io]\nundercurrent = { path = ${crate} }\n`;
  writeFileSync(file, path === 'Cargo.toml' ? text + here : text);
}
copyFileSync(join(root, 'Cargo.lock'), join(folder, 'Cargo.lock'));
console.log(`${rust.length} files, ${lines} lines of Rust`);
