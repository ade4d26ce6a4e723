// A client in another language, docs/client.py: written from PROTOCOL.md alone. It must end where the
// page does, though its stream is cut again and again.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { expect, test } from './support/gallery';
import { newCookie, sendEvents } from './support/raw';
import type { Gallery } from './support/server';

interface Row {
  id: number;
  value: number;
}
interface Rows {
  list: Row[];
  map: Record<string, Row>;
  last: number;
}
interface Told {
  state: string;
  at: string;
  how: 'snapshot' | 'ops' | 'known';
  value: unknown;
}

/** The client, and the newest it has told of each state. */
class Python {
  readonly newest = new Map<string, Told>();
  readonly hows: string[] = [];
  private constructor(private readonly process: ChildProcess) {}

  static follow(server: Gallery, cookie: string, states: string[], cut: number): Python {
    const script = resolve('../docs/client.py');
    const asked = [script, server.url, '--cookie', cookie, '--follow', states.join(','), '--cut', `${cut}`];
    const started = spawn('python3', asked, { stdio: ['ignore', 'pipe', 'inherit'] });
    const python = new Python(started);
    if (!started.stdout) throw new Error('it has no output');
    createInterface({ input: started.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      python.newest.set(told.state, told);
      python.hows.push(told.how);
    });
    return python;
  }

  value<T>(state: string): T | undefined {
    return this.newest.get(state)?.value as T | undefined;
  }

  end(): void {
    this.process.kill();
  }
}

/** A number that looks random and is the same in every run. */
function dice(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return Number(state >> 33n) % below;
  };
}

const LIST_OPS = [
  ...['push', 'push_front', 'insert', 'extend', 'push', 'insert', 'extend'],
  ...['remove', 'pop', 'move', 'swap', 'sort', 'reverse', 'retain', 'truncate', 'change', 'mix'],
];
const MAP_OPS = ['insert', 'insert', 'change', 'remove'];

test('a list and a map end in Python as on the page', async ({ page, context, server }) => {
  await page.goto('/lab/rows');
  await page.waitForSelector('html[data-hydrated]');
  const [cookie] = await context.cookies();
  const session = `${cookie.name}=${cookie.value}`;
  const python = Python.follow(server, session, ['lab_rows', 'uc_ends'], 7);
  await expect.poll(() => python.newest.size, 'it follows both').toBe(2);
  const below = dice(11);
  let n = 0;
  for (let round = 0; round < 20; round++) {
    const events = Array.from({ length: 15 }, (): [number, string, unknown] => {
      const [a, b] = [below(40), below(40)];
      n += 1;
      return below(4)
        ? [n, 'lab_rows/change_list', { op: LIST_OPS[below(LIST_OPS.length)], a, b }]
        : [n, 'lab_rows/change_map', { op: MAP_OPS[below(MAP_OPS.length)], a: below(9), b }];
    });
    expect((await sendEvents(server, session, events)).status).toBe(202);
  }
  type Ends = { clients: { client: string; upto: number; failures?: unknown[] }[] };
  const own = () => python.value<Ends>('uc_ends')?.clients.find(({ client }) => client === 'test');
  await expect.poll(() => own()?.upto).toBe(n);
  expect(own()?.failures ?? []).toEqual([]);
  const shown = (list: string) =>
    page.locator(`#${list} li`).evaluateAll((rows) =>
      rows.map((row) => [
        row.getAttribute('data-key'),
        Number(row.getAttribute('data-id')),
        Number(row.querySelector('span')?.textContent),
      ]),
    );
  const told = (list: 'list' | 'map') => {
    const rows = python.value<Rows>('lab_rows')?.[list] ?? {};
    const entries = Object.entries(rows).map(([key, row]) => [list === 'map' ? key : null, row.id, row.value]);
    return list === 'map' ? entries.sort(([a], [b]) => (`${a}` < `${b}` ? -1 : 1)) : entries;
  };
  for (const list of ['list', 'map'] as const) {
    await expect.poll(async () => JSON.stringify(await shown(list))).toBe(JSON.stringify(told(list)));
    expect(told(list).length).toBeGreaterThan(0);
  }
  python.end();
  // It went on by ops, over all the cuts.
  const count = (how: string) => python.hows.filter((one) => one === how).length;
  expect(count('ops')).toBeGreaterThan(n / 3);
  expect(count('snapshot')).toBeLessThan(20);
});

test('texts that grow end in Python as on the page', async ({ page, context, server }) => {
  await page.goto('/lorem');
  await page.waitForSelector('html[data-hydrated]');
  const [cookie] = await context.cookies();
  const python = Python.follow(server, `${cookie.name}=${cookie.value}`, ['lorem'], 5);
  await expect.poll(() => python.newest.size, 'it follows').toBe(1);
  await sendEvents(server, `${cookie.name}=${cookie.value}`, [
    [1, 'lorem/add_stream', {}],
    [2, 'lorem/add_stream', {}],
  ]);
  type Lorem = { streams: { text: string; done: number; of: number }[] };
  const streams = () => python.value<Lorem>('lorem')?.streams ?? [];
  const done = () => streams().map(({ done, of }) => done >= of);
  await expect.poll(done, { timeout: 30_000 }).toEqual([true, true]);
  const main = page.locator('main');
  for (const { text } of streams()) {
    expect(text.length).toBeGreaterThan(30);
    await expect(main).toContainText(text.trim());
  }
  python.end();
  expect(python.hows.filter((how) => how === 'ops').length).toBeGreaterThan(8);
});

test('a new visitor begins with the default state at 0-0', async ({ server }) => {
  const python = Python.follow(server, await newCookie(server), ['lab_rows'], 0);
  await expect.poll(() => python.newest.get('lab_rows') ?? {}).toMatchObject({
    at: '0-0',
    how: 'snapshot',
    value: { list: [], map: {}, last: 0 },
  });
  python.end();
});
