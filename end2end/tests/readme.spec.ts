// The README's app, as scripts/readme-app.sh took it out and built it.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { freePort } from './support/server';

const folder = '../target/readme-app';
let server: ChildProcess;
let url: string;

test.beforeAll(async () => {
  expect(existsSync(`${folder}/site/pkg`), 'scripts/readme-app.sh builds it').toBe(true);
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}/`;
  const env = { ...process.env, LEPTOS_SITE_ADDR: address, LEPTOS_SITE_ROOT: 'site' };
  server = spawn('../debug/ten-posts', { cwd: folder, env });
  await new Promise<void>((resolve, reject) => {
    server.stdout?.on('data', (text) => String(text).includes('listening') && resolve());
    server.on('error', reject);
    server.on('exit', (code) => reject(new Error(`the app ended with ${code}`)));
  });
});

test.afterAll(() => void server.kill('SIGKILL'));

test('its buttons do what they say', async ({ page }) => {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // It has no icon for its tab, and the browser says so.
    const isIcon = message.location().url.endsWith('/favicon.ico');
    if (message.type() === 'error' && !isIcon) problems.push(message.text());
  });
  await page.goto(url);
  await page.waitForSelector('html[data-hydrated]');
  const posts = page.locator('li');
  const fetch = page.getByRole('button', { name: 'Fetch ten posts' });
  await fetch.click();
  await expect(posts.nth(1)).toHaveText('Post 2');
  await expect(posts.first()).toHaveText('Post 1');
  await expect(fetch).toBeDisabled();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(fetch).toBeEnabled();
  await page.reload();
  await expect(posts.first()).toHaveText('Post 1');
  await page.waitForSelector('html[data-hydrated]');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(posts).toHaveCount(0);
  await fetch.click();
  await expect(posts).toHaveCount(10, { timeout: 20_000 });
  expect(problems).toEqual([]);
});
