// A stretch of network between the browser and the server that the test holds up, lets go or cuts:
// so it can look at the middle of an upload for as long as it likes, on however slow a machine.

import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test as gallery } from './gallery';

/** So much of what a connection sends passes. Pages and clicks have less, a large file more. */
export const PASSES_BYTES = 1_000_000;

export class Dam {
  /** What becomes of more. */
  private way: 'holds' | 'cuts' | 'passes' = 'holds';
  /** A request that begins so gets no answer, and its connection none any more. Once. */
  private unanswered?: string;
  private readonly held = new Set<Socket>();
  private readonly all = new Set<Socket>();
  private readonly dam = createServer((near) => this.join(near));

  private constructor(private readonly port: number) {}

  static async before(port: number): Promise<Dam> {
    const dam = new Dam(port);
    await new Promise<void>((listens) => dam.dam.listen(0, '127.0.0.1', listens));
    return dam;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.dam.address() as AddressInfo).port}`;
  }

  /** What is held goes on, and nothing is held any more. */
  open(): void {
    this.way = 'passes';
    for (const socket of this.held) socket.resume();
    this.held.clear();
  }

  /** What is held breaks off on both sides, and so does what comes as far from now on: a browser tries
   * again by itself where a connection was not new. */
  cut(): void {
    this.way = 'cuts';
    for (const socket of this.held) socket.destroy();
    this.held.clear();
  }

  /** The next such request passes, and its answer never comes: the connection dies without a word. */
  keepAnswerTo(request: string): void {
    this.unanswered = request;
  }

  close(): void {
    for (const socket of this.all) socket.destroy();
    this.dam.close();
  }

  private join(near: Socket): void {
    const far = connect(this.port, '127.0.0.1');
    let passed = 0;
    near.on('data', (bytes) => {
      passed += bytes.length;
      if (this.unanswered !== undefined && bytes.toString('latin1').startsWith(this.unanswered)) {
        this.unanswered = undefined;
        far.unpipe(near);
        far.resume();
      }
      const isDrained = far.write(bytes);
      const way = passed > PASSES_BYTES ? this.way : 'passes';
      if (way === 'cuts') {
        near.destroy();
      } else if (way === 'holds') {
        near.pause();
        this.held.add(near);
      } else if (!isDrained) {
        near.pause();
        far.once('drain', () => near.resume());
      }
    });
    near.on('end', () => far.end());
    far.pipe(near);
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.all.add(socket);
      // The other side hears that it is gone, and no more.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.all.delete(socket);
        this.held.delete(socket);
        other.destroy();
      });
    }
  }
}

/** As `gallery`'s, but what the browser sends goes through a dam. */
export const test = gallery.extend<{ dam: Dam }>({
  dam: async ({ server }, use) => {
    const dam = await Dam.before(server.port);
    await use(dam);
    dam.close();
  },
  baseURL: async ({ dam }, use) => use(dam.url),
});
