// Requests as no browser would make them: any header, any body. Node's fetch refuses some.

import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import type { Gallery } from './server';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Ask {
  method?: string;
  path: string;
  /** A `host` of '' leaves that header out. */
  headers?: OutgoingHttpHeaders;
  body?: string;
  /** Of a body that does not end: what was heard once this holds. */
  until?: (body: string) => boolean;
}

/** What a browser says of a request that a page of the site itself makes. */
export const FROM_HERE = { 'sec-fetch-site': 'same-origin' };
export const JSON_BODY = { 'content-type': 'application/json' };
export const FORM_BODY = { 'content-type': 'application/x-www-form-urlencoded' };

const TIMEOUT_MS = 10_000;

export function ask(server: Gallery, { method, path, headers, body, until }: Ask): Promise<Answer> {
  return new Promise((answered, failed) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: server.port,
        method: method ?? 'GET',
        path,
        headers: { ...(body && { 'content-length': Buffer.byteLength(body) }), ...headers },
        setHost: headers?.host !== '',
        // A connection for each: what one request does to it is no other's.
        agent: false,
        timeout: TIMEOUT_MS,
      },
      (response) => {
        const { statusCode: status = 0, headers } = response;
        let heard = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          heard += text;
          if (!until?.(heard)) return;
          answered({ status, headers, body: heard });
          sent.destroy();
        });
        response.on('end', () => answered({ status, headers, body: heard }));
        response.on('error', failed);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer in time`)));
    sent.on('error', failed);
    sent.end(body);
  });
}

/** Opens a page as a new visitor and returns its cookie, as `Cookie:` wants it. */
export async function newCookie(server: Gallery): Promise<string> {
  const { headers } = await ask(server, { path: '/posts' });
  const cookie = headers['set-cookie']?.[0]?.split(';')[0];
  if (!cookie) throw new Error('the page set no cookie');
  return cookie;
}

/** Sends events as a page does. */
export function sendEvents(
  server: Gallery,
  cookie: string | undefined,
  events: [number, string, unknown][],
  client = 'test',
): Promise<Answer> {
  return ask(server, {
    method: 'POST',
    path: '/api/events',
    headers: { ...FROM_HERE, ...JSON_BODY, ...(cookie && { cookie }) },
    body: JSON.stringify({ client, events }),
  });
}

/** Posts a form as a browser without JavaScript does. */
export function sendForm(
  server: Gallery,
  cookie: string,
  path: string,
  fields: Record<string, string>,
): Promise<Answer> {
  return ask(server, {
    method: 'POST',
    path,
    headers: { ...FROM_HERE, ...FORM_BODY, cookie },
    body: new URLSearchParams(fields).toString(),
  });
}

/** What the page says of the counter. */
export async function clicksOf(server: Gallery, cookie: string): Promise<number> {
  const { body } = await ask(server, { path: '/posts', headers: { cookie } });
  const found = /class="[^"]*\bclicks-value\b[^"]*"[^>]*>\s*(\d+)/.exec(body);
  if (!found) throw new Error('the page shows no counter');
  return Number(found[1]);
}

/** The ids of the posts in a page's HTML, by region. */
export function postsInHtml(html: string, region: string): number[] {
  const regions = html.split('<section').slice(1);
  const own = regions.find((part) => part.includes(region));
  if (own === undefined) throw new Error(`the HTML has no region ${region}`);
  const articles = own.split('</section>')[0].matchAll(/<article\b[^>]*\bdata-id="(\d+)"/g);
  return [...articles].map((article) => Number(article[1]));
}
