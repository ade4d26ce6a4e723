// A server that waits for the test: an answer goes out when the test lets it, and each request is
// counted. So a test can look at the middle of a run for as long as it likes, on however slow a
// machine.

import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@playwright/test';

/** Things by their number, below a path. What lets which of them go out is for a class below. */
export abstract class Held {
  /** The ids that were asked for, in order. */
  readonly asked: number[] = [];
  /** Requests that wait, the longest first. */
  protected readonly waiting = new Map<ServerResponse, number>();
  private readonly failing = new Set<number>();
  private readonly server = createServer((request, response) => this.hear(request.url ?? '', response));

  protected constructor(
    private readonly path: string,
    private readonly items: { id: number }[],
  ) {}

  protected async listen(): Promise<this> {
    await new Promise<void>((listens) => this.server.listen(0, '127.0.0.1', listens));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.path}`;
  }

  /** Answers 500 for these, once it answers. */
  fail(...ids: number[]): void {
    ids.forEach((id) => this.failing.add(id));
  }

  repair(): void {
    this.failing.clear();
  }

  /** How many requests wait. */
  get open(): number {
    return this.waiting.size;
  }

  /** Waits until so many were asked for. */
  async expectAsked(times: number): Promise<void> {
    await expect.poll(() => this.asked.length, { timeout: 20_000 }).toBe(times);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Answers those that may go out. */
  protected abstract answer(): void;

  protected hear(path: string, response: ServerResponse): void {
    const id = Number(path.split('/').at(-1));
    this.asked.push(id);
    this.waiting.set(response, id);
    // Whoever has hung up waits for nothing.
    response.on('close', () => this.waiting.delete(response));
    this.answer();
  }

  protected reply(response: ServerResponse, id: number): void {
    this.waiting.delete(response);
    const item = this.items.find((one) => one.id === id);
    this.say(response, this.failing.has(id) ? undefined : item);
  }

  /** Nothing to say is an error. */
  protected say(response: ServerResponse, body?: object): void {
    response.writeHead(body ? 200 : 500, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: 'It is out of order' }));
  }
}
