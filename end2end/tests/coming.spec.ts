// A page that is led to before its state has come: outlines of what may be there, and never a word
// that there is nothing. And a page that is not connected.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open, ready } from './support/page';
import { forget } from './support/record';

/** Leads to a page within the app; what its stream brings waits until it is let through. */
async function led(page: Page, name: string): Promise<() => void> {
  let letThrough = () => {};
  const isLet = new Promise<void>((resolve) => (letThrough = resolve));
  await page.route('**/api/stream*', async (route) => {
    await isLet;
    await route.continue();
  });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  return letThrough;
}

test('the monitor has an outline in place of cards that have not come', async ({ page }) => {
  await open(page, '/monitor');
  for (const id of [1, 2]) {
    await page.getByRole('button', { name: 'Watch', exact: true }).click();
    await expect(page.getByRole('article', { name: `Product ${id}`, exact: true })).toContainText(/\d ms/);
  }
  const high = (await page.getByRole('article').first().boundingBox())?.height;
  await open(page, '/posts');
  const letThrough = await led(page, 'Monitor');
  const outline = page.locator('.no-endpoints.coming');
  await expect(outline).toBeVisible();
  expect((await outline.boundingBox())?.height).toBe(high);
  await expect(page.getByText('Nothing is watched.')).toHaveCount(0);
  letThrough();
  await expect(page.getByRole('article')).toHaveCount(2);
  await expect(outline).toHaveCount(0);
  await expect(page.getByText('Nothing is watched.')).toHaveCount(0);
});

test('where nothing is, it is said once that is known', async ({ page }) => {
  await open(page, '/posts');
  const letThrough = await led(page, 'Lorem');
  await expect(page.locator('.no-streams.coming')).toBeVisible();
  await expect(page.getByText('The streams will stand here')).toHaveCount(0);
  letThrough();
  await expect(page.getByText('The streams will stand here')).toBeVisible();
  await expect(page.locator('.no-streams.coming')).toHaveCount(0);
});

test('the dashboard has its parts, and its readings come', async ({ page }) => {
  await open(page, '/posts');
  const letThrough = await led(page, 'Dashboard');
  await expect(page.locator('.parts.coming')).toBeVisible();
  await expect(page.getByText('No line yet.')).toHaveCount(0);
  const memory = page.getByRole('article', { name: 'Memory' });
  const place = await memory.boundingBox();
  letThrough();
  await expect(page.locator('.parts.coming')).toHaveCount(0);
  await expect(memory.locator('.meter-now')).toHaveText(/^[1-9]\d*\.\d MB$/);
  await expect(page.getByText('No line yet.')).toBeVisible();
  expect(await memory.boundingBox()).toEqual(place);
});

/** What comes to a page that was led to moves nothing. */
async function expectStill(page: Page, comes: () => Promise<unknown>): Promise<void> {
  await forget(page);
  await comes();
  expect(await page.evaluate(() => window.layoutShift)).toBeLessThanOrEqual(0.02);
}

for (const [size, viewport] of Object.entries({
  desktop: { width: 1280, height: 800 },
  phone: { width: 360, height: 780 },
})) {
  test.describe(size, () => {
    test.use({ viewport });

    test('the assistant says what to do once it is known that nothing was asked', async ({ page }) => {
      const said = page.getByText('Ask something, and the answer stands here');
      await open(page, '/posts');
      const letThrough = await led(page, 'Assistant');
      await expect(page.getByRole('region', { name: 'What was said' })).toBeVisible();
      await expect(said).toHaveCount(0);
      const ask = page.getByRole('button', { name: 'Ask', exact: true });
      await expect(ask).toBeDisabled();
      await expectStill(page, async () => {
        letThrough();
        await expect(said).toBeVisible();
        await expect(ask).toBeEnabled();
      });
    });

    test('the assistant opens the newest conversation, and what was said in it', async ({ page }) => {
      await open(page, '/assistant');
      for (const [at, question] of ['What is a background task?', 'What is a replica?'].entries()) {
        if (at > 0) await page.getByRole('link', { name: 'New conversation' }).click();
        await expect(page.locator(`.talk[data-id="${at + 1}"]`)).toBeVisible();
        await page.getByLabel('Your question').fill(question);
        await page.getByRole('button', { name: 'Ask', exact: true }).click();
        await expect(page.locator('.message.model[data-end=done]')).toHaveCount(1, { timeout: 30_000 });
      }
      await open(page, '/posts');
      const letThrough = await led(page, 'Assistant');
      await expect(page.locator('.no-messages')).toHaveCount(0);
      await expectStill(page, async () => {
        letThrough();
        await expect(page.locator('.message.model[data-end=done]')).toHaveCount(1);
      });
      await expect(page.locator('.message.person')).toHaveText('What is a replica?');
      await expect(page.locator('.no-messages')).toHaveCount(0);
    });

    test('the import says that there is none once that is known', async ({ page }) => {
      await open(page, '/posts');
      const letThrough = await led(page, 'Import');
      const run = page.getByRole('region', { name: 'The import', exact: true });
      const none = [page.getByText('No file yet'), page.getByText('No row yet.'), page.getByText('None.', { exact: true })];
      await expect(run).toHaveClass(/coming/);
      for (const words of none) await expect(words).toBeHidden();
      await expectStill(page, async () => {
        letThrough();
        for (const words of none) await expect(words).toBeVisible();
      });
      await expect(run).not.toHaveClass(/coming/);
    });

    test('an import that is there is never said not to be', async ({ page }) => {
      await open(page, '/import');
      await page.getByRole('button', { name: '1,000 rows' }).click();
      await page.getByRole('button', { name: 'e-mail', exact: true }).click();
      await expect(page.locator('.import-words')).toHaveText('All of it is read.', { timeout: 30_000 });
      await open(page, '/posts');
      const letThrough = await led(page, 'Import');
      await expect(page.locator('.import-words')).toHaveText('');
      await expect(page.getByText('No row yet.')).toBeHidden();
      await expectStill(page, async () => {
        letThrough();
        await expect(page.locator('.import-words')).toHaveText('All of it is read.');
        await expect(page.locator('.import-last, [aria-label="The last rows"] .log-line').first()).toBeVisible();
      });
    });

    test('the report says that nothing was asked for once that is known', async ({ page }) => {
      await open(page, '/posts');
      const letThrough = await led(page, 'Report');
      await expect(page.locator('.cell').first()).toBeVisible();
      const none = [page.locator('.no-cells'), page.getByText('Nothing was asked for yet.'), page.getByText('An overview, the best sellers')];
      for (const words of none) await expect(words).toHaveCount(0);
      await expectStill(page, async () => {
        letThrough();
        for (const words of none) await expect(words).toBeVisible();
      });
    });

    test('a room shows no door to who is in it, and is not empty before it is known', async ({ page }) => {
      await open(page, '/room/tea');
      await page.getByLabel('Your name').fill('Ada');
      await page.getByRole('button', { name: 'Enter' }).click();
      await page.getByLabel('Say something').fill('Good morning.');
      await page.getByLabel('Say something').press('Enter');
      await expect(page.locator('.chat-line')).toHaveCount(1);
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Posts' }).click();
      await expect(page).toHaveURL('/posts');
      await page.reload();
      await ready(page);
      const letThrough = await led(page, 'Room');
      await expect(page.locator('.room-none.coming')).toBeVisible();
      await expect(page.getByText('The rooms that you have entered')).toHaveCount(0);
      await page.goBack();
      await page.goBack();
      await expect(page).toHaveURL('/room/tea');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('tea');
      await expect(page.getByText('The door of tea')).toHaveCount(0);
      await page.evaluate(() => {
        const noted = window as unknown as { doubts: string[] };
        noted.doubts = [];
        const doubts = /The door of|Nobody has said|0 people/g;
        const look = () => noted.doubts.push(...(document.body.innerText.match(doubts) ?? []));
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      });
      letThrough();
      await expect(page.locator('.chat-line')).toHaveCount(1);
      await expect(page.locator('.room-here')).toHaveText('1 person is here');
      expect(await page.evaluate(() => (window as unknown as { doubts: string[] }).doubts)).toEqual([]);
    });
  });
}

test('offline: what was clicked is marked and counted, and the page looks it', async ({
  page,
  context,
  problems,
}) => {
  await open(page, '/monitor');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  const card = page.getByRole('article', { name: 'Product 1' });
  await expect(card).toContainText(/\d ms/);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  const banner = page.locator('.banner');
  await expect(banner).toContainText('You are offline.');
  await expect(banner.locator('.banner-waits')).toHaveText('');
  await expect(page.locator('main')).toHaveClass('offline');
  await expect(page.locator('form.waits')).toHaveCount(0);
  const form = (name: string) => card.locator('form', { has: page.getByRole('button', { name, exact: true }) });
  await card.getByRole('button', { name: 'Pause product 1' }).click();
  await expect(form('Pause product 1')).toHaveClass('waits');
  await expect(banner.locator('.banner-waits')).toHaveText('1 click waits.');
  await card.getByRole('button', { name: 'Every 5 s' }).click();
  await expect(form('Every 5 s')).toHaveClass('waits');
  await expect(form('Every 2 s')).not.toHaveClass('waits');
  await expect(banner.locator('.banner-waits')).toHaveText('2 clicks wait.');
  await context.setOffline(false);
  await expect(card.locator('.status')).toHaveAttribute('data-status', 'paused');
  await expect(card.getByRole('button', { name: 'Every 5 s' })).toHaveAttribute('aria-pressed', 'true');
  await expect(banner).toHaveCount(0);
  await expect(page.locator('form.waits')).toHaveCount(0);
  await expect(page.locator('main')).not.toHaveClass('offline');
});

test('a break of less than 1.5 s shows nothing, not even to who listens; a longer one does', async ({
  page,
  context,
  problems,
}) => {
  await page.clock.install();
  await open(page, '/monitor');
  // Its stream is there.
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await expect(page.getByRole('article', { name: 'Product 1' })).toContainText(/\d ms/);
  problems.expectNetworkErrors();
  const notices = page.locator('.notices');
  const calls = page.getByRole('article', { name: 'Product 1' }).locator('.endpoint-calls');
  const stop = async () => page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
  await stop();
  await context.setOffline(true);
  await page.clock.runFor(1_400);
  await expect(notices).toHaveText('');
  const back = page.waitForResponse(/\/api\/stream/);
  await context.setOffline(false);
  await back;
  // Its new stream brings something.
  const before = await calls.innerText();
  await expect(calls).not.toHaveText(before);
  await page.clock.runFor(3_000);
  await expect(notices).toHaveText('');
  await expect(page.locator('main')).not.toHaveClass('offline');
  await context.setOffline(true);
  await page.clock.runFor(1_600);
  await expect(notices).toContainText('You are offline.');
  await expect(page.locator('main')).toHaveClass('offline');
  await page.clock.resume();
  await context.setOffline(false);
  await expect(notices).toHaveText('');
});
