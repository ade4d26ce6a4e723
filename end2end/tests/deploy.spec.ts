// Two builds of the README's app: pages of the one meet servers of the other, as in a deploy, and back.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { freePort } from './support/server';

type Version = 'app' | 'app-next';
const built = (version: Version) => resolve(`../target/readme-${version}/site`);
const binary = (version: Version) => resolve(`../target/debug/ten-posts${version === 'app' ? '' : '-next'}`);
/** Longer than a page waits before it loads itself a second time. */
const SOME_TIME_MS = 31_000;

let folder: string;
let address: string;
let server: ChildProcess | undefined;

test.beforeEach(async () => {
  expect(existsSync(binary('app-next')), 'scripts/readme-app.sh builds both').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'deploy-'));
  writeFileSync(join(folder, 'Cargo.toml'), '[package.metadata.leptos]\noutput-name = "ten-posts"\n');
  address = `127.0.0.1:${await freePort()}`;
  // As old as what has been deployed for a while: browsers take such files for fresh if nobody says
  // otherwise.
  let days = 60;
  for (const version of ['app', 'app-next'] as Version[]) {
    cpSync(built(version), site(version), { recursive: true });
    days -= 20;
    const then = new Date(Date.now() - days * 86_400_000);
    for (const file of readdirSync(join(site(version), 'pkg'))) {
      utimesSync(join(site(version), 'pkg', file), then, then);
    }
  }
});

/** What a version serves. */
function site(version: Version): string {
  return join(folder, version);
}

test.afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The server of a version, perhaps with the wasm of another: a page that comes out of a cache. */
async function start(version: Version, pages = version): Promise<void> {
  const env = { ...process.env, LEPTOS_SITE_ADDR: address, LEPTOS_SITE_ROOT: site(pages) };
  const started = spawn(binary(version), { cwd: folder, env });
  server = started;
  await new Promise<void>((resolve, reject) => {
    started.stdout.on('data', (text) => String(text).includes('listening') && resolve());
    started.on('error', reject);
    started.on('exit', (code) => reject(new Error(`the app ended with ${code}`)));
  });
}

async function stop(): Promise<void> {
  if (!server || server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}

async function open(page: Page): Promise<() => number> {
  let loads = 0;
  page.on('load', () => (loads += 1));
  await page.clock.install();
  await page.goto(`http://${address}/`);
  return () => loads;
}

test('over a deploy and back a page loads itself once each, and what was there is there', async ({ page }) => {
  await start('app');
  const loads = await open(page);
  await page.waitForSelector('html[data-hydrated]');
  const posts = page.locator('li');
  await page.getByRole('button', { name: 'Fetch ten posts' }).click();
  await expect(posts.nth(1)).toHaveText('Post 2');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Fetch ten posts' })).toBeEnabled();
  const count = await posts.count();
  await stop();

  await start('app-next');
  const likes = page.getByRole('button', { name: /likes/ });
  await expect(likes).toHaveText('0 likes');
  await page.waitForSelector('html[data-hydrated]');
  await expect(posts).toHaveCount(count);
  await likes.click();
  await expect(likes).toHaveText('1 likes');
  expect(loads()).toBe(2);
  await page.clock.fastForward(SOME_TIME_MS);
  await stop();

  await start('app');
  await expect(likes).toHaveCount(0);
  await page.waitForSelector('html[data-hydrated]');
  await expect(posts).toHaveCount(count);
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(posts).toHaveCount(0);
  expect(loads()).toBe(3);
});

test('a page that was open before a deploy runs what the server brings, and asks for it no more than it must', async ({
  page,
}) => {
  await start('app');
  const script = `http://${address}/pkg/ten-posts.js`;
  await open(page);
  await page.waitForSelector('html[data-hydrated]');
  const first = await fetch(script);
  const modified = first.headers.get('last-modified') ?? '';
  expect(first.headers.get('cache-control')).toBe('no-cache');
  // What a page asks for has a name of its own, under which nothing else is ever given out.
  const html = await (await fetch(`http://${address}/`)).text();
  const named = html.match(/\/pkg\/ten-posts\.[0-9a-f]{16}\.js/)?.[0] ?? '';
  const kept = await fetch(`http://${address}${named}`);
  expect(kept.headers.get('cache-control')).toContain('immutable');
  expect(await kept.text()).toBe(await first.clone().text());
  const again = await fetch(script, { headers: { 'if-modified-since': modified } });
  expect([again.status, (await again.text()).length]).toEqual([304, 0]);
  await page.goto('about:blank');
  await stop();
  await start('app-next');
  expect((await fetch(script, { headers: { 'if-modified-since': modified } })).status).toBe(200);
  await page.goto(`http://${address}/`);
  await page.waitForSelector('html[data-hydrated]');
  const likes = page.getByRole('button', { name: /likes/ });
  await likes.click();
  await expect(likes).toHaveText('1 likes');
});

const likesIt = async (page: Page) => {
  const likes = page.getByRole('button', { name: /likes/ });
  await expect(likes).toHaveText('0 likes');
  await page.waitForSelector('html[data-hydrated]');
  await likes.click();
  await expect(likes).toHaveText('1 likes');
};

test('a page whose scripts have gone when it asks for them loads itself again, and lives', async ({
  page,
}) => {
  await start('app');
  let loads = 0;
  page.on('load', () => (loads += 1));
  let goOn = () => {};
  const isDeployed = new Promise<void>((resolve) => (goOn = resolve));
  await page.route('**/pkg/*.{js,wasm}', async (route) => {
    await isDeployed;
    await route.continue();
  });
  await page.goto(`http://${address}/`, { waitUntil: 'commit' });
  await expect(page.getByRole('button', { name: 'Fetch ten posts' })).toBeVisible();
  await stop();
  await start('app-next');
  goOn();
  await likesIt(page);
  expect(loads).toBeLessThanOrEqual(2);
  expect(await page.evaluate(() => sessionStorage.getItem('undercurrent-tries'))).toBe(null);
});

test('a page of a server whose files are the next ones already lives when that has started', async ({
  page,
}) => {
  await start('app');
  cpSync(site('app-next'), site('app'), { recursive: true, preserveTimestamps: true });
  await page.goto(`http://${address}/`);
  await expect(page.getByRole('button', { name: 'Fetch ten posts' })).toBeVisible();
  const tries = () => page.evaluate(() => Number(sessionStorage.getItem('undercurrent-tries')));
  await expect.poll(() => tries().catch(() => 0)).toBeGreaterThan(1);
  // The views of the one do not take up what those of the other have made.
  await expect(page.locator('html[data-hydrated], html[data-panicked]')).toHaveCount(0);
  await stop();
  await start('app-next', 'app');
  await likesIt(page);
});

for (const [server, pages] of [
  ['app-next', 'app'],
  ['app', 'app-next'],
] as [Version, Version][]) {
  test(`a page of ${pages} that a cache gives out beside the server of ${server} does not load itself for ever`, async ({
    page,
  }) => {
    await start(server, pages);
    const loads = await open(page);
    // It may be that nothing of it lives: its nodes are not those of the other's.
    for (let pass = 0; pass < 10; pass++) {
      await page.clock.fastForward(SOME_TIME_MS / 20);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    expect(loads()).toBeLessThanOrEqual(2);
    await expect(page.getByRole('button', { name: 'Fetch ten posts' })).toBeVisible();
  });
}
