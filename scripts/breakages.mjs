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
const env = {
  ...process.env,
  // What others have written is compiled there already, with the flags of the step `unit`; what stands
  // in the copy is kept apart by its path.
  CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR || join(root, 'target'),
  RUSTFLAGS: process.env.RUSTFLAGS ?? '--cfg erase_components',
  // One file changes between two builds: most breakages take 5 to 50 s with it, and took 90 to 170 without.
  CARGO_INCREMENTAL: '1',
};

/** The file with the breakage in it. */
function broken({ name, file, find, put }) {
  const text = readFileSync(join(root, file), 'utf8');
  const places = text.split(find).length - 1;
  if (places === 1) return text.replace(find, () => put);
  return fail(`"${name}" does not fit: ${file} has ${places} times\n${find}`);
}

function fail(sentence) {
  console.error(`breakages: ${sentence}`);
  process.exit(1);
}

function cargo(build, ...more) {
  return spawnSync('cargo', ['test', '--locked', ...build, ...more], { cwd: copy, env, encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** What is built for a breakage, and the name of the test in it that must fail: none means all. */
function parts({ test }) {
  const whole = test.at(-1).startsWith('-') || test.at(-2) === '--test';
  return whole ? { build: test, name: '' } : { build: test.slice(0, -1), name: test.at(-1) };
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

/** Without a breakage each of the tests is there, and passes. */
function expectWhole(build, names) {
  const { status, stdout, stderr } = cargo(build, '--', ...names.filter(Boolean));
  if (status !== 0) fail(`without a breakage a test fails, too:\n${stdout}${stderr}`);
  const passed = [...stdout.matchAll(/^test (.+) \.\.\. ok$/gm)].map(([, test]) => test);
  for (const name of names) {
    if (!passed.some((test) => test.includes(name))) fail(`there is no test "${name}" in ${build.join(' ')}`);
  }
}

/** Whether the test fails when the breakage is there. */
function isFound(breakage, text) {
  const { build, name } = parts(breakage);
  const path = join(copy, breakage.file);
  writeFileSync(path, text);
  const built = cargo(build, '--no-run');
  if (built.status !== 0) fail(`"${breakage.name}" does not compile:\n${built.stderr}`);
  const { status } = cargo(build, '--', ...[name].filter(Boolean));
  cpSync(join(root, breakage.file), path);
  return status !== 0;
}

const words = process.argv.slice(2);
const texts = new Map(breakages.map((breakage) => [breakage, broken(breakage)]));
if (words[0] === '--fit') {
  console.log(`breakages: all ${texts.size} fit.`);
  process.exit(0);
}
const wanted = breakages.filter(({ name }) => !words.length || words.some((word) => name.includes(word)));
const builds = new Map();
for (const breakage of wanted) {
  const key = parts(breakage).build.join(' ');
  builds.set(key, [...(builds.get(key) ?? []), breakage]);
}
copyTree();
const survived = [];
for (const group of builds.values()) {
  expectWhole(parts(group[0]).build, [...new Set(group.map((breakage) => parts(breakage).name))]);
  for (const breakage of group) {
    const since = Date.now();
    const found = isFound(breakage, texts.get(breakage));
    if (!found) survived.push(breakage.name);
    console.log(`${found ? 'found    ' : 'NOT FOUND'}  ${breakage.name} (${Math.round((Date.now() - since) / 1000)} s)`);
  }
}
if (survived.length) fail(`${survived.length} of ${wanted.length} were not found.`);
console.log(`breakages: all ${wanted.length} were found.`);
