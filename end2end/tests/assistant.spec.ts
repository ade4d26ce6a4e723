// The assistant: an answer comes word by word, whatever happens to the page, the network or the
// model meanwhile; tools run side by side, and one asks.

import type { Page } from '@playwright/test';
import { expect, test as gallery } from './support/gallery';
import { test } from './support/model';
import type { Gallery } from './support/server';
import { Shop } from './support/shop';
import { Tray, expectNoLoss, open, ready } from './support/page';

/** The shop that its tools ask is held, too. */
const held = test.extend<{ shop: Shop }>({
  shop: async ({}, use) => {
    const shop = await Shop.open();
    await use(shop);
    shop.close();
  },
  upstream: async ({ shop }, use) => use({ url: shop.url, timeoutMs: 60_000 }),
});

const input = (page: Page) => page.getByLabel('Your question');
const ask = async (page: Page, question: string) => {
  await input(page).fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
};
const answers = (page: Page) => page.locator('.message.model');
const last = (page: Page) => answers(page).last();
const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('words come one by one, over a reload and in a second tab', async ({ page, context, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const question = await fake.question(0);
  expect(question.text).toBe('Well?');
  expect(question.messages[0].role).toBe('system');
  await expect(last(page)).toContainText('The model has not begun.');
  question.say('One ');
  await expect(last(page)).toHaveText('One');
  const second = await context.newPage();
  await open(second, '/assistant');
  question.say('two ');
  for (const tab of [page, second]) await expect(last(tab)).toHaveText('One two');
  // In the page's first bytes.
  await page.reload({ waitUntil: 'commit' });
  await expect(last(page)).toHaveText('One two');
  await ready(page);
  question.say('three.');
  question.end();
  for (const tab of [page, second]) {
    await expect(last(tab)).toHaveText('One two three.');
    await expect(last(tab)).toHaveAttribute('data-end', 'done');
    await expectNoLoss(tab);
  }
  // The next question has what was said before it.
  await ask(second, 'And?');
  const next = await fake.question(1);
  expect(next.messages.slice(1)).toEqual([
    { role: 'user', content: 'Well?' },
    { role: 'assistant', content: 'One two three.' },
    { role: 'user', content: 'And?' },
  ]);
  next.end();
});

test('Stop ends the request itself, and what had come is kept', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const question = await fake.question(0);
  question.say('One two');
  await expect(last(page)).toHaveText('One two');
  expect(question.isGone).toBe(false);
  await named(page, 'Stop').click();
  await question.expectGone();
  await expect(last(page)).toHaveAttribute('data-end', 'stopped');
  await expect(last(page)).toContainText('One two');
  await named(page, 'Retry').click();
  const again = await fake.question(1);
  // What was stopped is part of what was said.
  expect(again.messages.slice(1).map(({ content }) => content)).toEqual(['Well?', 'One two']);
  again.say('Three.');
  again.end();
  await expect(last(page)).toHaveText('Three.');
  await expect(answers(page)).toHaveCount(2);
});

test('Stop before the first word, and a removed conversation, end the request too', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const silent = await fake.question(0);
  await named(page, 'Stop').click();
  await silent.expectGone();
  await expect(last(page)).toHaveAttribute('data-end', 'stopped');
  await named(page, 'Retry').click();
  const second = await fake.question(1);
  second.say('One');
  await expect(last(page)).toHaveText('One');
  await page.getByRole('button', { name: /^Remove the conversation/ }).click();
  await second.expectGone();
  await expect(page.locator('.conversation')).toHaveCount(0);
  await expect(answers(page)).toHaveCount(0);
  await expect(new Tray(page).count).toContainText('0');
});

test('paused it takes no words, resumed it takes them all', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const question = await fake.question(0);
  question.say('One ');
  await expect(last(page)).toHaveText('One');
  await named(page, 'Pause').click();
  await expect(page.locator('.talk .status').first()).toHaveAttribute('data-status', 'paused');
  question.say('two ');
  question.say('three.');
  question.end();
  // A click that is answered: whatever was to be shown before it is.
  await open(page, '/assistant');
  await expect(last(page)).toHaveText('One');
  await named(page, 'Resume').click();
  await expect(last(page)).toHaveText('One two three.');
});

test('one writes, reads and has a second conversation meanwhile', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'First?');
  const first = await fake.question(0);
  for (let line = 1; line <= 60; line++) first.say(`Line ${line}.\n\n`);
  await expect(last(page)).toContainText('Line 60.');
  const box = page.locator('.talk-box');
  const place = (text: string) =>
    page.getByText(text, { exact: true }).evaluate((line) => line.getBoundingClientRect().top);
  // At its end it stays there.
  await expect.poll(() => box.evaluate((box) => Math.abs(box.scrollTop))).toBeLessThan(2);
  await page.getByText('Line 20.', { exact: true }).scrollIntoViewIfNeeded();
  const before = await place('Line 20.');
  await input(page).fill('half a que');
  for (let line = 61; line <= 90; line++) first.say(`Line ${line}.\n\n`);
  await expect(last(page)).toContainText('Line 90.');
  // What is read stays under the eye, what is typed in the box.
  expect(Math.abs((await place('Line 20.')) - before)).toBeLessThan(2);
  await expect(input(page)).toHaveValue('half a que');
  await expect(input(page)).toBeFocused();

  await page.getByRole('link', { name: 'New conversation' }).click();
  await expect(page).toHaveURL('/assistant?c=2');
  await expect(answers(page)).toHaveCount(0);
  await ask(page, 'Second?');
  const second = await fake.question(1);
  expect(second.messages.slice(1)).toEqual([{ role: 'user', content: 'Second?' }]);
  second.say('Here.');
  await expect(last(page)).toHaveText('Here.');
  await expect(new Tray(page).count).toContainText('2');
  first.say('The end.');
  first.end();
  second.end();
  await expect(page.locator('.conversation[data-id="1"] .conversation-live')).toBeHidden();
  await expect(last(page)).toHaveText('Here.');
  await page.locator('.conversation[data-id="1"] a').click();
  await expect(last(page)).toContainText('The end.');
});

test('what is complete is not made again when more comes', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const question = await fake.question(0);
  question.say('The first.\n\nThe sec');
  const first = page.locator('.markdown p').first();
  await expect(page.locator('.markdown p')).toHaveCount(2);
  await first.evaluate((node) => {
    const noted = window as unknown as { touched: number };
    noted.touched = 0;
    new MutationObserver((records) => (noted.touched += records.length)).observe(node, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    node.setAttribute('data-mine', '');
  });
  for (let word = 0; word < 50; word++) question.say(`${word} `);
  question.say('\n\nThe end.');
  question.end();
  await expect(last(page)).toContainText('The end.');
  await expect(first).toHaveAttribute('data-mine', '');
  expect(await page.evaluate(() => (window as unknown as { touched: number }).touched)).toBe(0);
});

test('two tools at once, and one waits for a yes in another tab', async ({ page, context, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Both?');
  const question = await fake.question(0);
  question.say('Both.');
  question.call(['look_up_product', { id: 7 }], ['fetch_posts', {}]);
  const tool = (page: Page, name: string) => page.locator(`.tool[data-tool="${name}"]`);
  // One is done while the other waits.
  await expect(tool(page, 'look_up_product').locator('.status')).toHaveText('Done');
  await expect(tool(page, 'fetch_posts').locator('.status')).toHaveText('Asks you');
  // From another conversation, too, one sees who is waited for.
  await expect(page.locator('.talk-head .status')).toHaveText('Asks you');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await expect(page.locator('.talk')).toHaveAttribute('data-id', '2');
  await expect(page.locator('.conversation-live')).toHaveText('Asks you');
  await page.locator('.conversation a').click();
  expect(fake.questions).toHaveLength(1);
  await page.reload();
  await ready(page);
  const second = await context.newPage();
  await open(second, '/assistant');
  await named(second, 'Approve: fetch the ten posts').click();
  const results = await fake.question(1);
  const gave = results.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  expect(JSON.parse(gave[0])).toMatchObject({ id: 7 });
  expect(JSON.parse(gave[1])).toEqual({ started: true });
  results.say('Done.');
  results.end();
  await expect(last(page)).toHaveText('Done.');
  await expect(tool(page, 'fetch_posts').locator('.status')).toHaveText('Done');
  // It was done in the visitor's name.
  await open(second, '/posts');
  await expect(second.locator('.region').last().locator('article')).toHaveCount(10);
});

held('a tool that runs says so, and a Stop in the middle hangs up on the shop, too', async ({ page, fake, shop }) => {
  await open(page, '/assistant');
  await ask(page, 'Product?');
  (await fake.question(0)).call(['look_up_product', { id: 7 }], ['look_up_product', { id: 8 }]);
  const tools = page.locator('.tool .status');
  await shop.expectAsked(2);
  await expect(tools).toHaveText(['Running', 'Running']);
  shop.letUpTo(7);
  await expect(tools).toHaveText(['Done', 'Running']);
  await named(page, 'Stop').click();
  await expect(last(page)).toHaveAttribute('data-end', 'stopped');
  await expect(tools).toHaveText(['Done', 'Stopped']);
  await expect.poll(() => shop.open).toBe(0);
  // What the one gave is told; that the other was stopped, too.
  await named(page, 'Retry').click();
  const again = await fake.question(1);
  const gave = again.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  expect(JSON.parse(gave[0])).toMatchObject({ id: 7 });
  expect(gave[1]).toBe('Stopped by the visitor.');
  again.end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
});

test('a no is told to the model; what asks does not outlive a Stop', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Post?');
  (await fake.question(0)).call(['fetch_posts', {}], ['burn_down', {}]);
  await named(page, 'Decline: fetch the ten posts').click();
  const told = await fake.question(1);
  const gave = told.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  expect(gave).toEqual(['The visitor said no.', 'There is no such tool.']);
  told.call(['fetch_posts', {}]);
  await expect(named(page, 'Approve: fetch the ten posts')).toBeVisible();
  // The tray of another page says so, too.
  const elsewhere = new Tray(await page.context().newPage());
  await open(elsewhere.page, '/lorem');
  await elsewhere.open();
  const status = elsewhere.row('assistant/answer').locator('.status');
  await expect(status).toHaveText('Asks you');
  await named(page, 'Stop').click();
  await expect(status).toHaveText('Stopped');
  await expect(last(page)).toHaveAttribute('data-end', 'stopped');
  await expect(named(page, 'Approve: fetch the ten posts')).toHaveCount(0);
});

test('a model that refuses, fails or is cut: shown, and Retry asks again', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  (await fake.question(0)).refuse(500);
  await expect(last(page)).toHaveText('No whole answer came: the upstream answered 500.');
  await named(page, 'Retry').click();
  const cut = await fake.question(1);
  cut.say('Half an ans');
  await expect(last(page)).toContainText('Half an ans');
  cut.cut();
  await expect(last(page)).toContainText('the connection to the model was cut. What had come is kept.');
  await expect(last(page)).toContainText('Half an ans');
  await page.reload();
  await ready(page);
  await named(page, 'Retry').click();
  const limited = await fake.question(2);
  // What failed is no part of what was said.
  expect(limited.messages.slice(1)).toEqual([{ role: 'user', content: 'Well?' }]);
  limited.refuse(429, { 'retry-after': '1' });
  await expect(last(page)).toContainText('asks to wait 1 s');
  await page.getByRole('button', { name: /^Retry/ }).click();
  const good = await fake.question(3);
  good.say('Whole.');
  good.end();
  await expect(last(page)).toHaveText('Whole.');
  await expect(page.locator('.message')).toHaveText(['Well?', /Half an ans/, 'Whole.']);
});

test('what a model asks to wait counts down; late, nothing is left of it; early, the rest is waited', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const retry = page.getByRole('button', { name: /^Retry/ });
  (await fake.question(0)).refuse(429, { 'retry-after': '4' });
  await expect(retry).toHaveText(/^Retry in [1-4] s$/);
  // The second after that, too, over a reload, in the page's first bytes.
  await expect(retry).toHaveText(/^Retry in [12] s$/);
  const html = await (await page.reload())?.text();
  expect(html).not.toContain('Retry in 4 s');
  await expect(retry).toHaveText('Retry');
  const late = Date.now();
  await retry.click();
  const second = await fake.question(1);
  expect(Date.now() - late).toBeLessThan(3_000);
  second.refuse(429, { 'retry-after': '3' });
  await expect(retry).toHaveText(/^Retry in [1-3] s$/);
  const early = Date.now();
  await retry.click();
  // It is waited, and that is told.
  await expect(last(page)).toContainText(/The model is asked again in [1-3] s\./);
  const third = await fake.question(2);
  expect(Date.now() - early).toBeGreaterThan(1_000);
  third.say('Whole.');
  third.end();
  await expect(last(page)).toHaveText('Whole.');
});

test('tools again and again have an end, which is told', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'Well?');
  for (let round = 0; round < 4; round++) {
    (await fake.question(round)).call(['look_up_product', { id: 7 }]);
  }
  await expect(last(page)).toContainText('The model asked for tools again and again.');
  await expect(last(page)).toHaveAttribute('data-end', 'failed');
  expect(fake.questions).toHaveLength(4);
  await named(page, 'Retry').click();
  (await fake.question(4)).end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
});

for (const [signal, down] of [
  ['kill -9', (server: Gallery) => server.kill()],
  ['SIGTERM', (server: Gallery) => server.stop()],
] as const) {
  test(`${signal} while it answers, while a tool asks, while it is paused: told, and Retry asks again`, async ({
    page,
    context,
    server,
    problems,
    fake,
  }) => {
    test.setTimeout(90_000);
    await open(page, '/assistant?c=1');
    await ask(page, 'Answers?');
    (await fake.question(0)).say('One ');
    await expect(last(page)).toHaveText('One');
    await open(page, '/assistant?c=2');
    await ask(page, 'Asks?');
    (await fake.question(1)).call(['fetch_posts', {}]);
    await expect(named(page, 'Approve: fetch the ten posts')).toBeVisible();
    await open(page, '/assistant?c=3');
    await ask(page, 'Is paused?');
    (await fake.question(2)).say('Two ');
    await expect(last(page)).toHaveText('Two');
    await named(page, 'Pause').click();
    await expect(page.locator('.talk .status').first()).toHaveAttribute('data-status', 'paused');
    // Two see it happen, the third is opened later.
    const second = await context.newPage();
    await open(second, '/assistant?c=2');
    problems.expectNetworkErrors();
    await down(server);
    await server.start();
    const third = await context.newPage();
    await open(third, '/assistant?c=1');
    const tabs: [Page, RegExp][] = [
      [third, /^One/],
      [second, /Stopped/],
      [page, /^Two/],
    ];
    for (const [nth, [tab, kept]] of tabs.entries()) {
      await expect(last(tab)).toHaveAttribute('data-end', 'failed', { timeout: 10_000 });
      await expect(last(tab)).toContainText('The server ended it. What had come is kept.');
      await expect(last(tab)).toContainText(kept);
      await expect(named(tab, 'Approve: fetch the ten posts')).toHaveCount(0);
      await expect(named(tab, 'Ask')).toBeEnabled();
      await named(tab, 'Retry').click();
      const again = await fake.question(3 + nth);
      again.say('Whole.');
      again.end();
      await expect(last(tab)).toHaveText('Whole.');
      await expect(last(tab)).toHaveAttribute('data-end', 'done');
      await expectNoLoss(tab);
    }
    await expect(new Tray(page).count).toContainText('0');
  });
}

test('what another tab begins or removes leads nobody away from what is typed', async ({ page, context, fake }) => {
  await open(page, '/assistant');
  await ask(page, 'First?');
  (await fake.question(0)).end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
  await input(page).fill('half a que');
  const other = await context.newPage();
  await open(other, '/assistant');
  await other.getByRole('link', { name: 'New conversation' }).click();
  await ask(other, 'Second?');
  (await fake.question(1)).end();
  await expect(last(other)).toHaveAttribute('data-end', 'done');
  await expect(page.locator('.conversation')).toHaveCount(2);
  await expect(page.locator('.message.person')).toHaveText('First?');
  await expect(input(page)).toHaveValue('half a que');
  // One that is removed leads to one that is there, whatever the address says.
  await page.getByRole('button', { name: 'Remove the conversation: Second?' }).click();
  await expect(other.locator('.message.person')).toHaveText('First?');
  await expect(input(page)).toHaveValue('half a que');
  await ask(other, 'Third?');
  (await fake.question(2)).end();
  await expect(page.locator('.message.person')).toHaveText(['First?', 'Third?']);
});

test('by keyboard alone: a question, a yes, a Stop, a Retry', async ({ page, fake }) => {
  await open(page, '/assistant');
  await input(page).focus();
  await page.keyboard.type('Post?');
  await page.keyboard.press('Enter');
  (await fake.question(0)).call(['fetch_posts', {}]);
  const press = async (name: string, key: string) => {
    await named(page, name).focus();
    await page.keyboard.press(key);
  };
  await press('Approve: fetch the ten posts', 'Enter');
  const posted = await fake.question(1);
  posted.say('Posted.');
  await expect(last(page)).toHaveText('Posted.');
  await press('Stop', 'Space');
  await posted.expectGone();
  await press('Retry', 'Enter');
  (await fake.question(2)).end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
});

test('the network goes and comes back: no word is lost', async ({ page, context, problems, fake }) => {
  problems.expectNetworkErrors();
  await open(page, '/assistant');
  await ask(page, 'Well?');
  const question = await fake.question(0);
  question.say('One ');
  await expect(last(page)).toHaveText('One');
  await context.setOffline(true);
  await expect(page.locator('.banner')).toBeVisible();
  question.say('two ');
  question.say('three.');
  question.end();
  await context.setOffline(false);
  await expect(last(page)).toHaveText('One two three.');
  await expectNoLoss(page);
});

test('what a model writes is never code', async ({ page, fake }) => {
  await open(page, '/assistant');
  await ask(page, '<b>Well?</b>');
  const question = await fake.question(0);
  const evil = [
    '<img src=x onerror="window.burned = 1">',
    '',
    '<script>window.burned = 1</script>',
    '',
    'In <b onclick="x()">line</b>, [a](javascript:alert(1)), [b](data:text/html,x), [c](https://leptos.dev), ![d](https://leptos.dev/x.png)',
    '',
    '```html',
    '<i>code</i>',
    '```',
  ].join('\n');
  for (const letter of evil) question.say(letter);
  question.end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
  for (const look of [async () => {}, async () => void (await page.reload())]) {
    await look();
    await expect(last(page)).toContainText('<img src=x onerror=');
    await expect(last(page)).toContainText('<script>window.burned = 1</script>');
    await expect(last(page).locator('img, script, b, i')).toHaveCount(0);
    await expect(last(page).locator('a')).toHaveCount(1);
    await expect(last(page).locator('a')).toHaveAttribute('href', 'https://leptos.dev');
    await expect(last(page).locator('pre code')).toHaveText('<i>code</i>');
    expect(await page.evaluate(() => 'burned' in window)).toBe(false);
  }
  await expect(page.locator('.message.person')).toHaveText('<b>Well?</b>');
});

test('a code block is copied', async ({ page, context, fake }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, '/assistant');
  await ask(page, 'Code?');
  const question = await fake.question(0);
  question.say('```rust\nlet a = 1;\nlet b = 2;\n```');
  question.end();
  await expect(last(page)).toHaveAttribute('data-end', 'done');
  await named(page, 'Copy').click();
  await expect(named(page, 'Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('let a = 1;\nlet b = 2;\n');
});

test('questions that are none, and a stranger', async ({ page, newVisitor, fake }) => {
  await open(page, '/assistant');
  // Of a model that is not the built-in one nobody asks to fail.
  await expect(page.locator('.failing')).toBeHidden();
  await ask(page, '   ');
  await expect(page.locator('.talk-ask .fault')).toHaveText('A question has words.');
  await ask(page, 'Mine?');
  (await fake.question(0)).end();
  await expect(last(page)).toHaveText('The model had nothing to say.');
  const stranger = await (await newVisitor()).newPage();
  await open(stranger, '/assistant?c=1');
  await expect(stranger.locator('.no-messages')).toBeVisible();
  await open(stranger, '/assistant?c=7');
  await ask(stranger, 'A seventh?');
  await expect(stranger.locator('.talk-ask .fault')).toContainText('This conversation is gone.');
});

gallery('the built-in model: a question that is suggested, its tools, its faults', async ({ page }) => {
  await open(page, '/assistant');
  await named(page, 'What is a background task?').click();
  await expect(last(page)).toHaveAttribute('data-end', 'done', { timeout: 20_000 });
  await expect(last(page).locator('ol li')).toHaveCount(3);
  await named(page, 'Fetch the ten posts, and look up product 7').click();
  await named(page, 'Approve: fetch the ten posts').click();
  await expect(last(page)).toContainText('is product 7, and costs');
  await expect(last(page)).toContainText('The ten posts are on their way');
  await named(page, 'a cut').click();
  await expect(last(page)).toContainText('was cut', { timeout: 20_000 });
  await named(page, 'Retry').click();
  await expect(last(page)).toContainText('This time it worked.');
  await expectNoLoss(page);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('Pause, Resume, Stop and Retry of an answer are forms', async ({ page, fake }) => {
    const shows = async (status: string) => {
      const is = async () => {
        await page.goto('/assistant');
        return page.locator('.talk .status').first().getAttribute('data-status');
      };
      await expect.poll(is).toBe(status);
    };
    await page.goto('/assistant');
    await ask(page, 'Well?');
    const question = await fake.question(0);
    question.say('One');
    await shows('running');
    await named(page, 'Pause').click();
    await shows('paused');
    await named(page, 'Resume').click();
    await shows('running');
    await named(page, 'Stop').click();
    await question.expectGone();
    await shows('stopped');
    await expect(last(page)).toContainText('Stopped. What had come is kept.');
    await named(page, 'Retry').click();
    (await fake.question(1)).end();
    await shows('done');
  });
});

test('a question that is half written waits in its conversation', async ({ page, fake }) => {
  const conversation = (id: number) => page.locator(`.conversation[data-id="${id}"] a`);
  const isOpen = (id: number) => expect(page.locator('.talk')).toHaveAttribute('data-id', `${id}`);
  await open(page, '/assistant');
  await ask(page, 'The first?');
  (await fake.question(0)).end();
  await input(page).fill('Half of the sec');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await isOpen(2);
  await expect(input(page)).toHaveValue('');
  await input(page).fill('Something else');
  await conversation(1).click();
  await isOpen(1);
  await expect(input(page)).toHaveValue('Half of the sec');
  // Over a look at another page, too.
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Posts' }).click();
  await expect(page.locator('.talk')).toHaveCount(0);
  await page.goBack();
  await isOpen(1);
  await expect(input(page)).toHaveValue('Half of the sec');
  // What was sent is no draft.
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  expect((await fake.question(1)).text).toBe('Half of the sec');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await isOpen(2);
  await expect(input(page)).toHaveValue('Something else');
  await conversation(1).click();
  await isOpen(1);
  await expect(input(page)).toHaveValue('');
});

gallery.describe('without JavaScript', () => {
  gallery.use({ javaScriptEnabled: false });

  gallery('a question, an approval, a second conversation and Remove are forms', async ({ page }) => {
    const shows = (text: RegExp) => async () => {
      await page.reload();
      return text.test(await last(page).innerText());
    };
    await page.goto('/assistant');
    await ask(page, 'Look up product 7 and fetch the ten posts');
    await expect.poll(shows(/Asks you/)).toBe(true);
    await named(page, 'Approve: fetch the ten posts').click();
    await expect.poll(shows(/Here is what came of it/)).toBe(true);
    await page.getByRole('link', { name: 'New conversation' }).click();
    await expect(page.locator('.no-messages')).toBeVisible();
    await ask(page, 'What is a task?');
    await expect.poll(shows(/beside the queue/)).toBe(true);
    expect(new URL(page.url()).searchParams.get('c')).toBe('2');
    await expect(page.locator('.conversation')).toHaveCount(2);
    await page.getByRole('button', { name: /^Remove the conversation: Look up/ }).click();
    await expect(page.locator('.conversation')).toHaveCount(1);
  });
});
