// A page whose scripts don't come, since the network or the server has gone while it loads: it says so,
// fetches them again, and comes to life as it is, with what was typed into it.

import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import type { Page, Route } from '@playwright/test';
import { expect, test } from './support/gallery';
import { ready } from './support/page';

const SCRIPTS = '**/pkg/*.{js,wasm}*';
const notice = (page: Page) => page.locator('.undercurrent-waits');
const name = (page: Page) => page.getByLabel('Your name');

/** Notes that it is this page, in which something is typed. */
async function type(page: Page): Promise<void> {
  await name(page).fill('Grace');
  await page.evaluate(() => Object.assign(window, { marked: true }));
}

/** It has come to life, is the same, and answers. */
async function expectAlive(page: Page): Promise<void> {
  await ready(page);
  await expect(notice(page)).toHaveCount(0);
  expect(await page.evaluate(() => 'marked' in window), 'the page was reloaded').toBe(true);
  await expect(name(page)).toHaveValue('Grace');
  await page.getByRole('button', { name: 'Open the room' }).click();
  await expect(page.getByRole('button', { name: 'Leave tea' })).toBeVisible();
  await expect(page.locator('html')).not.toHaveAttribute('data-panicked');
}

const open = (page: Page) => page.goto('/room', { waitUntil: 'commit' });

for (const [what, file] of [
  ['module', /\.js(\?|$)/],
  ['wasm', /\.wasm(\?|$)/],
] as const) {
  for (const [how, answer] of [
    ['has no answer', (route: Route) => route.abort('connectionreset')],
    ['is answered 503', (route: Route) => route.fulfill({ status: 503 })],
  ] as const) {
    test(`a ${what} that ${how} is fetched again, and the page is the same`, async ({ page, problems }) => {
      problems.expectNoProgram();
      problems.expectNoStreams();
      let fails = true;
      await page.route(SCRIPTS, (route) => (fails && file.test(route.request().url()) ? answer(route) : route.continue()));
      await open(page);
      await expect(notice(page)).toHaveText(
        'This page has not loaded to its end. Trying again; what you type stays.',
      );
      await type(page);
      fails = false;
      await expectAlive(page);
    });
  }
}

test('in whatever words a browser says that scripts did not come, they are fetched again', async ({ page, problems }) => {
  problems.expectNoProgram();
  await page.addInitScript(() => {
    addEventListener('unhandledrejection', (event) => {
      Object.defineProperty(event.reason, 'message', { value: '' });
      event.preventDefault();
    });
  });
  let fails = true;
  await page.route(SCRIPTS, (route) => (fails && /\.wasm/.test(route.request().url()) ? route.abort('failed') : route.continue()));
  await open(page);
  await expect(notice(page)).toContainText('has not loaded to its end');
  await type(page);
  fails = false;
  await expectAlive(page);
});

test('what else goes wrong while a page loads fetches nothing again, and says nothing', async ({ page, problems }) => {
  problems.expectNoProgram();
  let modules = 0;
  let release = () => {};
  const held = new Promise<void>((released) => (release = released));
  await page.route(SCRIPTS, async (route) => {
    modules += Number(/\.js(\?|$)/.test(route.request().url()));
    await held;
    await route.continue();
  });
  await open(page);
  await expect(name(page)).toBeVisible();
  // As a fetch of another script of the page, which something on the way keeps from it.
  await page.evaluate(() => void setTimeout(() => void Promise.reject(new TypeError('Failed to fetch'))));
  await type(page);
  // Longer than it waits before it fetches again.
  await page.evaluate(() => new Promise((over) => setTimeout(over, 2_000)));
  await expect(notice(page)).toHaveCount(0);
  expect(modules).toBe(1);
  release();
  await expectAlive(page);
});

test('a page whose program dies says so', async ({ page, problems }) => {
  problems.expectPanic();
  // The program finds another page than it has rendered.
  await page.route('/room', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/<main[\s\S]*<\/main>/, '<main></main>') });
  });
  await open(page);
  await expect(notice(page)).toHaveText('This page has stopped. Reload it to go on. Reload');
  // It is not taken for one whose program has not come.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.evaluate(() => new Promise((over) => setTimeout(over, 1_500)));
  await expect(notice(page)).toHaveText('This page has stopped. Reload it to go on. Reload');
  await page.unrouteAll();
  await notice(page).getByRole('link', { name: 'Reload' }).click();
  await ready(page);
  await expect(notice(page)).toHaveCount(0);
});

for (const [how, answer] of [
  ['has no answer', (route: Route) => route.abort('connectionreset')],
  ['is answered 503', (route: Route) => route.fulfill({ status: 503 })],
] as const) {
  test(`a stylesheet that ${how} is fetched again, and the page is styled`, async ({ page, problems }) => {
    problems.expectNoProgram();
    problems.expectNoStreams();
    let asked = 0;
    await page.route('**/pkg/*.css*', (route) => {
      asked += 1;
      return asked <= 2 ? answer(route) : route.continue();
    });
    await open(page);
    await type(page);
    const isStyled = () => page.evaluate(() => getComputedStyle(document.body).marginTop === '0px');
    await expect.poll(isStyled).toBe(true);
    expect(asked).toBe(3);
    await expectAlive(page);
  });
}

test('the server is killed while the page loads, and comes back', async ({ page, server, problems }) => {
  problems.expectNoProgram();
  let release = () => {};
  const held = new Promise<void>((released) => (release = released));
  await page.route(SCRIPTS, async (route) => (await held, route.continue()));
  await open(page);
  await server.kill();
  release();
  await expect(notice(page)).toBeVisible();
  await type(page);
  await server.start();
  await expectAlive(page);
});

test('a browser that is back on its network fetches at once', async ({ page, context, problems }) => {
  problems.expectNoProgram();
  await page.clock.install();
  let release = () => {};
  const held = new Promise<void>((released) => (release = released));
  let asked = 0;
  await page.route(SCRIPTS, async (route) => {
    await held;
    asked += 1;
    await (asked <= 2 ? route.abort('internetdisconnected') : route.continue());
  });
  await open(page);
  await expect(name(page)).toBeVisible();
  await page.clock.pauseAt(Date.now() + 60_000);
  await context.setOffline(true);
  release();
  await expect(notice(page)).toContainText('You are offline.');
  await type(page);
  // No timer runs here.
  await context.setOffline(false);
  await ready(page);
  await expect(notice(page)).toHaveCount(0);
  await expect(name(page)).toHaveValue('Grace');
});

test('scripts that never come are not asked for without end, and the page says what helps', async ({ page, problems }) => {
  problems.expectNoProgram();
  await page.clock.install();
  let modules = 0;
  await page.route(SCRIPTS, (route) => {
    modules += Number(/\.js(\?|$)/.test(route.request().url()));
    return route.abort('connectionreset');
  });
  await open(page);
  await expect(notice(page)).toContainText('Trying again');
  await expect
    .poll(async () => (await page.clock.runFor(30_000), notice(page).getByRole('link', { name: 'Reload' }).count()), {
      timeout: 60_000,
      intervals: [50],
    })
    .toBe(1);
  const asked = modules;
  expect(asked).toBeLessThan(25);
  await page.clock.runFor(600_000);
  expect(modules).toBe(asked);
  await page.unrouteAll();
  await notice(page).getByRole('link', { name: 'Reload' }).click();
  await ready(page);
  await expect(notice(page)).toHaveCount(0);
});

/** Passes everything, but cuts a connection in the middle of a wasm for as long as it is told to. */
class Cutter {
  cuts = true;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(port: number) {
    this.server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      let isWasm = false;
      let passed = 0;
      near.on('data', (bytes) => {
        isWasm = /^GET [^ ]*\.wasm/.test(bytes.toString('latin1'));
        passed = 0;
        far.write(bytes);
      });
      far.on('data', (bytes) => {
        passed += bytes.length;
        if (isWasm && this.cuts && passed > 300_000) near.destroy();
        else near.write(bytes);
      });
      for (const [socket, other] of [[near, far], [far, near]]) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => other.destroy());
      }
    });
  }

  static async before(port: number): Promise<Cutter> {
    const cutter = new Cutter(port);
    await new Promise<void>((listens) => cutter.server.listen(0, '127.0.0.1', listens));
    return cutter;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.close();
  }
}

test.describe('behind a network that cuts', () => {
  const cut = test.extend<{ cutter: Cutter }>({
    cutter: async ({ server }, use) => {
      const cutter = await Cutter.before(server.port);
      await use(cutter);
      cutter.close();
    },
    baseURL: async ({ cutter }, use) => use(cutter.url),
  });

  cut('a wasm that is cut in the middle is fetched again', async ({ page, cutter, problems }) => {
    problems.expectNoProgram();
    await open(page);
    await expect(notice(page)).toBeVisible();
    await type(page);
    cutter.cuts = false;
    await expectAlive(page);
  });
});
