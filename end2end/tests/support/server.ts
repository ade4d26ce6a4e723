// The real server, one for each test, on a port of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
/** GALLERY_BIN names another binary, a release build say. */
const binary = resolve(root, process.env.GALLERY_BIN || 'target/debug/gallery');

/** Where the server gets its products from. What is left out is as in Leptos.toml. */
export interface Upstream {
  /** Instead of the built-in upstream. */
  url?: string;
  /** Milliseconds before each answer of the built-in upstream. */
  delayMs?: number;
  /** What the built-in upstream does wrong: `3=500,7=timeout*1`. */
  faults?: string;
  /** Milliseconds that an answer may take. */
  timeoutMs?: number;
}

/** The model that the assistant asks. What is left out is as in Leptos.toml. */
export interface Model {
  /** Instead of the built-in model. */
  url?: string;
  /** Milliseconds before each token of the built-in model. */
  delayMs?: number;
  /** What the built-in model does wrong with its first requests: `429,ok,cut`. */
  faults?: string;
  /** Milliseconds that a model may be silent. */
  timeoutMs?: number;
}

/** The shop whose sales the report is made of. What is left out is as in Leptos.toml. */
export interface Sales {
  /** Instead of the built-in shop. */
  url?: string;
  /** Milliseconds before each answer of the built-in shop, more or less. */
  delayMs?: number;
  /** The share of its answers that fail. */
  failureRate?: number;
  /** What it does wrong: `3=500,7=timeout*1`. */
  faults?: string;
  /** Milliseconds that an answer may take. */
  timeoutMs?: number;
}

/** What else Leptos.toml says. */
export interface Settings {
  /** Limits of the runtime, by name. */
  limits?: Record<string, number>;
  /** Host names beside this machine's. */
  hosts?: string[];
  /** The site is said to be reached by https. */
  https?: boolean;
  /** Scopes of the memory are looked for more often than those of the disk. */
  store?: 'memory';
  /** Seconds between two looks for files whose sessions have gone. */
  sweepS?: number;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** From the signal to the end. */
  ms: number;
}

const START_MS = 20_000;

export class Gallery {
  /** What it has written so far, over all its starts. */
  log = '';
  private process?: ChildProcess;
  private readonly env: NodeJS.ProcessEnv;
  private readonly folder = mkdtempSync(join(tmpdir(), 'gallery-'));
  /** Where its Leptos.toml is. */
  private readonly home: string;
  /** Where it keeps what visitors send. */
  readonly uploads = join(this.folder, 'uploads');

  private constructor(
    readonly port: number,
    upstream: Upstream,
    model: Model,
    sales: Sales,
    settings: Settings,
  ) {
    const { limits, hosts, https } = settings;
    this.home = limits || hosts || https ? this.folder : root;
    if (this.home !== root) writeSettings(this.folder, settings);
    this.env = {
      LEPTOS_SITE_ROOT: join(root, 'target/site'),
      ...withoutSettings(process.env),
      LEPTOS_ENV: 'PROD',
      LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
      NO_COLOR: '1',
      // Kept over a restart, as the key file is.
      UNDERCURRENT_SESSION_KEY: randomBytes(32).toString('hex'),
      // Of this test alone.
      UNDERCURRENT_STORE_FILE: join(this.folder, 'state.redb'),
      UPLOADS_FOLDER: this.uploads,
      ...(settings.store && { UNDERCURRENT_STORE: settings.store }),
      ...(settings.sweepS !== undefined && { UPLOADS_SWEEP_S: `${settings.sweepS}` }),
      ...(upstream.url !== undefined && { UPSTREAM_URL: upstream.url }),
      ...(upstream.delayMs !== undefined && { UPSTREAM_DELAY_MS: `${upstream.delayMs}` }),
      ...(upstream.faults !== undefined && { UPSTREAM_FAULTS: upstream.faults }),
      ...(upstream.timeoutMs !== undefined && { UPSTREAM_TIMEOUT_MS: `${upstream.timeoutMs}` }),
      ...(model.url !== undefined && { ASSISTANT_URL: model.url }),
      ...(model.delayMs !== undefined && { ASSISTANT_DELAY_MS: `${model.delayMs}` }),
      ...(model.faults !== undefined && { ASSISTANT_FAULTS: model.faults }),
      ...(model.timeoutMs !== undefined && { ASSISTANT_TIMEOUT_MS: `${model.timeoutMs}` }),
      ...(sales.url !== undefined && { SALES_URL: sales.url }),
      ...(sales.delayMs !== undefined && { SALES_DELAY_MS: `${sales.delayMs}` }),
      ...(sales.failureRate !== undefined && { SALES_FAILURE_RATE: `${sales.failureRate}` }),
      ...(sales.faults !== undefined && { SALES_FAULTS: sales.faults }),
      ...(sales.timeoutMs !== undefined && { SALES_TIMEOUT_MS: `${sales.timeoutMs}` }),
    };
  }

  static async start(
    upstream: Upstream,
    model: Model = {},
    sales: Sales = {},
    settings: Settings = {},
  ): Promise<Gallery> {
    const gallery = new Gallery(await freePort(), upstream, model, sales, settings);
    await gallery.start();
    return gallery;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, again on the same port, and waits until it listens. */
  async start(): Promise<void> {
    if (this.process) throw new Error('the server runs already');
    const started = spawn(binary, { cwd: this.home, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = started;
    running.add(started);
    started.once('exit', () => running.delete(started));
    await new Promise<void>((listens, fails) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        fails(new Error(`${binary}: ${why}\n${this.log}`));
      };
      const timer = setTimeout(() => fail(`does not listen after ${START_MS} ms`), START_MS);
      const from = this.log.length;
      const hear = (text: Buffer) => {
        this.log += text.toString();
        if (this.log.indexOf('listening at http://', from) < 0) return;
        clearTimeout(timer);
        listens();
      };
      started.stdout.on('data', hear);
      started.stderr.on('data', hear);
      started.once('error', (error) => fail(`${error.message}; build it first: cargo leptos build`));
      started.once('exit', (code, signal) => fail(`ended at the start (${code ?? signal})`));
    });
  }

  /** SIGKILL: gone in the middle of whatever it does. */
  kill(): Promise<Exit> {
    return this.end('SIGKILL');
  }

  /** SIGTERM: it drains. */
  stop(): Promise<Exit> {
    return this.end('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Copies what it keeps, while it does not run. What is returned puts that back. */
  backUp(): () => void {
    const copies = mkdtempSync(join(this.folder, 'backup-'));
    const kept = () => readdirSync(this.folder).filter((name) => name.startsWith('state.redb'));
    for (const name of kept()) copyFileSync(join(this.folder, name), join(copies, name));
    return () => {
      for (const name of kept()) rmSync(join(this.folder, name));
      for (const name of readdirSync(copies)) copyFileSync(join(copies, name), join(this.folder, name));
    };
  }

  private async end(signal: NodeJS.Signals): Promise<Exit> {
    const ending = this.process;
    if (!ending) throw new Error('the server does not run');
    this.process = undefined;
    if (ending.exitCode !== null || ending.signalCode !== null) {
      throw new Error(`the server had ended by itself (${ending.exitCode ?? ending.signalCode})`);
    }
    const since = performance.now();
    const ended = once(ending, 'exit');
    ending.kill(signal);
    const [code, by] = (await ended) as [number | null, NodeJS.Signals | null];
    return { code, signal: by, ms: performance.now() - since };
  }

  /** After a test: ends it if it runs, and tells what the log says went wrong. */
  async dispose(): Promise<string[]> {
    if (this.process) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
    return this.log.split('\n').filter((line) => /\bERROR\b|panicked/.test(line));
  }
}

// A worker that is cut off must not leave servers behind.
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Leptos.toml as it is, with other limits, hosts and scheme. */
function writeSettings(folder: string, { limits = {}, hosts = [], https = false }: Settings): void {
  let text = readFileSync(join(root, 'Leptos.toml'), 'utf8');
  const put = (line: string, other: string) => {
    if (!text.includes(line)) throw new Error(`Leptos.toml has no line ${line}`);
    text = text.replace(line, () => other);
  };
  const lines = Object.entries(limits).map(([name, limit]) => `${name} = ${limit}\n`);
  put('[undercurrent.limits]\n', `[undercurrent.limits]\n${lines.join('')}`);
  put('\nhosts = []\n', `\nhosts = ${JSON.stringify(hosts)}\n`);
  put('\nhttps = false\n', `\nhttps = ${https}\n`);
  writeFileSync(join(folder, 'Leptos.toml'), text);
}

/** Settings of whoever runs the tests are not those of the tests; the site's folder is. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = ([key]: [string, unknown]) =>
    key === 'LEPTOS_SITE_ROOT' || !/^(ASSISTANT|LEPTOS|SALES|UPLOADS|UPSTREAM|UNDERCURRENT)_/.test(key);
  return Object.fromEntries(Object.entries(env).filter(own));
}

/**
 * A port that nobody has. It is kept while the server is down, so it lies below those that the
 * system hands out to connections.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free between 20000 and 32000');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((known) => {
    const probe = createServer();
    probe.once('error', () => known(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => known(true)));
  });
}
