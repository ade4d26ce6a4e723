// The report: so many products at once, each asked for once, whatever happens to the page, the task
// or the server; then the sections, in words that the test computes for itself.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test, records } from './support/books';
import { test as gallery } from './support/gallery';
import { Tray, answerTo, expectNoLoss, open, ready } from './support/page';

const ALL = records.length;
const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const cells = (page: Page, stage: string) => page.locator(`.cell[data-stage="${stage}"]`);
const cell = (page: Page, id: number) => page.locator(`.cell[data-id="${id}"]`);
const status = (page: Page) => page.locator('.report-controls .status');
const section = (page: Page, title: string) => page.getByRole('article', { name: title, exact: true });
const slider = (page: Page) => page.getByRole('slider', { name: 'At once' });
const euros = (value: number) => `€ ${Math.round(value).toLocaleString('en-US')}`;
const sold = ({ months }: { months: number[] }) => months.reduce((sum, units) => sum + units, 0);
const revenue = (ids: number[]) =>
  records
    .filter(({ id }) => ids.includes(id))
    .reduce((sum, one) => sum + one.price * (sold(one) - one.returned), 0);
const allIds = records.map(({ id }) => id);

async function expectStatus(page: Page, name: string): Promise<void> {
  await expect(status(page)).toHaveAttribute('data-status', name, { timeout: 30_000 });
}

/** An event that the server has acknowledged: whatever was committed before it is on its disk. */
async function acknowledged(page: Page): Promise<void> {
  const answered = answerTo(page, /^report\/set_at_once!/);
  await slider(page).focus();
  await page.keyboard.press('ArrowRight');
  expect((await answered).status()).toBe(202);
}

test('so many are asked for at once as the slider says, from the next product on', async ({ page, books }) => {
  await open(page, '/report');
  await expect(page.locator('.no-cells')).toBeVisible();
  await named(page, 'Make the report').click();
  await books.expectAsked(4);
  await expect(cells(page, 'asked')).toHaveCount(4);
  await expect(cells(page, 'waiting')).toHaveCount(ALL - 4);
  books.let(3);
  await books.expectAsked(7);
  await expect(cells(page, 'done')).toHaveCount(3);
  expect(books.most).toBe(4);
  // More at once: they begin at once.
  await slider(page).fill('9');
  await books.expectAsked(12);
  await expect(cells(page, 'asked')).toHaveCount(9);
  // Fewer: those under way go on, and no other begins.
  await slider(page).fill('2');
  await expect(page.locator('.slider b')).toHaveText('2');
  await page.reload();
  await ready(page);
  await expect(slider(page)).toHaveValue('2');
  books.let(7);
  await expect(cells(page, 'done')).toHaveCount(10);
  expect([books.asked.length, books.open]).toEqual([12, 2]);
  books.let(1);
  await books.expectAsked(13);
  expect(books.open).toBe(2);
  expect(books.most).toBe(9);
  books.letAll();
  await expectStatus(page, 'done');
  expect([...books.asked].sort((a, b) => a - b)).toEqual(allIds);
  expect(books.lists).toBe(1);
  await expectNoLoss(page);
});

test('cells tell what came, and the sections what it comes to', async ({ page, books }) => {
  books.letAll();
  await open(page, '/report');
  await named(page, 'Make the report').click();
  await expect(cells(page, 'done')).toHaveCount(ALL);
  for (const one of records) {
    await expect(cell(page, one.id)).toContainText(one.name);
    await expect(cell(page, one.id)).toContainText(euros(revenue([one.id])));
    const returns = ((one.returned * 100) / sold(one)).toFixed(1);
    await expect(cell(page, one.id)).toContainText(`${returns} % came back`);
  }
  await expectStatus(page, 'done');
  const overview = section(page, 'Overview');
  await expect(overview).toContainText(`40 of 40 products brought ${euros(revenue(allIds))} in twelve months.`);
  const units = records.reduce((sum, one) => sum + sold(one), 0);
  await expect(overview).toContainText(`${units.toLocaleString('en-US')} units were sold`);
  // Each category once, and its revenue.
  const categories = [...new Set(records.map(({ category }) => category))];
  await expect(overview.locator('tbody tr')).toHaveCount(categories.length);
  for (const category of categories) {
    const own = records.filter((one) => one.category === category).map(({ id }) => id);
    await expect(overview.locator('tr', { hasText: category })).toContainText(euros(revenue(own)));
  }
  const best = [...records].sort((a, b) => revenue([b.id]) - revenue([a.id])).slice(0, 5);
  const sellers = section(page, 'Best sellers').locator('li');
  await expect(sellers).toHaveCount(5);
  for (const [place, { name }] of best.entries()) await expect(sellers.nth(place)).toContainText(name);
  const problems = records.filter((one) => {
    const stars = one.stars.reduce((sum, count, at) => sum + count * (at + 1), 0);
    const ratings = one.stars.reduce((sum, count) => sum + count, 0);
    return one.returned * 10 >= sold(one) || stars / ratings < 3.5;
  });
  expect(problems.length).toBeGreaterThan(2);
  await expect(section(page, 'Problems').locator('li')).toHaveCount(problems.length);
  for (const { id, name } of problems) {
    await expect(section(page, 'Problems')).toContainText(name);
    await expect(cell(page, id).locator('.verdict')).toHaveText('Problem');
  }
  await expect(section(page, 'Recommendations')).toContainText('Talk to the makers');
  await expect(page.locator('#report-notes')).toHaveText('All of it is here.');
});

test('what does not come says why and has a Retry of its own; what it changes is written anew', async ({
  page,
  books,
}) => {
  books.fail(7, 31);
  books.letAll();
  await open(page, '/report');
  await named(page, 'Make the report').click();
  await expectStatus(page, 'done');
  await expect(cells(page, 'failed')).toHaveCount(2);
  await expect(cell(page, 7)).toContainText('the upstream answered 500');
  const overview = section(page, 'Overview');
  await expect(overview).toContainText('38 of 40 products');
  await expect(overview).toContainText('Not in these figures: Day Hiker 22 L Pack and Leather Hiking Boots.');
  await expect(section(page, 'Recommendations')).toContainText('Ask again for');
  // It may fail again.
  await named(page, 'Retry Day Hiker 22 L Pack').click();
  await expect.poll(() => books.times(7)).toBe(2);
  await expect(cell(page, 7)).toContainText('the upstream answered 500');
  books.repair();
  await named(page, 'Retry Leather Hiking Boots').click();
  await expect(cell(page, 31)).toHaveAttribute('data-stage', 'done');
  await expect(overview).toContainText('39 of 40 products');
  await expect(overview).toContainText('Not in these figures: Day Hiker 22 L Pack.');
  // It is the best seller, or nearly.
  await expect(section(page, 'Best sellers')).toContainText('Leather Hiking Boots');
  await named(page, 'Retry Day Hiker 22 L Pack').click();
  await expect(overview).toContainText(`40 of 40 products brought ${euros(revenue(allIds))}`);
  await expect(overview).not.toContainText('Not in these figures');
  await expect(section(page, 'Recommendations')).not.toContainText('Ask again for');
  expect([books.times(7), books.times(31)]).toEqual([3, 2]);
  expect(books.asked).toHaveLength(ALL + 3);
  await expectNoLoss(page);
});

test('a Retry in the middle of the run does not wait for it', async ({ page, books }) => {
  books.fail(1);
  await open(page, '/report');
  await named(page, 'Make the report').click();
  await books.letOne(1);
  await expect(cell(page, 1)).toHaveAttribute('data-stage', 'failed');
  await books.expectAsked(5);
  books.repair();
  await named(page, 'Retry Two-Person Tunnel Tent').click();
  await books.expectAsked(6);
  await expect(cell(page, 1)).toContainText('asked again');
  books.letAll();
  await expect(cell(page, 1)).toHaveAttribute('data-stage', 'done');
  await expectStatus(page, 'done');
  await expect(section(page, 'Overview')).toContainText('40 of 40 products');
  expect(books.asked).toHaveLength(ALL + 1);
});

test('paused nothing is taken, resumed it is; Stop hangs up, and Go on asks for the rest', async ({
  page,
  books,
}) => {
  await open(page, '/report');
  await named(page, 'Make the report').click();
  books.let(6);
  await expect(cells(page, 'done')).toHaveCount(6);
  await books.expectAsked(10);
  await named(page, 'Pause').click();
  await expectStatus(page, 'paused');
  books.let(4);
  await expect.poll(() => books.open).toBe(0);
  // An event that is answered: what was to be shown before it is.
  await acknowledged(page);
  await expect(cells(page, 'done')).toHaveCount(6);
  expect(books.asked).toHaveLength(10);
  await named(page, 'Resume').click();
  await expect(cells(page, 'done')).toHaveCount(10);
  await books.expectAsked(15);
  const underWay = books.asked.slice(10);
  await named(page, 'Stop').click();
  await expectStatus(page, 'stopped');
  await expect.poll(() => books.open).toBe(0);
  await expect(cells(page, 'asked')).toHaveCount(0);
  await expect(cells(page, 'done')).toHaveCount(10);
  await expect(section(page, 'Overview')).toContainText('It is written when all products are settled.');
  books.letAll();
  await named(page, 'Go on').click();
  await expectStatus(page, 'done');
  await expect(cells(page, 'done')).toHaveCount(ALL);
  // Those that the Stop has cut off were asked for again, no other.
  for (const id of allIds) expect(books.times(id), `product ${id}`).toBe(underWay.includes(id) ? 2 : 1);
  expect(books.lists).toBe(1);
});

test('killed in the middle and started again: no product that is here is asked for again', async ({
  page,
  server,
  books,
  problems,
}) => {
  await open(page, '/report');
  await named(page, 'Make the report').click();
  books.let(13);
  await expect(cells(page, 'done')).toHaveCount(13);
  await books.expectAsked(17);
  const here = await cells(page, 'done').evaluateAll((all) =>
    all.map((one) => Number((one as HTMLElement).dataset.id)),
  );
  await acknowledged(page);
  // One more may begin: the slider went up by one.
  await books.expectAsked(18);
  problems.expectNetworkErrors();
  await server.kill();
  const underWay = books.asked.slice(13);
  await expect.poll(() => books.open).toBe(0);
  await server.start();
  // The task goes on by itself, with those that were under way.
  await books.expectAsked(18 + 5);
  await expect(cells(page, 'asked')).toHaveCount(5);
  await expect(cells(page, 'done')).toHaveCount(13);
  books.letAll();
  await expectStatus(page, 'done');
  for (const id of here) expect(books.times(id), `product ${id}`).toBe(1);
  for (const id of allIds) expect(books.times(id), `product ${id}`).toBe(underWay.includes(id) ? 2 : 1);
  expect(books.lists).toBe(1);
  await expect(section(page, 'Overview')).toContainText(`40 of 40 products brought ${euros(revenue(allIds))}`);
  await expectNoLoss(page);
});

test('killed three times, at any moment: the text is written once, and each product is here once', async ({
  page,
  server,
  books,
  problems,
}) => {
  books.letAll();
  await open(page, '/report');
  problems.expectNetworkErrors();
  await named(page, 'Make the report').click();
  const texts = () => page.locator('.report-section .markdown').allInnerTexts();
  await expect(section(page, 'Overview')).toContainText('units were sold');
  await acknowledged(page);
  await server.restart();
  await expect(section(page, 'Best sellers')).toContainText('units');
  await server.restart();
  await expect(section(page, 'Problems')).toContainText('came back');
  await acknowledged(page);
  await server.restart();
  await expectStatus(page, 'done');
  expect(books.asked).toHaveLength(ALL);
  const after = await texts();
  // Another visit writes it without any of that.
  await named(page, 'Make it anew').click();
  await expectStatus(page, 'running');
  await expectStatus(page, 'done');
  expect(await texts()).toEqual(after);
  await expectNoLoss(page);
});

test('a reload in the middle shows all of it, in the HTML; a second tab follows, a stranger sees nothing', async ({
  page,
  context,
  newVisitor,
  books,
}) => {
  books.fail(2);
  await open(page, '/report');
  const second = await context.newPage();
  await open(second, '/report');
  const stranger = await (await newVisitor()).newPage();
  await open(stranger, '/report');
  await named(page, 'Make the report').click();
  books.let(5);
  for (const tab of [page, second]) {
    await expect(cells(tab, 'done')).toHaveCount(4);
    await expect(cells(tab, 'failed')).toHaveCount(1);
  }
  await books.expectAsked(9);
  const html = (await (await page.reload())?.text()) ?? '';
  expect(html.match(/data-stage="done"/g)).toHaveLength(4);
  expect(html).toContain('the upstream answered 500');
  await ready(page);
  await expect(cells(page, 'done')).toHaveCount(4);
  // Moved in one tab, the slider moves in the other.
  await slider(second).fill('6');
  await expect(slider(page)).toHaveValue('6');
  await books.expectAsked(11);
  books.letAll();
  for (const tab of [page, second]) {
    await expectStatus(tab, 'done');
    await expect(section(tab, 'Overview')).toContainText('39 of 40 products');
    await expectNoLoss(tab);
  }
  await expect(stranger.locator('.no-cells')).toBeVisible();
  await expect(cells(stranger, 'none')).toHaveCount(ALL);
});

test('offline: it goes on; back, all that came meanwhile is there', async ({ page, context, books, problems }) => {
  await open(page, '/report');
  await named(page, 'Make the report').click();
  books.let(2);
  await expect(cells(page, 'done')).toHaveCount(2);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(page.locator('.banner')).toContainText(/offline/i);
  books.letAll();
  await books.expectAsked(ALL);
  await context.setOffline(false);
  await expectStatus(page, 'done');
  await expect(cells(page, 'done')).toHaveCount(ALL);
  await expect(page.locator('.banner')).toHaveCount(0);
  await expectNoLoss(page);
});

test('a section that waits says for what', async ({ page, books }) => {
  await open(page, '/report');
  await named(page, 'Make the report').click();
  const recommended = section(page, 'Recommendations');
  await expect(recommended).toContainText('It is written when all products are settled.');
  books.letAll();
  await expect(section(page, 'Overview')).toContainText('units were sold');
  await named(page, 'Pause').click();
  await expectStatus(page, 'paused');
  await expect(recommended).toContainText('It is written when those before it are.');
  await named(page, 'Resume').click();
  await expectStatus(page, 'done');
});

test('a list that does not come is told, and nothing is lost by trying again', async ({ page, books }) => {
  books.closeList(true);
  await open(page, '/report');
  await named(page, 'Make the report').click();
  await expectStatus(page, 'failed');
  const fault = page.locator('.report-controls .fault');
  await expect(fault).toHaveText('The list of products did not come: the upstream answered 500.');
  books.closeList(false);
  books.letAll();
  await named(page, 'Make the report').click();
  await expectStatus(page, 'done');
  await expect(fault).toHaveText('');
  // The one that is here stays, where the next one has no list.
  books.closeList(true);
  await named(page, 'Make it anew').click();
  await expectStatus(page, 'failed');
  await expect(cells(page, 'done')).toHaveCount(ALL);
});

test('Clear drops all of it, in the middle of a run, too', async ({ page, books }) => {
  await open(page, '/report');
  await named(page, 'Make the report').click();
  books.let(3);
  await expect(cells(page, 'done')).toHaveCount(3);
  await named(page, 'Clear').click();
  await expect(cells(page, 'none')).toHaveCount(ALL);
  await expect.poll(() => books.open).toBe(0);
  await expect(page.locator('.no-sections')).toBeVisible();
  await expect(new Tray(page).count).toContainText('0');
  books.letAll();
  await named(page, 'Make the report').click();
  await expectStatus(page, 'done');
  expect(books.lists).toBe(2);
});

test('the report is downloaded as Markdown and as CSV, by this tab alone', async ({ page, context, books }) => {
  books.fail(3);
  books.letAll();
  await open(page, '/report');
  const files = page.locator('.report-files').getByRole('link');
  await expect(files).toHaveCount(0);
  const other = await context.newPage();
  await open(other, '/report');
  let elsewhere = 0;
  other.on('download', () => (elsewhere += 1));
  await named(page, 'Make the report').click();
  await expectStatus(page, 'done');
  const download = async (name: string) => {
    const downloading = page.waitForEvent('download');
    await files.filter({ hasText: name }).click();
    const file = await downloading;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  };
  const markdown = await download('Download Markdown');
  expect(markdown.name).toBe('report.md');
  const titles = [...markdown.text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(['A year of sales', 'Overview', 'Best sellers', 'Problems', 'Recommendations']);
  const others = allIds.filter((id) => id !== 3);
  expect(markdown.text).toContain(`**39 of 40 products** brought **${euros(revenue(others))}**`);
  const { name, text } = await download('Download CSV');
  expect(name).toBe('report.csv');
  const lines = text.trimEnd().split('\r\n');
  expect(lines).toHaveLength(1 + ALL);
  expect(lines[0]).toBe('id,name,category,sold,returned,return_rate,revenue,rating,trend,verdict');
  expect(lines[3]).toBe('3,Four-Person Dome Tent,,,,,,,,missing');
  const [bag] = records.filter(({ name }) => name.includes(','));
  expect(lines[bag.id]).toContain(`${bag.id},"${bag.name}",${bag.category},${sold(bag)},${bag.returned},`);
  for (const line of lines.slice(1)) {
    // A comma in a name is in quotes.
    expect(line.replace(/"[^"]*"/g, 'x').split(','), line).toHaveLength(10);
  }
  for (const id of others) {
    const { price, returned } = records[id - 1];
    expect(lines[id]).toContain((price * (sold(records[id - 1]) - returned)).toFixed(2));
  }
  expect(elsewhere).toBe(0);
});

test('by keyboard alone: the slider, the run, a pause, a retry', async ({ page, books }) => {
  books.fail(1);
  await open(page, '/report');
  await slider(page).focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft']) await page.keyboard.press(key);
  await expect(page.locator('.slider b')).toHaveText('5');
  // Enter on it sends nothing, and leaves it where it is.
  await page.keyboard.press('Enter');
  await named(page, 'Make the report').focus();
  await page.keyboard.press('Enter');
  await books.expectAsked(5);
  await expect(slider(page)).toHaveValue('5');
  await books.letOne(1);
  await expect(cells(page, 'failed')).toHaveCount(1);
  await named(page, 'Pause').focus();
  await page.keyboard.press('Space');
  await expectStatus(page, 'paused');
  await named(page, 'Resume').focus();
  await page.keyboard.press('Space');
  await expectStatus(page, 'running');
  books.repair();
  await named(page, 'Retry Two-Person Tunnel Tent').focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => books.times(1)).toBe(2);
  books.letAll();
  await expectStatus(page, 'done');
});

test('what is spoken changes with the phase and each fifth product, not with each', async ({ page, books }) => {
  await open(page, '/report');
  await page.evaluate(() => {
    const heard = new Set<string>();
    Object.assign(window, { heard });
    const listen = () =>
      document
        .querySelectorAll('.report-controls [aria-live], .report-controls [role=status]')
        .forEach((region) => heard.add(region.textContent?.trim() ?? ''));
    new MutationObserver(listen).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await named(page, 'Make the report').click();
  for (let id = 1; id <= ALL; id++) {
    books.let(1);
    await expect(page.locator('.report-controls .progress-text')).toHaveText(`${id} of ${ALL}`);
  }
  await expectStatus(page, 'done');
  const heard = await page.evaluate(() => [...(window as unknown as { heard: Set<string> }).heard]);
  const steps = heard.filter((words) => / of 40$/.test(words));
  expect(steps.every((words) => Number(/(\d+) of 40$/.exec(words)?.[1]) % 5 === 0), `${heard}`).toBe(true);
  // One in some seconds: so many a person can follow.
  expect(steps.length).toBeGreaterThan(0);
  expect(heard).toContain('All products are settled. The report is written.');
  expect(heard.length).toBeLessThan(20);
});

gallery.describe('the built-in shop', () => {
  gallery.use({ sales: { delayMs: 10, failureRate: 0.2 } });

  gallery('some products fail, and each comes when it is asked for again', async ({ page }) => {
    await open(page, '/report');
    await named(page, 'Make the report').click();
    await expectStatus(page, 'done');
    const failed = await cells(page, 'failed').count();
    expect(failed).toBeGreaterThan(2);
    expect(failed).toBeLessThan(16);
    await expect(section(page, 'Overview')).toContainText(`${ALL - failed} of 40 products`);
    for (let left = failed; left > 0; left--) {
      await cells(page, 'failed').first().getByRole('button').click();
      await expect(cells(page, 'failed')).toHaveCount(left - 1);
    }
    await expect(section(page, 'Overview')).toContainText(`40 of 40 products brought ${euros(revenue(allIds))}`);
    await expectNoLoss(page);
  });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('it is made, paused, gone on with and retried by forms, and each page shows where it is', async ({
    page,
    books,
  }) => {
    const press = async (name: string) => {
      await named(page, name).click();
      await page.waitForURL('/report');
    };
    const shows = (look: () => Promise<boolean>) =>
      expect
        .poll(async () => (await page.reload(), look()), { timeout: 20_000, intervals: [100] })
        .toBe(true);
    const count = (stage: string, wanted: number) => async () =>
      (await cells(page, stage).count()) === wanted;
    await page.goto('/report');
    await expect(cells(page, 'none')).toHaveCount(ALL);
    await slider(page).fill('3');
    await press('Set');
    await expect(slider(page)).toHaveValue('3');
    await press('Make the report');
    await books.expectAsked(3);
    books.fail(2);
    books.let(3);
    await shows(count('failed', 1));
    await books.expectAsked(6);
    await press('Pause');
    await expectStatus(page, 'paused');
    await press('Resume');
    await press('Stop');
    await expectStatus(page, 'stopped');
    books.letAll();
    await press('Go on');
    await shows(async () => (await status(page).getAttribute('data-status')) === 'done');
    await expect(section(page, 'Overview')).toContainText('39 of 40 products');
    books.repair();
    await press('Retry Solo Trekking-Pole Shelter');
    await shows(async () => /40 of 40 products/.test(await section(page, 'Overview').innerText()));
    const files = page.locator('.report-files').getByRole('link');
    await shows(async () => (await files.count()) === 2);
    for (const [link, begins] of [
      ['Download Markdown', '# A year of sales'],
      ['Download CSV', 'id,name,category'],
    ]) {
      const downloading = page.waitForEvent('download');
      await files.filter({ hasText: link }).click();
      expect(readFileSync(await (await downloading).path(), 'utf8').startsWith(begins)).toBe(true);
    }
    await press('Clear');
    await expect(files).toHaveCount(0);
    await expect(cells(page, 'none')).toHaveCount(ALL);
  });
});
