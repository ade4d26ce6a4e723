// The page Import: a file streams up and is taken in, whatever happens to the page, the network, the
// server or the file.

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Page, Request } from '@playwright/test';
import { test as dammed } from './support/dam';
import { expect, test } from './support/gallery';
import { HEADER, ImportPage, keptFiles, orders } from './support/import-page';
import { Tray, expectNoLoss, open, ready } from './support/page';
import { ask, FROM_HERE, newCookie } from './support/raw';
import { Gallery } from './support/server';

const WRONG = ['A-x,2024-02-30,ada@example.com,Tray,1,1.00', 'A-y,2024-05-02,nobody,Tray,1,1.00', 'A-z,2024-05-02'];

const file = (lines: string[], header = HEADER) => `${[header, ...lines].join('\n')}\n`;

/** Waits until so many rows are in, and then no longer than it takes to see them. */
const until = (page: ImportPage, rows: number) => expect.poll(() => page.imported()).toBeGreaterThanOrEqual(rows);

test('a file is taken in: counters, the last rows, what was rejected and why, all rows, both files', async ({ page }) => {
  const form = new ImportPage(page);
  await form.open();
  await expect(form.words).toContainText('Choose a file');
  const lines = [...orders(700), ...WRONG, ...orders(497, 701)];
  await form.import(file(lines));
  await form.expectStatus('done');
  await form.expectCounts('1,197', '3');
  await expect(form.fact('updates')).toHaveText('3');
  await expect(form.run.getByRole('heading')).toHaveText('orders.csv');
  await expect(form.last.locator('.log-line').last()).toContainText('A-1197');
  await expect(form.errors.locator('.log-line')).toHaveText([
    /702 +Its date “2024-02-30” is no day\./,
    /703 +Its email “nobody” is no address\./,
    /704 +It has 2 fields, and the header 6\./,
  ]);
  // The first rows of the file, and, scrolled there, the last: a few of them are in the page.
  const rows = form.table.locator('.paged-rows [role=row]');
  await expect(rows.first()).toHaveText(/^1A-12024-05-02ada@example.comTray, oak212.50$/);
  expect(await rows.count()).toBeLessThanOrEqual(150);
  await form.table.scrollIntoViewIfNeeded();
  await form.table.evaluate((box) => (box.scrollTop = box.scrollHeight));
  await expect(rows.last()).toHaveText(/^1,197A-1197/);
  await expect(rows.last()).toHaveAttribute('aria-rowindex', '1198');
  await expect(rows.last()).toBeInViewport();
  expect(await rows.count()).toBeLessThanOrEqual(150);
  // By keyboard.
  await form.table.focus();
  await page.keyboard.press('Home');
  await expect(rows.first()).toHaveText(/^1A-1/);
  const accepted = await form.download('All rows');
  expect(accepted).toHaveLength(1_198);
  expect(accepted.slice(0, 2)).toEqual([HEADER, orders(1)[0]]);
  expect(accepted.at(-1)).toBe(orders(1, 1_197)[0]);
  const rejected = await form.download('Rejected rows');
  expect(rejected).toEqual([
    `line,why,${HEADER}`,
    `702,Its date “2024-02-30” is no day.,${WRONG[0]}`,
    `703,Its email “nobody” is no address.,${WRONG[1]}`,
    `704,"It has 2 fields, and the header 6.",${WRONG[2]}`,
  ]);
  await expectNoLoss(page);
});

test('a column that has another name is asked for: over a reload, and answered in another tab', async ({
  page,
  context,
  server,
  problems,
}) => {
  const form = new ImportPage(page);
  const other = new ImportPage(await context.newPage());
  await form.open();
  await other.open();
  await form.import(file(orders(30), 'order,day,e-mail,product,quantity,price'));
  await expect(form.question).toContainText('Which column is date?');
  await expect(form.chip).toHaveText('Asks you');
  // So does the tray, on any page.
  const elsewhere = new Tray(await context.newPage());
  await open(elsewhere.page, '/lorem');
  await elsewhere.open();
  await expect(elsewhere.row('import/import_file').locator('.status')).toHaveText('Asks you');
  await page.reload();
  await ready(page);
  await expect(form.question).toContainText('Which column is date?');
  await expect(form.fact('rows imported')).toHaveText('0');
  await expect(other.question.getByRole('button')).toHaveText(['day', 'e-mail', 'Leave it out']);
  await other.button('day').click();
  await expect(form.question).toContainText('Which column is email?');
  await expect(form.question.getByRole('button')).toHaveText(['e-mail', 'Leave it out']);
  // It waits over a restart of the server, too.
  problems.expectNetworkErrors();
  await server.restart();
  await form.button('e-mail').click();
  await form.expectStatus('done');
  await form.expectCounts('30', '0');
  await expect(elsewhere.row('import/import_file').locator('.status')).toHaveText('Done');
  for (const one of [form, other]) await expect(one.question).toHaveCount(0);
  expect((await form.download('All rows'))[1]).toBe(orders(1)[0]);
});

test('a column is left out, and rows are taken in without it', async ({ page }) => {
  const form = new ImportPage(page);
  await form.open();
  await form.import(file(['A-1;2024-05-02;Tray;1;2.00', 'A-2;2024-05-02;Tray;0;2.00'], 'Order;Date;Product;Quantity;Price'));
  await expect(form.question).toContainText('Which column is email?');
  await form.button('Leave it out').click();
  await form.expectStatus('done');
  await form.expectCounts('1', '1');
  expect(await form.download('All rows')).toEqual([HEADER, 'A-1,2024-05-02,,Tray,1,2.00']);
});

test('paused nothing comes, resumed it goes on, stopped it stays, removed it is gone with its files', async ({
  page,
  context,
  server,
}) => {
  const form = new ImportPage(page);
  await form.open();
  await form.pace('10 updates/s');
  await form.import(file(orders(20_000)));
  await until(form, 1_000);
  await form.button('Pause the import').click();
  await form.expectStatus('paused');
  const held = await form.imported();
  // A click that is answered: whatever was to be shown before it is.
  await form.pace('2 updates/s');
  expect(await form.imported()).toBe(held);
  const second = new ImportPage(await context.newPage());
  await second.open();
  expect(await second.imported()).toBe(held);
  await second.button('Resume the import').click();
  await until(form, held + 500);
  await expect(form.button('Import')).toBeDisabled();
  await form.button('Stop').click();
  await form.expectStatus('stopped');
  const stopped = await form.imported();
  expect(stopped).toBeLessThan(20_000);
  expect(await form.download('All rows')).toHaveLength(stopped + 1);
  expect(keptFiles(server)).toEqual(['accepted.csv', 'accepted.index', 'rejected.csv', 'source.csv']);
  await form.button('Remove').click();
  await form.expectCounts('0', '0');
  await form.expectStatus('none');
  await expect(form.words).toContainText('Choose a file');
  await expect(form.table.locator('.paged-rows [role=row]')).toHaveCount(0);
  expect(keptFiles(server)).toEqual([]);
  // Another takes its place.
  await form.pace('Full speed');
  await form.import(file(orders(3)));
  await form.expectStatus('done');
  await form.expectCounts('3', '0');
  await form.import(file(orders(4)));
  await form.expectCounts('4', '0');
  // What was read to its end is not kept.
  await expect.poll(() => keptFiles(server)).toEqual(['accepted.csv', 'accepted.index', 'rejected.csv']);
});

test('removed in the middle: nothing of it comes any more', async ({ page, server }) => {
  const form = new ImportPage(page);
  await form.open();
  await form.pace('10 updates/s');
  await form.import(file(orders(20_000)));
  await until(form, 500);
  await form.button('Remove').click();
  await form.expectCounts('0', '0');
  await expect(form.words).toContainText('Choose a file');
  await expect.poll(() => keptFiles(server)).toEqual([]);
});

test('offline while it asks, and while rows come: what was clicked is sent then, what came meanwhile is there', async ({
  page,
  context,
  newVisitor,
  problems,
}) => {
  const form = new ImportPage(page);
  await form.open();
  // The same session, on a network that stays.
  const elsewhere = await newVisitor();
  await elsewhere.addCookies(await context.cookies());
  const other = new ImportPage(await elsewhere.newPage());
  await other.open();
  await form.pace('2 updates/s');
  await form.import(file(orders(8_000), 'order,date,e-mail,product,quantity,price'));
  await expect(form.question).toContainText('Which column is email?');
  problems.expectNetworkErrors();
  const banner = page.locator('.banner');
  await context.setOffline(true);
  await expect(banner).toContainText(/offline/i);
  await form.button('e-mail').click();
  await other.pace('10 updates/s');
  await other.pace('2 updates/s');
  for (const one of [form, other]) await expect(one.question).toBeVisible();
  await context.setOffline(false);
  await until(form, 500);
  await expect(form.question).toHaveCount(0);

  await context.setOffline(true);
  await expect(banner).toContainText(/offline/i);
  expect(await other.imported()).toBeLessThan(8_000);
  await other.pace('Full speed');
  await other.expectStatus('done');
  await context.setOffline(false);
  await form.expectStatus('done', { timeout: 20_000 });
  await form.expectCounts('8,000', '0');
  await expect(form.last.locator('.log-line').last()).toContainText('A-8000');
  await expect(banner).toHaveCount(0);
  await expectNoLoss(page);
});

test('started again by the tray after it failed midway, each row is there once', async ({
  page,
  server,
  problems,
}) => {
  problems.expectRefusedForms();
  const form = new ImportPage(page);
  await form.open();
  const good = [...orders(300), ...WRONG, ...orders(297, 301)];
  await form.import(file([...good, `A-1${',x'.repeat(100)}`]));
  await form.expectStatus('failed');
  const expectAsBefore = async () => {
    await expect(form.fault).toHaveText('Line 602 has more than 64 fields.');
    await form.expectCounts('597', '3');
    await expect(form.fact('updates')).toHaveText('2');
    await expect(form.errors.locator('.log-line')).toHaveText([/302/, /303/, /304/]);
    expect(await form.download('All rows')).toHaveLength(598);
  };
  await expectAsBefore();
  const tray = new Tray(page);
  await tray.open();
  const again = tray.rows.getByRole('button', { name: /^Start again/ });
  await again.first().click();
  await expect(tray.rows).toHaveCount(2);
  await expect(tray.rows.locator('.status')).toHaveText(['Failed', 'Failed']);
  await expectAsBefore();
  // Of a file that was refused while it came nothing is here: that is said, and no connection blamed.
  await form.import(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'));
  await expect(form.fault).toContainText('This is no text');
  expect(keptFiles(server)).toEqual([]);
  await expect(tray.rows).toHaveCount(3);
  await again.first().click();
  await expect(form.fault).toHaveText('The file is not there any more. Choose it again.');
});

test('a file goes with its session, when that expires', async ({ page, problems }) => {
  const server = await Gallery.start({}, {}, {}, { limits: { 'idle-ms': 1_000 }, store: 'memory', sweepS: 1 });
  try {
    await page.goto(`${server.url}/import`);
    await ready(page);
    const form = new ImportPage(page);
    await form.import(file(orders(20)));
    await form.expectStatus('done');
    // An open page is a use.
    await form.pace('Full speed');
    expect(keptFiles(server)).toEqual(['accepted.csv', 'accepted.index', 'rejected.csv']);
    problems.expectNetworkErrors();
    await page.goto('about:blank');
    await expect.poll(() => keptFiles(server), { timeout: 20_000 }).toEqual([]);
  } finally {
    expect(await server.dispose()).toEqual([]);
  }
});

const long = `${HEADER}\n${'x'.repeat(100_000)}\n`;
const BAD: [name: string, content: string | Buffer, says: RegExp][] = [
  ['a picture', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), /This is no text: line 1 has bytes/],
  ['Latin-1', Buffer.from(file(['A-1,2024-05-02,a@b.de,Stövchen,1,2.00']), 'latin1'), /Line 2 is not UTF-8/],
  ['UTF-16', Buffer.from(`\ufeff${file(orders(2))}`, 'utf16le'), /The file is in UTF-16/],
  ['nothing', '', /The file is empty/],
  ['blank lines', ' \n\n', /The file is empty/],
  ['no header', orders(3).join('\n'), /The first line has none of the names order, date, email/],
  ['a long line', long, /Line 2 goes on for more than 64 KiB/],
  ['an open quote', file([`"${orders(3_000).join('\n').replaceAll('"', '')}`]), /Line 2 goes on for more than 64 KiB/],
  ['many columns', file([',x'.repeat(100)]), /Line 2 has more than 64 fields/],
];

test('each file that is wrong is refused with a sentence, and the next good one is taken', async ({ page, problems }) => {
  // The browser tells of each answer that is none of success.
  problems.expectRefusedForms();
  const form = new ImportPage(page);
  await form.open();
  await form.pace('Full speed');
  for (const [name, content, says] of BAD) {
    await form.import(content, `${name}.csv`);
    await expect(form.fault, name).toHaveText(says);
    await form.expectStatus('failed');
    await expect(form.run.getByRole('heading')).toHaveText(`${name}.csv`);
    await form.expectCounts('0', '0');
  }
  // Rows of other lengths are rejected one by one.
  await form.import(file([...orders(2), 'A-3,2024-05-02', `${orders(1, 4)[0]},more`]));
  await form.expectStatus('done');
  await form.expectCounts('2', '2');
  await expect(form.fault).toBeEmpty();
  await expect(form.errors.locator('.log-line')).toHaveText([/4 +It has 2 fields/, /5 +It has 7 fields/]);
});

test('the page’s own table of bad files: each says what is said', async ({ page }) => {
  const form = new ImportPage(page);
  await form.open();
  await form.pace('Full speed');
  for (const row of await page.locator('.bad-files tbody tr').all()) {
    const said = await row.locator('td').first().innerText();
    await row.getByRole('button').click();
    if (said.includes('other rows')) {
      await expect(form.question).toBeVisible();
      await form.button('e-mail').click();
      await form.expectStatus('done');
      await form.expectCounts('2', '2');
      await expect(form.errors.locator('.log-line').first()).toHaveText(/3 +It has 5 fields, and the header 6\./);
      continue;
    }
    await expect(form.fault).toHaveText(said, { timeout: 20_000 });
    await form.expectStatus('failed');
    // That is far above the table.
    await expect(page.getByRole('link', { name: 'What came of it' })).toHaveCount(1);
    await row.getByRole('link').click();
    await expect(form.fault).toBeInViewport();
  }
});

test('names of a file and of its columns are no wider than a phone', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  const form = new ImportPage(page);
  await form.open();
  await form.import(file(orders(3), HEADER.replace('email', 'e'.repeat(80))), `${'orders of this year '.repeat(3)}${'x'.repeat(40)}.csv`);
  await expect(form.question).toBeVisible();
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await wide()).toBe(0);
  await form.chip.scrollIntoViewIfNeeded();
  await expect(form.chip).toBeInViewport({ ratio: 1 });
  for (const button of await form.question.getByRole('button').all()) {
    await button.scrollIntoViewIfNeeded();
    await expect(button).toBeInViewport({ ratio: 1 });
  }
});

test.describe('more than 50 MB', () => {
  /** A file of a byte too many. */
  function tooLarge(folder: string): string {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'large.csv');
    const large = openSync(path, 'w');
    const line = Buffer.from(`${'x'.repeat(999)}\n`.repeat(1_000));
    for (let at = 0; at < 50; at++) writeSync(large, line);
    writeSync(large, 'x');
    closeSync(large);
    return path;
  }

  test('is not sent by the page', async ({ page }, testInfo) => {
    const form = new ImportPage(page);
    await form.open();
    let sent = 0;
    page.on('request', (request) => (sent += Number(request.url().endsWith('/import/file'))));
    await page.locator('input[type=file]').setInputFiles(tooLarge(testInfo.outputDir));
    await form.button('Import').click();
    await expect(form.notes).toContainText('The file is larger than 50 MB.');
    expect(sent).toBe(0);
  });

  test.describe('without JavaScript', () => {
    test.use({ javaScriptEnabled: false });

    test('is read to its end, so that the answer is, too', async ({ page, server }, testInfo) => {
      const form = new ImportPage(page);
      await page.goto('/import');
      await page.locator('input[type=file]').setInputFiles(tooLarge(testInfo.outputDir));
      await form.button('Import').click();
      await expect(page).toHaveURL('/import');
      await expect(form.fault).toContainText('The file is larger than 50 MB.');
      expect(keptFiles(server)).toEqual([]);
    });
  });
});

/** A file that is longer than what the network between holds by itself, of few rows. */
const LARGE_ROWS = 1_000;
const large = () => file(orders(LARGE_ROWS).map((line) => `${line},${'x'.repeat(16_000)}`), `${HEADER},note`);
/** The browser sends no more: it was given up, or the server has answered before that. */
function sendingEnds(page: Page): Promise<void> {
  return new Promise((done) => {
    const look = (request: Request) => request.url().endsWith('/import/file') && done();
    page.on('requestfailed', look);
    page.on('requestfinished', look);
  });
}
/** What the server tells while the rest of it is held. */
const SOME = /^The server has (0\.[5-9]|1(\.[0-4])?) MB of 16[.\d]* MB\.$/;

dammed('while it comes, the page tells what was sent and what the server has', async ({ page, context, server, dam }) => {
  const form = new ImportPage(page);
  const other = new ImportPage(await context.newPage());
  await form.open();
  await other.open();
  await form.import(large());
  await expect(page.locator('.import-start .hint.waits')).toHaveText(/^Sent [\d.]+ MB of 16[.\d]* MB\.$/);
  // The other tab has it from the server.
  await expect(other.words).toHaveText(SOME);
  await expect(other.chip).toHaveAttribute('data-status', 'running');
  await expect(other.button('Import')).toBeDisabled();
  expect(keptFiles(server)).toEqual(['source.part']);
  dam.open();
  await form.expectAll();
  await expect(page.locator('.import-sent progress')).toBeHidden();
  await expect(form.notes).toBeEmpty();
  await expectNoLoss(page);
});

dammed('stopped while it comes: nothing more is sent, nothing is kept, and it can come again', async ({
  page,
  problems,
  server,
  dam,
}) => {
  problems.expectNetworkErrors();
  problems.expectRefusedForms();
  const form = new ImportPage(page);
  await form.open();
  const sent = sendingEnds(page);
  await form.import(large());
  await expect(form.words).toHaveText(SOME);
  await form.button('Stop').click();
  await form.expectStatus('stopped');
  await sent;
  await expect.poll(() => keptFiles(server)).toEqual([]);
  await expect(page.locator('.import-sent progress')).toBeHidden();
  await expect(form.notes).toBeEmpty();
  dam.open();
  await form.button('Import').click();
  await form.expectAll();
});

for (const where of ['on the page, after a look elsewhere', 'in the tray, elsewhere']) {
  dammed(`what is sent goes on elsewhere; stopped ${where}, it ends`, async ({ page, problems, server, dam }) => {
    problems.expectNetworkErrors();
    problems.expectRefusedForms();
    const form = new ImportPage(page);
    const pages = page.getByRole('navigation', { name: 'Pages' });
    const bar = page.locator('.import-sent progress');
    await form.open();
    const sent = sendingEnds(page);
    await form.import(large());
    await expect(form.words).toHaveText(SOME);
    await pages.getByRole('link', { name: 'Posts' }).click();
    await expect(form.run).toHaveCount(0);
    const isHere = where.startsWith('on the page');
    const back = async () => {
      await pages.getByRole('link', { name: 'Import' }).click();
      await expect(form.run).toBeVisible();
    };
    if (isHere) {
      await back();
      await expect(bar).toBeVisible();
      await expect(form.button('Import')).toBeDisabled();
      await expect(form.words).toHaveText(SOME);
      await form.button('Stop').click();
    } else {
      const tray = new Tray(page);
      await tray.open();
      await tray.rows.getByRole('button', { name: /^Cancel/ }).click();
    }
    await sent;
    await expect.poll(() => keptFiles(server)).toEqual([]);
    if (!isHere) await back();
    await form.expectStatus('stopped');
    await expect(bar).toBeHidden();
    await expect(form.notes).toBeEmpty();
    dam.open();
    await form.import(large());
    await form.expectAll();
  });
}

dammed('the connection is lost while it comes: the page says so, and the same file can come again', async ({
  page,
  problems,
  server,
  dam,
}) => {
  problems.expectNetworkErrors();
  const form = new ImportPage(page);
  await form.open();
  await form.import(large());
  await expect(form.words).toHaveText(SOME);
  dam.cut();
  await expect(form.notes).toHaveText('The connection was lost. The file is still chosen: import it again.');
  await expect(form.fault).toHaveText(/^The connection was lost after [\d.]+ [kM]B, and nothing was imported\./);
  await form.expectStatus('failed');
  await expect(page.locator('.import-sent progress')).toBeHidden();
  expect(keptFiles(server)).toEqual([]);
  dam.open();
  await form.button('Import').click();
  await form.expectAll();
  for (const said of [form.notes, form.fault]) await expect(said).toBeEmpty();
});

dammed('the server is killed while it comes: no half file stays, the page says so, and it can come again', async ({
  page,
  problems,
  server,
  dam,
}) => {
  problems.expectNetworkErrors();
  const form = new ImportPage(page);
  await form.open();
  await form.import(large());
  await expect(form.words).toHaveText(SOME);
  await server.kill();
  await expect(form.notes).toHaveText('The connection was lost. The file is still chosen: import it again.');
  // Nobody was there to remove it.
  expect(keptFiles(server)).toEqual(['source.part']);
  dam.open();
  await server.start();
  expect(keptFiles(server)).toEqual([]);
  await expect(form.fault).toHaveText(/^The connection was lost after [\d.]+ [kM]B, and nothing was imported\./, {
    timeout: 20_000,
  });
  await form.expectStatus('failed');
  await form.button('Import').click();
  await form.expectAll();
});

test('the answer is lost and the file is not: nobody is asked to send it again', async ({ page, problems }) => {
  problems.expectNetworkErrors();
  const form = new ImportPage(page);
  await form.open();
  // The server has answered, and nobody hears it.
  await page.route('**/import/file', async (route) => {
    await route.fetch();
    await route.abort();
  });
  for (const header of [HEADER.replace('email', 'e-mail'), HEADER]) {
    const sent = page.waitForEvent('requestfailed');
    await form.import(file(orders(20), header));
    await sent;
    await expect(page.locator('.import-sent progress')).toBeHidden();
    if (header !== HEADER) await form.button('e-mail').click();
    await form.expectStatus('done');
    await form.expectCounts('20', '0');
    await expect(form.notes).toBeEmpty();
  }
});

test('killed again and again in the middle: each row is there once, in order', async ({ page, server, problems }) => {
  test.setTimeout(120_000);
  const form = new ImportPage(page);
  await form.open();
  await form.pace('10 updates/s');
  const rows = 20_000;
  const lines = orders(rows).map((line, at) => (at % 100 === 7 ? line.replace('ada@', 'ada at ') : line));
  await form.import(file(lines));
  problems.expectNetworkErrors();
  for (let time = 1; time <= 4; time++) {
    await until(form, time * 2_500);
    await server.kill();
    await server.start();
  }
  await form.pace('Full speed');
  await form.expectStatus('done', { timeout: 30_000 });
  await form.expectCounts('19,800', '200');
  const accepted = await form.download('All rows');
  expect(accepted.slice(1)).toEqual(lines.filter((line) => line.includes('@')));
  const rejected = await form.download('Rejected rows');
  expect(rejected.slice(1).map((line) => Number(line.split(',')[0]))).toEqual(
    Array.from({ length: 200 }, (_, at) => at * 100 + 9),
  );
  await expect(form.errors.locator('.log-line').last()).toContainText('19,909');
  // Those that are seen of all rows come from the file, by its index.
  await form.table.evaluate((box) => (box.scrollTop = box.scrollHeight / 2));
  const row = form.table.locator('.paged-rows [role=row]').nth(40);
  await expect(row).toHaveText(/^9,[89]/);
  const number = Number((await row.locator('.paged-number').innerText()).replaceAll(',', ''));
  expect(await row.locator('[role=cell]').first().innerText()).toBe(accepted[number].split(',')[0]);
});

test('a visitor has no other’s rows, files or places', async ({ page, server, newVisitor }) => {
  const form = new ImportPage(page);
  await form.open();
  await form.import(file([...orders(3), WRONG[0]]));
  await form.expectStatus('done');
  const stranger = await newCookie(server);
  const get = (path: string, cookie?: string) => ask(server, { path, headers: { ...(cookie && { cookie }) } });
  expect((await get('/import/rows?from=0&count=10', stranger)).body).toBe('[]');
  for (const path of ['/import/accepted.csv', '/import/rejected.csv']) {
    expect((await get(path, stranger)).status).toBe(404);
    expect((await get(path)).status).toBe(401);
  }
  expect((await get('/import/rows?from=0&count=10')).status).toBe(401);
  expect((await get('/import/rows?from=x', stranger)).status).toBe(400);
  const other = new ImportPage(await (await newVisitor()).newPage());
  await other.open();
  await other.expectCounts('0', '0');
  // A task that is started by hand gets at no other's file.
  const session = await page.context().cookies();
  const own = session.map(({ name, value }) => `${name}=${value}`).join('; ');
  const [from] = (await get('/import/rows?from=1&count=1', own)).body.match(/A-\d/) ?? [];
  expect(from).toBe('A-2');
  const sent = await ask(server, {
    method: 'POST',
    path: '/api/events',
    headers: { ...FROM_HERE, 'content-type': 'application/json', cookie: stranger },
    body: JSON.stringify({
      client: 'test',
      events: [[1, 'import/import_file', { file: '../../x', name: 'x', bytes: 1 }]],
    }),
  });
  expect(sent.status).toBe(202);
  await expect.poll(async () => (await get('/import', stranger)).body).toContain('The connection was lost after 0 kB');
});

test('that a file is being imported is told no longer than it is', async ({ page, context, problems }) => {
  const form = new ImportPage(page);
  const other = new ImportPage(await context.newPage());
  for (const one of [form, other]) await one.open();
  // The other page does not hear of it.
  problems.expectNoStreams();
  problems.expectRefusedForms();
  await other.page.route('**/api/stream?**', (route) => route.fulfill({ status: 503 }));
  await other.page.evaluate(() => dispatchEvent(new Event('offline')));
  await form.pace('2 updates/s');
  await form.import(file(orders(20_000)));
  await form.expectStatus('running');
  await other.import(file(orders(3)));
  const busy = 'A file is being imported. Stop it to import another.';
  await expect(other.notes).toHaveText(busy);
  await other.page.unroute('**/api/stream?**');
  await other.expectStatus('running');
  await expect(other.notes).toHaveText(busy);
  await form.button('Stop').click();
  await expect(other.notes).toBeEmpty();
});

test('what something on the way says in the place of the server is not shown', async ({ page, problems }) => {
  problems.expectNoStreams();
  problems.expectRefusedForms();
  const form = new ImportPage(page);
  await form.open();
  for (const [status, contentType, body, told] of [
    [413, 'text/html', '<html><h1>413 Request Entity Too Large</h1></html>', 'Something on the way to the server takes no file of this size.'],
    [503, 'text/plain; charset=utf-8', '', 'Something on the way to the server refused the file. Try again later.'],
    [200, 'text/html', '<form>Log in</form>', 'Something on the way to the server refused the file. Try again later.'],
    [503, 'text/plain; charset=utf-8', 'There is no room.', 'There is no room.'],
  ] as const) {
    await page.route('**/import/file', (route) => route.fulfill({ status, contentType, body }));
    await form.import(file(orders(2)));
    await expect(form.notes).toHaveText(told);
    await page.unroute('**/import/file');
  }
  await form.button('Import').click();
  await form.expectStatus('done');
  await expect(form.notes).toBeEmpty();
});

test('a file from elsewhere, without a session, or in no form is refused', async ({ server }) => {
  const cookie = await newCookie(server);
  const body = `--X\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${file(orders(1))}\r\n--X--\r\n`;
  const kind = { 'content-type': 'multipart/form-data; boundary=X' };
  const post = async (headers: object, text = body) =>
    (await ask(server, { method: 'POST', path: '/import/file', headers: { ...headers }, body: text })).status;
  for (const site of ['cross-site', 'same-site', 'none']) {
    expect(await post({ ...kind, cookie, 'sec-fetch-site': site })).toBe(403);
  }
  expect(await post({ ...kind, cookie })).toBe(403);
  expect(await post({ ...kind, cookie, origin: 'http://elsewhere.example' })).toBe(403);
  expect(await post({ ...kind, ...FROM_HERE })).toBe(401);
  expect(await post({ ...FROM_HERE, cookie, 'content-type': 'text/csv' })).toBe(400);
  expect(await post({ ...kind, ...FROM_HERE, cookie }, '--X--\r\n')).toBe(400);
  expect(keptFiles(server)).toEqual([]);
  expect(await post({ ...kind, ...FROM_HERE, cookie })).toBe(202);
  // The same to a browser that shows what it gets.
  const shown = () =>
    ask(server, {
      method: 'POST',
      path: '/import/file',
      headers: { ...kind, ...FROM_HERE, cookie, accept: 'text/html,*/*' },
      body,
    });
  // Until the first one is read to its end there is one too many.
  const place = async () => (({ status, headers }) => [status, headers.location])(await shown());
  await expect.poll(place).toEqual([303, '/import']);
});

test('a connection that breaks off in the middle of a form', async ({ server }) => {
  const cookie = await newCookie(server);
  const socket = connect(server.port, '127.0.0.1');
  const head = [
    'POST /import/file HTTP/1.1',
    `Host: 127.0.0.1:${server.port}`,
    'Sec-Fetch-Site: same-origin',
    `Cookie: ${cookie}`,
    'Content-Type: multipart/form-data; boundary=X',
    'Content-Length: 1000000',
    '',
    '--X\r\ncontent-disposition: form-data; name="file"; filename="half.csv"\r\n\r\n',
  ].join('\r\n');
  socket.write(head + file(orders(2_000)));
  const shown = async () => (await ask(server, { path: '/import', headers: { cookie } })).body;
  await expect.poll(shown).toContain('half.csv');
  await expect.poll(() => keptFiles(server)).toEqual(['source.part']);
  socket.destroy();
  await expect.poll(shown).toContain('The connection was lost after 0.1 MB');
  expect(keptFiles(server)).toEqual([]);
});

test('files whose session is not known go when the server starts', async ({ page, server, problems }) => {
  const form = new ImportPage(page);
  await form.open();
  await form.import(file(orders(5)));
  await form.expectStatus('done');
  const stray = join(server.uploads, '0123456789abcdef0123456789abcdef', '1');
  mkdirSync(stray, { recursive: true });
  writeFileSync(join(stray, 'source.csv'), 'x');
  expect(keptFiles(server)).toHaveLength(4);
  problems.expectNetworkErrors();
  await server.restart();
  await expect.poll(() => keptFiles(server)).toEqual(['accepted.csv', 'accepted.index', 'rejected.csv']);
  expect(await form.download('All rows')).toHaveLength(6);
});

test('a sample: to save, and taken in with its question', async ({ page, server }) => {
  const saved = await ask(server, { path: '/import/sample/1000' });
  expect(saved.headers['content-disposition']).toBe('attachment; filename="orders-1000.csv"');
  const lines = saved.body.trimEnd().split('\n');
  expect(lines[0]).toBe('order,date,e-mail,product,quantity,price');
  expect(lines).toHaveLength(1_001);
  expect((await ask(server, { path: '/import/sample/nothing' })).status).toBe(404);
  const form = new ImportPage(page);
  await form.open();
  await form.pace('Full speed');
  await form.button('20,000 rows').click();
  await form.button('e-mail').click();
  await form.expectStatus('done', { timeout: 30_000 });
  const imported = await form.imported();
  // About one in a hundred is wrong.
  expect(imported).toBeGreaterThan(19_600);
  expect(imported).toBeLessThan(19_900);
  expect(await form.download('Rejected rows')).toHaveLength(20_001 - imported);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a form sends the file, the page shows where it is, and the answer is a form', async ({ page, server }) => {
    const form = new ImportPage(page);
    await page.goto('/import');
    await form.import(file([...orders(12), WRONG[1]], HEADER.replace('email', 'e-mail')));
    await expect(page).toHaveURL('/import');
    await expect.poll(async () => (await page.reload(), await form.question.count())).toBe(1);
    await form.button('e-mail').click();
    await expect.poll(async () => (await page.reload(), await form.chip.innerText())).toBe('Done');
    await form.expectCounts('12', '1');
    await expect(form.last.locator('.log-line').last()).toContainText('A-12');
    await expect(form.errors.locator('.log-line')).toContainText(['is no address']);
    // Rows that nobody fetches leave no hole, and are had another way.
    await expect(page.getByText('Without JavaScript none are: Download has them all.')).toBeVisible();
    expect(await form.table.evaluate((box) => box.scrollHeight - box.clientHeight)).toBeLessThan(64);
    expect(await form.download('All rows')).toHaveLength(13);
    await form.import('', 'empty.csv');
    await expect(page).toHaveURL('/import');
    await expect(form.fault).toHaveText('The file is empty.');
    await form.button('Remove').click();
    await expect(form.words).toContainText('Choose a file');
    expect(keptFiles(server)).toEqual([]);
  });

  test('a second file from another tab is refused on the page, and goes through when the first is stopped', async ({
    page,
    context,
  }) => {
    const form = new ImportPage(page);
    const other = new ImportPage(await context.newPage());
    await page.goto('/import');
    await other.page.goto('/import');
    await form.pace('2 updates/s');
    await form.import(file(orders(20_000)));
    await other.import(file(orders(3)));
    await expect(other.page).toHaveURL('/import?refused=busy');
    await expect(other.notes).toHaveText('A file is being imported. Stop it to import another.');
    await other.button('Stop').click();
    await expect(other.notes).toBeEmpty();
    await expect.poll(async () => (await other.page.reload(), await other.chip.innerText())).toBe('Stopped');
    await other.import(file(orders(3)));
    await expect(other.page).toHaveURL('/import');
    await expect.poll(async () => (await other.page.reload(), await other.chip.innerText())).toBe('Done');
    await other.expectCounts('3', '0');
  });

  test('a file without a session is refused on the page, which opens one', async ({ page, context }) => {
    const form = new ImportPage(page);
    await page.goto('/import');
    await context.clearCookies();
    await form.import(file(orders(3)));
    await expect(page).toHaveURL('/import?refused=no-session');
    await expect(form.notes).toHaveText('Your session was over, and the file was not taken. Choose it again.');
    await form.import(file(orders(3)));
    await expect(page).toHaveURL('/import');
    await expect.poll(async () => (await page.reload(), await form.chip.innerText())).toBe('Done');
    await form.expectCounts('3', '0');
  });
});

test('why a file was not taken is told once, and not again by a reload', async ({ page }) => {
  const form = new ImportPage(page);
  await page.goto('/import?refused=no-file');
  await ready(page);
  await expect(form.notes).not.toBeEmpty();
  await expect(page).toHaveURL('/import');
  await page.reload();
  await ready(page);
  await expect(form.notes).toBeEmpty();
});
