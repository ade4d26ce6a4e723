// The page of rows: what it should show after each click, and what it shows.

import { type Page, expect } from '@playwright/test';

interface Row {
  id: number;
  value: number;
}

/** What a row of the page shows. `node` tells one DOM node from another. */
interface Shown extends Row {
  key: string | null;
  node: number;
  note: string;
  focused: boolean;
}

interface Look {
  list: Shown[];
  map: Shown[];
  /** As `Model.text`. */
  text: string;
}

/** Milliseconds for what was clicked to be shown. */
const PATIENCE = 10_000;

export interface Step {
  op: string;
  a: number;
  b: number;
}

export const LIST_OPS = [
  ...['push', 'push_front', 'insert', 'insert', 'remove', 'pop', 'move', 'move', 'swap', 'sort'],
  ...['reverse', 'retain', 'truncate', 'change', 'change', 'extend', 'extend', 'mix'],
];
export const MAP_OPS = ['map_insert', 'map_insert', 'map_change', 'map_remove'];

/** Numbers that look random and are the same in each run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function randomStep(random: (below: number) => number): Step {
  const ops = random(3) === 0 ? MAP_OPS : LIST_OPS;
  return { op: ops[random(ops.length)], a: random(12), b: random(12) };
}

/** What the server holds. */
export class Model {
  list: Row[] = [];
  map = new Map<string, Row>();
  private last = 0;

  private row(value: number): Row {
    this.last += 1;
    return { id: this.last, value };
  }

  /** Does what the server does. */
  do({ op, a, b }: Step): void {
    const { list, map } = this;
    const [at, other] = [a % Math.max(list.length, 1), b % Math.max(list.length, 1)];
    const key = `k${a}`;
    const growing = ['push', 'push_front', 'insert', 'extend'];
    if (list.length === 0 && !op.startsWith('map_') && !growing.includes(op)) return;
    switch (op) {
      case 'push':
        list.push(this.row(b));
        return;
      case 'push_front':
        list.unshift(this.row(b));
        return;
      case 'insert':
        list.splice(a % (list.length + 1), 0, this.row(b));
        return;
      case 'extend':
        list.push(...[0, 1, 2].map((n) => this.row(b + n)));
        return;
      case 'remove':
        list.splice(at, 1);
        return;
      case 'pop':
        list.pop();
        return;
      case 'move': {
        const [moved] = list.splice(at, 1);
        list.splice(other, 0, moved);
        return;
      }
      case 'swap':
        [list[at], list[other]] = [list[other], list[at]];
        return;
      case 'sort':
        list.sort((one, two) => one.value - two.value || one.id - two.id);
        return;
      case 'reverse':
        list.reverse();
        return;
      case 'retain':
        this.list = list.filter((row) => row.id % 2 === 0);
        return;
      case 'truncate':
        list.length = at;
        return;
      case 'change':
        list[at].value += 1;
        return;
      case 'mix':
        list.unshift(this.row(b));
        list.splice(1 + at, 1);
        list[other].value += 1;
        return;
      case 'map_insert':
        map.set(key, this.row(b));
        return;
      case 'map_change': {
        const row = map.get(key);
        if (row) row.value += 1;
        return;
      }
      case 'map_remove':
        map.delete(key);
        return;
      default:
        throw new Error(`there is no ${op}`);
    }
  }

  /** What the page should show: the list in its order, the map in that of its keys. */
  text(): string {
    const list = this.list.map(({ id, value }) => `${id}=${value}`);
    const entries = [...this.map].sort(([one], [two]) => (one < two ? -1 : 1));
    const map = entries.map(([key, { id, value }]) => `${key}:${id}=${value}`);
    return `${list.join(' ')} | ${map.join(' ')}`;
  }
}

export class RowsPage {
  private readonly model = new Model();

  constructor(readonly page: Page) {}

  /** Clicks as a program does: the focus stays where it is. */
  async click({ op, a, b }: Step): Promise<void> {
    const step = { op, places: { a: `${a}`, b: `${b}` } };
    await this.page.evaluate(({ op, places }) => {
      for (const [id, value] of Object.entries(places)) {
        const input = document.querySelector<HTMLInputElement>(`#${id}`)!;
        input.value = value;
        input.dispatchEvent(new Event('input', { bubbles: true }));
      }
      document.querySelector<HTMLButtonElement>(`#${op}`)!.click();
    }, step);
  }

  /** One step, and what must hold after it. Rows that stay keep all that is theirs. */
  async step(step: Step): Promise<void> {
    const before = await this.look();
    this.model.do(step);
    await this.click(step);
    const after = await this.expectModel();
    const kept = this.expectKept(before, after, step);
    const focused = [...before.list, ...before.map].find(({ focused }) => focused);
    if (focused) {
      const now = kept.find(({ node }) => node === focused.node);
      if (now) expect(now.focused, `the focus after ${JSON.stringify(step)}`).toBe(true);
    }
  }

  /** Many steps at once, of which the page shows the whole later. */
  async clickAll(steps: Step[]): Promise<void> {
    for (const step of steps) {
      this.model.do(step);
      await this.click(step);
    }
  }

  /** Waits until the page shows what it should, and returns what that is. */
  async expectModel(): Promise<Look> {
    const wanted = this.model.text();
    const look = await this.look(wanted);
    expect(look.text).toBe(wanted);
    return look;
  }

  /** Puts the focus into a row, if there is one, and writes something there. */
  async focus(random: (below: number) => number): Promise<void> {
    const inputs = this.page.locator('#list input, #map input');
    const count = await inputs.count();
    if (count > 0) await inputs.nth(random(count)).focus();
  }

  /**
   * The rows now, or as soon as they are as `wanted`. Each node that is seen for the first time gets
   * a number, and a note.
   */
  look(wanted?: string): Promise<Look> {
    const lookNow = ({ wanted, patience }: { wanted?: string; patience: number }) => {
      const marks = window as Window & { lastNode?: number };
      const rows = (list: string) =>
        [...document.querySelectorAll<HTMLLIElement & { node?: number }>(`#${list} > li`)].map((row) => {
          const input = row.querySelector('input')!;
          if (row.node === undefined) {
            row.node = marks.lastNode = (marks.lastNode ?? 0) + 1;
            input.value = `note ${row.node}`;
          }
          return {
            id: Number(row.dataset.id),
            key: row.dataset.key ?? null,
            value: Number(row.querySelector('span')!.textContent),
            node: row.node,
            note: input.value,
            focused: document.activeElement === input,
          };
        });
      const look = () => {
        const [list, map] = [rows('list'), rows('map')];
        const texts = list.map(({ id, value }) => `${id}=${value}`);
        const entries = map.map(({ key, id, value }) => `${key}:${id}=${value}`);
        return { list, map, text: `${texts.join(' ')} | ${entries.join(' ')}` };
      };
      const begin = performance.now();
      return new Promise<ReturnType<typeof look>>((found) => {
        const lookAgain = () => {
          const now = look();
          const isOver = performance.now() - begin > patience;
          if (wanted === undefined || now.text === wanted || isOver) found(now);
          else setTimeout(lookAgain, 5);
        };
        lookAgain();
      });
    };
    return this.page.evaluate(lookNow, { wanted, patience: PATIENCE });
  }

  /** Rows of both looks have one node, and what was written there. Returns them. */
  expectKept(before: Look, after: Look, by: unknown): Shown[] {
    const kept: Shown[] = [];
    for (const [rows, name] of [
      [before.list, (row: Shown) => `${row.id}`],
      [before.map, (row: Shown) => row.key],
    ] as const) {
      for (const row of rows) {
        const now = (row.key === null ? after.list : after.map).find((now) => name(now) === name(row));
        if (!now) continue;
        const what = `row ${name(row)} after ${JSON.stringify(by)}`;
        expect({ node: now.node, note: now.note }, what).toEqual({
          node: row.node,
          note: `note ${row.node}`,
        });
        kept.push(now);
      }
    }
    return kept;
  }
}
