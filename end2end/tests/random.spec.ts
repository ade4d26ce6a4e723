// Random numbers, by both styles, one running at a time.

import { type Locator, type Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { Tray, expectNoLoss, open, ready } from './support/page';

const STYLES = ['Chained events', 'Background task'] as const;

function parts(page: Page) {
  const controls = page.getByRole('region', { name: 'Controls' });
  const region = (name: string) => {
    const own = page.getByRole('region', { name, exact: true });
    const button = (name: string) => own.getByRole('button', { name, exact: true });
    return {
      status: own.locator('.status'),
      run: button('Run'),
      stop: button('Stop'),
      step: button('Single step'),
      hint: own.locator('.hint'),
    };
  };
  return {
    region,
    total: controls.locator('.total'),
    hint: controls.locator('.hint'),
    clear: controls.getByRole('button', { name: 'Clear' }),
    balance: controls.getByRole('button', { name: 'Balance' }),
    ends: controls.locator('.span-end'),
    low: controls.getByRole('slider', { name: 'The least number' }),
    high: controls.getByRole('slider', { name: 'The greatest number' }),
    values: async () => {
      const text = (await controls.locator('.values').innerText()).replaceAll('−', '-');
      return text === 'none yet' ? [] : text.split(', ').map(Number);
    },
    sum: async () => Number((await controls.locator('.total').innerText()).replace('−', '-')),
  };
}

const sumOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0);

for (const name of STYLES) {
  const other = STYLES.find((style) => style !== name)!;

  test(`${name}: a single step draws one number of the range, and adds it up`, async ({ page }) => {
    await open(page, '/random');
    const random = parts(page);
    const own = random.region(name);
    await own.step.click();
    await expect(random.region(other).run).toBeDisabled();
    await expect.poll(async () => (await random.values()).length).toBe(1);
    await expect(own.status).toHaveAttribute('data-status', 'done');
    const [value] = await random.values();
    expect(Math.abs(value)).toBeLessThanOrEqual(10);
    await expect.poll(random.sum).toBe(value);
    await expect(random.region(other).run).toBeEnabled();
    await expectNoLoss(page);
  });

  test(`${name}: a run draws until it is stopped, over a reload and in a second tab`, async ({
    page,
    context,
  }) => {
    await open(page, '/random');
    const random = parts(page);
    const own = random.region(name);
    // Slow enough that the last ten are all of them.
    await page.getByRole('button', { name: '4 s' }).click();
    await expect(page.getByRole('button', { name: '4 s' })).toHaveAttribute('aria-pressed', 'true');
    await own.run.click();
    await expect.poll(async () => (await random.values()).length).toBeGreaterThan(0);
    await page.reload();
    await ready(page);
    await expect(own.status).toHaveAttribute('data-status', 'running');
    const before = (await random.values()).length;
    await expect.poll(async () => (await random.values()).length).toBeGreaterThan(before);
    const second = await context.newPage();
    await open(second, '/random');
    await parts(second).region(name).stop.click();
    await expect(own.run).toBeEnabled();
    await expect(random.region(other).run).toBeEnabled();
    expect(await random.sum()).toBe(sumOf(await random.values()));
    await expectNoLoss(page);
  });
}

test('Chained events: Clear waits for the step; Background task: it does not', async ({ page }) => {
  await open(page, '/random');
  const random = parts(page);
  // A step of four seconds, so that it is surely under way.
  await page.getByRole('button', { name: '4 s' }).click();
  await expect(page.getByRole('button', { name: '4 s' })).toHaveAttribute('aria-pressed', 'true');
  await random.region('Chained events').step.click();
  await expect(random.region('Chained events').status).toHaveAttribute('data-status', 'running');
  await random.clear.click();
  await expect(random.hint).toContainText('Clear waits for the running step');
  // It ends behind the step, whose number it takes away again.
  await expect(random.hint).toHaveText('');
  expect((await random.values()).length).toBe(1);
  await expect(random.total).toHaveText('0');

  await random.region('Background task').step.click();
  await expect(random.region('Background task').status).toHaveAttribute('data-status', 'running');
  await random.balance.click();
  const times = page.getByRole('region', { name: 'Background task' }).locator('.click-times');
  await expect(times).toHaveAttribute('data-clicks', '1');
  // Answered while the step was under way.
  expect((await random.values()).length).toBe(1);
});

for (const name of STYLES) {
  test(`${name}: Stop lets the step under way draw its number, and no other`, async ({ page }) => {
    await open(page, '/random');
    const random = parts(page);
    const own = random.region(name);
    await page.getByRole('button', { name: '2 s', exact: true }).click();
    await expect(page.getByRole('button', { name: '2 s', exact: true })).toHaveAttribute('aria-pressed', 'true');
    await own.run.click();
    await expect.poll(async () => (await random.values()).length, { timeout: 20_000 }).toBe(1);
    await own.stop.click();
    await expect(own.run).toBeEnabled({ timeout: 20_000 });
    await expect(own.status).toHaveAttribute('data-status', /done|stopped/);
    await expect.poll(async () => (await random.values()).length).toBe(2);
    // A step that went on would be among those that are drawn next, one by one.
    await own.step.click();
    await expect.poll(async () => (await random.values()).length, { timeout: 20_000 }).toBe(3);
    await expect(own.run).toBeEnabled();
    expect(await random.values()).toHaveLength(3);
    await expect.poll(random.sum).toBe(sumOf(await random.values()));
  });
}

test('the range follows its thumbs, balances, and holds for what is drawn', async ({ page }) => {
  await open(page, '/random');
  const random = parts(page);
  await random.high.fill('-50');
  // One thumb takes the other along.
  await expect(random.ends).toHaveText(['−50', '−50']);
  await page.reload();
  await ready(page);
  await expect(random.ends).toHaveText(['−50', '−50']);
  await random.region('Background task').step.click();
  await expect.poll(random.values).toEqual([-50]);
  await random.balance.click();
  await expect(random.ends).toHaveText(['−50', '50']);
});

test('stopped and begun again within a step, one loop draws', async ({ page }) => {
  await open(page, '/random');
  const random = parts(page);
  const own = random.region('Background task');
  const tray = new Tray(page);
  await own.run.click();
  await expect(tray.count).toContainText('1');
  for (let again = 0; again < 3; again++) {
    await own.stop.click();
    await expect(own.stop).toBeDisabled();
    await expect(own.run).toBeEnabled();
    await own.run.click();
    await expect(own.stop).toBeEnabled();
  }
  await tray.open();
  await expect(tray.row('random/numbers').locator('[data-status=running]')).toHaveCount(1);
  await tray.row('random/numbers').getByRole('button', { name: /^Cancel/ }).click();
  await expect(tray.count).toContainText('0');
  await expect(own.run).toBeEnabled();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  /** Presses a button that posts its form, and is back on the page. */
  async function press(page: Page, button: Locator) {
    const posted = page.waitForResponse((response) => response.request().method() === 'POST');
    await button.click();
    expect((await posted).status()).toBe(303);
    await page.waitForLoadState();
    expect(new URL(page.url()).pathname).toBe('/random');
  }

  test('the thumbs are set by a button, and everything else is a form', async ({ page }) => {
    await page.goto('/random');
    const random = parts(page);
    const set = page.getByRole('button', { name: 'Set', exact: true });
    await random.low.fill('-7');
    await random.high.fill('3');
    await press(page, set);
    await expect(random.ends).toHaveText(['−7', '3']);
    await expect(random.low).toHaveValue('-7');
    // Thumbs that have passed each other.
    await random.low.fill('20');
    await press(page, set);
    await expect(random.ends).toHaveText(['3', '20']);
    await press(page, random.balance);
    await expect(random.ends).toHaveText(['−20', '20']);
    await press(page, page.getByRole('button', { name: '2 s' }));
    await expect(page.getByRole('button', { name: '2 s' })).toHaveAttribute('aria-pressed', 'true');
    const own = random.region('Background task');
    await press(page, own.step);
    const hasDrawn = async () => (await page.reload(), (await random.values()).length);
    await expect.poll(hasDrawn, { timeout: 20_000, intervals: [200] }).toBe(1);
    await press(page, random.clear);
    await expect(random.total).toHaveText('0');
  });
});

test('with JavaScript the thumbs need no button', async ({ page }) => {
  await open(page, '/random');
  await expect(page.getByRole('button', { name: 'Set', exact: true })).toBeHidden();
});

test('a thumb stays in the hand, whatever comes from the server meanwhile', async ({ page, context }) => {
  await open(page, '/random');
  const random = parts(page);
  const second = await context.newPage();
  await open(second, '/random');
  const hold = (value: string) =>
    random.low.evaluate((low: HTMLInputElement, value) => {
      low.value = value;
      low.dispatchEvent(new Event('input', { bubbles: true }));
    }, value);
  await hold('-3');
  await expect(random.ends.first()).toHaveText('−3');
  await parts(second).low.press('Home');
  await parts(second).high.press('Home');
  await expect(parts(second).ends.last()).toHaveText('−100');
  // What comes after it has come, so it has, too.
  await parts(second).region('Background task').step.click();
  await expect.poll(random.values).toHaveLength(1);
  await expect(random.ends.first()).toHaveText('−3');
  await random.low.dispatchEvent('blur');
  await expect(random.ends.last()).toHaveText('−100');
  await expect(random.ends.first()).toHaveText('−100');
  await expectNoLoss(page);
});
