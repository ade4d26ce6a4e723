// A model that says what the test says, word by word, and notes who hangs up.

import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test as gallery } from './gallery';

interface Said {
  role: string;
  content: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
}

/** A question that waits for the test, or is being answered. */
export class Question {
  /** Whoever asked has closed the connection. */
  isGone = false;

  constructor(
    readonly messages: Said[],
    private readonly response: ServerResponse,
  ) {
    response.on('close', () => (this.isGone = true));
  }

  /** What was asked last. */
  get text(): string {
    return this.messages.filter(({ role }) => role === 'user').at(-1)?.content ?? '';
  }

  /** Sends more words. */
  say(words: string): void {
    this.event({ choices: [{ delta: { content: words } }] });
  }

  /** Asks for tools, and ends. */
  call(...tools: [name: string, given: object][]): void {
    const calls = tools.map(([name, given], index) => ({
      index,
      id: `call-${index}`,
      function: { name, arguments: JSON.stringify(given) },
    }));
    this.event({ choices: [{ delta: { tool_calls: calls }, finish_reason: 'tool_calls' }] });
    this.end();
  }

  /** That was all. */
  end(): void {
    this.begin();
    this.response.end('data: [DONE]\n\n');
  }

  /** The connection goes in the middle. */
  cut(): void {
    this.begin();
    this.response.destroy();
  }

  /** No answer but a status. */
  refuse(status: number, headers: Record<string, string> = {}): void {
    this.response.writeHead(status, headers);
    this.response.end('{}');
  }

  async expectGone(): Promise<void> {
    await expect.poll(() => this.isGone, { timeout: 3_000 }).toBe(true);
  }

  private event(data: object): void {
    this.begin();
    this.response.write(`data: ${JSON.stringify(data)}\n\n`);
  }

  private begin(): void {
    if (!this.response.headersSent) {
      this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    }
  }
}

export class FakeModel {
  readonly questions: Question[] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<FakeModel> {
    const server = createServer();
    const model = new FakeModel(server);
    server.on('request', (request, response) => void model.hear(request, response));
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** The question of this number, from 0, once it is here. */
  async question(number: number): Promise<Question> {
    await expect.poll(() => this.questions.length).toBeGreaterThan(number);
    return this.questions[number];
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += part;
    const { messages } = JSON.parse(body) as { messages: Said[] };
    this.questions.push(new Question(messages, response));
  }
}

/** As `gallery`'s, but the assistant asks a model that the test holds. */
export const test = gallery.extend<{ fake: FakeModel }>({
  fake: async ({}, use) => {
    const fake = await FakeModel.open();
    await use(fake);
    fake.close();
  },
  model: async ({ fake }, use) => use({ url: fake.url }),
});

export { expect };
