// A stretch of network between the browser and the server that the test holds up, lets go or cuts:
// so it can look at the middle of an upload for as long as it likes, on however slow a machine.

import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test as gallery } from './gallery';

/** So much of what a connection sends passes. Pages and clicks have less, a large file more. */
export const PASSES_BYTES = 1_000_000;

export class Dam {
  private isOpen = false;
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
    this.isOpen = true;
    for (const socket of this.held) socket.resume();
    this.held.clear();
  }

  /** What is held breaks off on both sides, and nothing is held any more. */
  cut(): void {
    this.isOpen = true;
    for (const socket of this.held) socket.destroy();
    this.held.clear();
  }

  close(): void {
    for (const socket of this.all) socket.destroy();
    this.dam.close();
  }

  private join(near: Socket): void {
    const far = connect(this.port, '127.0.0.1');
    let passed = 0;
    const hold = () => passed > PASSES_BYTES && !this.isOpen;
    near.on('data', (bytes) => {
      passed += bytes.length;
      const isDrained = far.write(bytes);
      if (isDrained && !hold()) return;
      near.pause();
      if (hold()) this.held.add(near);
      else far.once('drain', () => near.resume());
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
