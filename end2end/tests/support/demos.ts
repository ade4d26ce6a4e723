// Every demonstration: how it comes to something that can be lost, what of it must stay as it is, and
// a click with the answer that it gets.

import { type Locator, type Page, expect } from '@playwright/test';
import { expectBoth } from './home-page';
import { open, ready } from './page';

export interface Demo {
  path: string;
  /** Brings it to where nothing moves by itself, and something is there. */
  begin(page: Page): Promise<void>;
  /** What is there. */
  shown(page: Page): Promise<string>;
  click(page: Page): Promise<void>;
  /** What a click changes, once it is answered. */
  answer(page: Page): Promise<string>;
  /** After an answer: the next click may come. */
  settle?(page: Page): Promise<void>;
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const texts = async (found: Locator) => (await found.allInnerTexts()).join('|');

/** Buttons of which one is chosen: a click chooses another. */
function choice(of: (page: Page) => Locator): Pick<Demo, 'click' | 'answer'> {
  return {
    click: (page) => of(page).locator('button[aria-pressed=false]').first().click(),
    answer: (page) => texts(of(page).locator('button[aria-pressed=true]')),
  };
}

const done = (page: Page) =>
  expect(page.locator('.message.model').last()).toHaveAttribute('data-end', 'done', { timeout: 20_000 });

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Your question').fill(question);
  await button(page, 'Ask').click();
}

const whole = (page: Page) =>
  expect(page.locator('#report-notes')).toHaveText('All of it is here.', { timeout: 30_000 });

export const DEMOS: Demo[] = [
  {
    path: '/',
    begin: async (page) => {
      await button(page, 'Run it').click();
      await expectBoth(page);
    },
    shown: async (page) => `${await texts(page.locator('.lane .status'))} ${await page.locator('.thumb.here').count()}`,
    // It runs anew, with the posts of before dropped.
    click: (page) => button(page, 'Run it').click(),
    answer: async (page) => `${await page.locator('.break-position').innerText()}`,
    settle: expectBoth,
  },
  {
    path: '/posts',
    begin: async (page) => {
      await page.getByRole('region', { name: 'Background task' }).getByRole('button', { name: /^Fetch/ }).click();
      await expect(page.getByRole('article')).toHaveCount(10);
      await button(page, 'Count').click();
      await expect(page.locator('.clicks-value')).toHaveText('1');
    },
    shown: async (page) => `${await texts(page.locator('article h3'))} ${await texts(page.locator('.clicks-value'))}`,
    click: (page) => button(page, 'Count').click(),
    answer: (page) => texts(page.locator('.clicks-value')),
  },
  {
    path: '/random',
    begin: async (page) => {
      const region = page.getByRole('region', { name: 'Background task' });
      await region.getByRole('button', { name: 'Single step' }).click();
      await expect(region.locator('.status')).toHaveAttribute('data-status', 'done');
      await expect(page.locator('.values')).not.toHaveText('none yet');
    },
    shown: async (page) => `${await texts(page.locator('.values'))} ${await texts(page.locator('.total'))}`,
    ...choice((page) => page.getByRole('group', { name: 'A step takes' })),
  },
  {
    path: '/lorem',
    begin: async (page) => {
      await button(page, 'Add a stream').click();
      await button(page, 'Pause stream 1').click();
      await expect(page.locator('.stream[data-id="1"] .status')).toHaveAttribute('data-status', 'paused');
    },
    shown: (page) => texts(page.locator('.stream[data-id="1"] :is(.stream-text, .stream-steps, .status)')),
    click: (page) => button(page, 'Add a stream').click(),
    answer: async (page) => `${await page.locator('.stream').count()}`,
  },
  {
    path: '/monitor',
    begin: async (page) => {
      await button(page, 'Watch').click();
      await expect(page.locator('.endpoint-calls')).toHaveText(/^[2-9]/);
      await button(page, 'Pause product 1').click();
      await expect(page.locator('.endpoint .status')).toHaveAttribute('data-status', 'paused');
    },
    shown: (page) => texts(page.locator('.endpoint :is(.endpoint-title, .endpoint-calls, .endpoint-now, .status)')),
    ...choice((page) => page.locator('.endpoint').getByRole('group', { name: 'Every' })),
  },
  {
    path: '/dashboard',
    begin: async (page) => {
      await button(page, 'Start the log').click();
      await expect(page.locator('.log-count b')).not.toHaveText('0');
      await button(page, 'Stop the log').click();
      await expect(page.locator('.log .status')).toHaveAttribute('data-status', 'stopped');
    },
    shown: (page) => texts(page.locator(':is(.log-count, .log-line)')),
    ...choice((page) => page.getByRole('group', { name: 'Lines a second' })),
  },
  {
    // Not the newest: which one is open stands in the address.
    path: '/assistant?c=1',
    begin: async (page) => {
      await ask(page, 'What is a background task?');
      await done(page);
      await page.getByRole('link', { name: 'New conversation' }).click();
      await expect(page.locator('.talk')).toHaveAttribute('data-id', '2');
      await ask(page, 'Is it safe to show what a model writes, HTML and all?');
      await done(page);
      await page.locator('.conversation[data-id="1"] a').click();
      await expect(page.locator('.talk')).toHaveAttribute('data-id', '1');
    },
    shown: (page) => texts(page.locator(':is(.message, .conversation-title)')),
    click: (page) => ask(page, 'What is a background task?'),
    answer: async (page) => `${await page.locator('.message:not(.model)').count()}`,
    settle: done,
  },
  {
    path: '/report',
    begin: async (page) => {
      await button(page, 'Make the report').click();
      await whole(page);
    },
    shown: (page) => texts(page.locator(':is(.report-facts, .cell, .report-section)')),
    click: async (page) => {
      const begins = (await page.locator('.cell[data-id]').count()) === 0;
      await button(page, begins ? 'Make the report' : 'Clear').click();
    },
    answer: async (page) => `${await page.locator('.cell[data-id]').count()}`,
  },
  {
    path: '/room/tea',
    begin: async (page) => {
      await page.getByLabel('Your name').fill('Ada');
      await button(page, 'Enter').click();
      await page.getByLabel('Say something').fill('Good morning.');
      await button(page, 'Say').click();
      await expect(page.locator('.chat-line')).toHaveCount(1);
      await page.locator('.vote-choice').first().click();
      await expect(page.locator('.vote-choice[aria-pressed=true]')).toHaveCount(1);
      await expect(page.locator('.member')).toContainText('here');
    },
    shown: (page) => texts(page.locator(':is(.chat-line, .member, .vote-choice, .room-here)')),
    ...choice((page) => page.locator('.vote')),
  },
  {
    path: '/import',
    begin: async (page) => {
      await button(page, '1,000 rows').click();
      await expect(page.locator('.import-question')).toBeVisible();
    },
    shown: (page) => texts(page.locator(':is(.import-words, .import-question > p, .import-facts, .import-run header)')),
    ...choice((page) => page.getByRole('group', { name: 'Updates a second' })),
  },
];

/** Opens a demonstration, and begins. */
export async function begin(page: Page, demo: Demo): Promise<string> {
  await open(page, demo.path);
  await demo.begin(page);
  await expect(page).toHaveURL(demo.path);
  return demo.shown(page);
}

/** The page comes alive and shows that. */
export async function expectShown(page: Page, demo: Demo, shown: string): Promise<void> {
  await ready(page);
  await expect.poll(() => demo.shown(page), { timeout: 20_000 }).toBe(shown);
}

/** One click, until it is answered: milliseconds. */
export async function answered(page: Page, demo: Demo): Promise<number> {
  const before = await demo.answer(page);
  const since = performance.now();
  await demo.click(page);
  await expect.poll(() => demo.answer(page), { intervals: [20], timeout: 20_000 }).not.toBe(before);
  const ms = performance.now() - since;
  await demo.settle?.(page);
  return ms;
}
