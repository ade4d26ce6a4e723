import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { expect, type Page, test as base } from '@playwright/test';

// The real server, on a free port of its own, for each test.
const test = base.extend<{ url: string }>({
  url: async ({}, use) => {
    const port = await freePort();
    const server = spawn('target/debug/gallery', {
      cwd: '..',
      env: { ...process.env, LEPTOS_SITE_ADDR: `127.0.0.1:${port}`, UPSTREAM_FAULTS: '3=500*1' },
    });
    await listening(server);
    await use(`http://127.0.0.1:${port}`);
    server.kill('SIGKILL');
  },
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function listening(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    server.stdout!.on('data', (text) => String(text).includes('listening') && resolve());
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

async function open(page: Page, url: string) {
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${url}/posts`);
  await page.waitForSelector('html[data-hydrated]');
  return problems;
}

const region = (page: Page, name: string) => page.getByRole('region', { name });

for (const [name, least, most] of [
  ['Chained events', 300, Infinity],
  ['Background task', 0, 50],
] as const) {
  test(`${name}: ten posts, in order; clicks take ${least} to ${most} ms`, async ({ page, url }) => {
    const problems = await open(page, url);
    const part = region(page, name);
    await part.getByRole('button', { name: 'Fetch ten posts' }).click();
    for (const posts of [2, 4, 6]) {
      await expect(part.locator('article').nth(posts - 1)).toBeVisible();
      await page.getByRole('button', { name: 'Count' }).click();
    }
    await expect(part.locator('article')).toHaveCount(10, { timeout: 20_000 });
    await expect(part.locator('.status')).toHaveAttribute('data-status', 'done');
    await expect(part.locator('.click-times')).toHaveAttribute('data-clicks', '3');
    const ids = await part.locator('article').evaluateAll((all) => all.map((a) => a.dataset.id));
    expect(ids).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    const worst = Number(await part.locator('.click-times').getAttribute('data-worst-ms'));
    expect(worst).toBeGreaterThanOrEqual(least);
    expect(worst).toBeLessThanOrEqual(most);
    // One failed; the others went on, and it can be tried again.
    const failed = part.locator('article[data-state=failed]');
    await expect(failed).toContainText('the upstream answered 500');
    await failed.getByRole('button', { name: 'Retry' }).click();
    await expect(part.locator('article[data-state=here]')).toHaveCount(10);
    expect(problems).toEqual([]);
  });
}

test('a reload midway shows the posts so far, and the rest streams in', async ({ page, url }) => {
  const problems = await open(page, url);
  const part = region(page, 'Background task');
  await part.getByRole('button', { name: 'Fetch ten posts' }).click();
  await expect(part.locator('article').nth(3)).toBeVisible();
  const html = await (await page.reload())!.text();
  expect(html.match(/<article/g)!.length).toBeGreaterThanOrEqual(4);
  await expect(part.locator('article')).toHaveCount(10, { timeout: 20_000 });
  await expect(part.locator('.status')).toHaveAttribute('data-status', 'done');
  await expect(part.locator('article')).toHaveCount(10);
  expect(problems).toEqual([]);
});

test('stop ends the task, and a second tab shows the same', async ({ page, url, context }) => {
  await open(page, url);
  const second = await context.newPage();
  await open(second, url);
  const part = region(page, 'Background task');
  await part.getByRole('button', { name: 'Fetch ten posts' }).click();
  await expect(part.locator('article').nth(1)).toBeVisible();
  await part.getByRole('button', { name: 'Stop' }).click();
  await expect(part.locator('.status')).toHaveAttribute('data-status', 'stopped');
  const count = await part.locator('article').count();
  expect(count).toBeLessThan(10);
  await expect(region(second, 'Background task').locator('article')).toHaveCount(count);
});

test('without JavaScript the buttons work as forms', async ({ browser, url }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${url}/posts`);
  await page.getByRole('button', { name: 'Count' }).click();
  await expect(page.locator('.clicks-value')).toHaveText('1');
  await region(page, 'Background task').getByRole('button', { name: 'Fetch ten posts' }).click();
  await expect(region(page, 'Background task').locator('.status')).toHaveAttribute('data-status', 'running');
  await context.close();
});
