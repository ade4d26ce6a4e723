// Takes the README's app out of the README: node scripts/readme-app.mjs FOLDER
// A block that follows `<!-- app: PATH -->` is the file PATH. The app depends on the crate as it
// stands here, and on what Cargo.lock names.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2];
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/<!-- app: (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
const rust = blocks.filter(([, path]) => path.endsWith('.rs'));
const lines = rust.reduce((sum, [, , text]) => sum + text.trimEnd().split('\n').length, 0);
if (blocks.length !== 3) throw new Error(`the README has ${blocks.length} files of an app, not 3`);
if (lines > 60) throw new Error(`the README's app has ${lines} lines of Rust, more than 60`);
for (const [, path, text] of blocks) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const crate = JSON.stringify(join(root, 'crates/undercurrent'));
  const here = `\n[workspace]\n\n[patch.crates-io]\nundercurrent = { path = ${crate} }\n`;
  writeFileSync(file, path === 'Cargo.toml' ? text + here : text);
}
copyFileSync(join(root, 'Cargo.lock'), join(folder, 'Cargo.lock'));
console.log(`${rust.length} files, ${lines} lines of Rust`);
