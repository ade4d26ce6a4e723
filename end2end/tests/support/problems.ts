// What a page complains about. A test that leaves any of it behind has failed.

import type { BrowserContext, ConsoleMessage } from '@playwright/test';

/** The browser's own words for a request that got no answer. */
const NETWORK = /^Failed to load resource: net::ERR_/;
/** The browser's own words for what a server or a policy refuses. */
const REFUSED =
  /status of (403|409)|favicon\.ico|ERR_FAILED|ERR_BLOCKED_BY_RESPONSE|CORS policy|frame-ancestors/;
/** The browser's own words for a page that is not there. */
const MISSING = /status of 404/;
/** The browser's own words for a form whose content is refused. */
const REFUSED_FORM = /status of (400|409|413|422)/;
/** The browser's own words for a stream that is none, and the page's for one of another version. */
const NO_STREAM =
  /status of 503|EventSource's response has a|a frame of the stream can't be read|does not fit the state/;
/** What a program says as it dies. */
const PANIC = /panicked at|hydration|unreachable/i;
/** Chromium's hint that a preloaded file was not used within seconds: on a busy machine it is late. */
const PRELOAD = /was preloaded using link preload but not used/;

export class Problems {
  private readonly seen: string[] = [];
  private networkErrors = false;
  private refusals = false;
  private missing = false;
  private refusedForms = false;
  private noStreams = false;
  private noProgram = false;
  private panic = false;

  /** Listens to every page of a context: errors and warnings in the console, uncaught errors. */
  watch(context: BrowserContext): void {
    context.on('console', (message) => this.hear(message));
    context.on('weberror', (error) => {
      const text = `${error.error()}`;
      if (this.noProgram && /Failed to fetch|dynamically imported|CompileError|network error/i.test(text)) return;
      if (this.panic && /unreachable/.test(text)) return;
      this.seen.push(`uncaught: ${text}`);
    });
  }

  /** From here on the server may be gone, or the browser offline: requests may fail. */
  expectNetworkErrors(): void {
    this.networkErrors = true;
  }

  /** From here on pages do what is refused. */
  expectRefusals(): void {
    this.refusals = true;
  }

  /** From here on pages are opened that are not there. */
  expectMissing(): void {
    this.missing = true;
  }

  /** From here on pages send what is refused for what is in it. */
  expectRefusedForms(): void {
    this.refusedForms = true;
  }

  /** From here on something else answers in the place of the server. */
  expectNoStreams(): void {
    this.noStreams = true;
  }

  /** From here on a page's program does not come. */
  expectNoProgram(): void {
    this.noProgram = true;
    this.networkErrors = true;
  }

  /** From here on a page's program dies. */
  expectPanic(): void {
    this.panic = true;
  }

  /** What nobody expected. */
  list(): string[] {
    return [...this.seen];
  }

  private hear(message: ConsoleMessage): void {
    const text = `${message.text()} (${message.location().url})`;
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (message.type() === 'warning' && PRELOAD.test(text)) return;
    if (this.networkErrors && NETWORK.test(text)) return;
    if (this.panic && PANIC.test(text)) return;
    if (this.missing && MISSING.test(text)) return;
    if (this.refusedForms && REFUSED_FORM.test(text)) return;
    if (this.noStreams && NO_STREAM.test(text)) return;
    if (this.refusals && REFUSED.test(text)) return;
    this.seen.push(`${message.type()}: ${text}`);
  }
}
