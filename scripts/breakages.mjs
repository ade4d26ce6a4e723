// Makes each breakage of tests/breakages/list.mjs in a copy of the tree, and expects its test to fail.
//   node scripts/breakages.mjs --fit     only looks whether each still fits: takes no time
//   node scripts/breakages.mjs [WORD…]   all, or those whose names have one of the words

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { breakages } from '../tests/breakages/list.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const copy = join(root, 'target/breakages/tree');
// What others have written is compiled there already; what stands in the copy is kept apart by its path.
const env = { ...process.env, CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR || join(root, 'target') };

/** The file with the breakage in it. */
function broken({ name, file, find, put }) {
  const text = readFileSync(join(root, file), 'utf8');
  const places = text.split(find).length - 1;
  if (places === 1) return text.replace(find, () => put);
  console.error(`breakages: "${name}" does not fit: ${file} has ${places} times\n${find}`);
  process.exit(1);
}

function cargo(...words) {
  return spawnSync('cargo', ['test', '--locked', '--quiet', ...words], { cwd: copy, env, encoding: 'utf8' });
}

function test(words, ...more) {
  const name = words.at(-1).startsWith('-') || words.at(-2) === '--test' ? [] : [words.at(-1)];
  const options = name.length ? words.slice(0, -1) : words;
  return cargo(...options, ...more, ...(more.includes('--no-run') ? [] : name));
}

/** A copy of what git has, and of what it would have. */
function copyTree() {
  const git = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const { stdout } = spawnSync('git', git, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  rmSync(copy, { recursive: true, force: true });
  for (const file of stdout.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
}

const words = process.argv.slice(2);
const texts = breakages.map(broken);
if (words[0] === '--fit') {
  console.log(`breakages: all ${texts.length} fit.`);
  process.exit(0);
}
const wanted = breakages.filter(({ name }) => !words.length || words.some((word) => name.includes(word)));
copyTree();
const survived = [];
for (const breakage of wanted) {
  const { name, file } = breakage;
  const since = Date.now();
  const whole = test(breakage.test);
  if (whole.status !== 0) {
    console.error(`breakages: without "${name}" its test fails, too:\n${whole.stdout}${whole.stderr}`);
    process.exit(1);
  }
  if (!/test result: ok\. [1-9]/.test(whole.stdout)) {
    console.error(`breakages: there is no test for "${name}":\n${whole.stdout}`);
    process.exit(1);
  }
  writeFileSync(join(copy, file), texts[breakages.indexOf(breakage)]);
  const built = test(breakage.test, '--no-run');
  const result = built.status === 0 ? test(breakage.test) : undefined;
  cpSync(join(root, file), join(copy, file));
  const took = `${Math.round((Date.now() - since) / 1000)} s`;
  if (!result) {
    console.error(`breakages: "${name}" does not compile:\n${built.stderr}`);
    process.exit(1);
  }
  if (result.status === 0) survived.push(name);
  console.log(`${result.status === 0 ? 'NOT FOUND' : 'found    '}  ${name} (${took})`);
}
if (survived.length) {
  console.error(`breakages: ${survived.length} of ${wanted.length} were not found.`);
  process.exit(1);
}
console.log(`breakages: all ${wanted.length} were found.`);
