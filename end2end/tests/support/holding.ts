// A proxy that waits for the end of a stream before it passes any of it on, as some do whatever the
// server says. What is no stream it passes as it comes.

import { type Server, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Holding {
  private constructor(private readonly proxy: Server) {}

  static async before(port: number): Promise<Holding> {
    const proxy = createServer((asked, given) => {
      const { method, url, headers } = asked;
      const further = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
        given.writeHead(answer.statusCode ?? 502, answer.headers);
        if (!url?.startsWith('/api/stream')) {
          answer.pipe(given);
          return;
        }
        given.flushHeaders();
        const held: Buffer[] = [];
        answer.on('data', (bytes: Buffer) => held.push(bytes));
        answer.on('end', () => given.end(Buffer.concat(held)));
      });
      further.on('error', () => given.destroy());
      given.on('close', () => further.destroy());
      asked.pipe(further);
    });
    await new Promise<void>((listens) => proxy.listen(0, '127.0.0.1', listens));
    return new Holding(proxy);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.proxy.address() as AddressInfo).port}`;
  }

  close(): void {
    this.proxy.close();
    this.proxy.closeAllConnections();
  }
}
