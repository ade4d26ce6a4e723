// Who is let in, and what a request may do.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from './support/gallery';
import {
  FORM_BODY,
  FROM_HERE,
  JSON_BODY,
  ask,
  clicksOf,
  newCookie,
  postsInHtml,
  sendEvents,
  sendForm,
} from './support/raw';

const COUNT = '/api/posts/count';
const STREAM = '/api/stream?follow=s.posts';
/** A stream's first state has come, or it has ended. */
const hasState = (heard: string) => /^data: \[/m.test(heard) || heard.includes('"bye"');
/** A click on Count, as a page sends it. */
const aClick = (number: number): [number, string, unknown] => [number, 'posts/count', {}];

test('the cookie is issued by a page, and by nothing else', async ({ server }) => {
  for (const path of ['/', '/posts', '/nowhere']) {
    const { headers } = await ask(server, { path, headers: { accept: 'text/html' } });
    expect(headers['set-cookie'], path).toHaveLength(1);
    const cookie = headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Lax/i);
    expect(cookie).toMatch(/Path=\//i);
    expect(headers['cache-control']).toContain('no-store');
  }
  const others = [
    '/pkg/gallery.js',
    '/pkg/gallery.wasm',
    '/pkg/gallery.css',
    '/pkg/nothing.js',
    '/favicon.svg',
    '/favicon.ico',
    '/api/events',
    '/api/nothing',
    COUNT,
    STREAM,
  ];
  const setsOne: string[] = [];
  for (const path of others) {
    for (const accept of ['*/*', 'image/png']) {
      const headers = { ...FROM_HERE, accept };
      // Only a stream does not end by itself.
      const until = path === STREAM ? hasState : undefined;
      const answer = await ask(server, { path, headers, until });
      if (answer.headers['set-cookie']) setsOne.push(`${path}, Accept: ${accept}`);
    }
  }
  expect(setsOne).toEqual([]);
});

test('a visitor who has a cookie keeps it', async ({ server }) => {
  const cookie = await newCookie(server);
  const { headers } = await ask(server, { path: '/posts', headers: { cookie } });
  expect(headers['set-cookie']).toBeUndefined();
});

test('GET and HEAD change nothing', async ({ server }) => {
  const cookie = await newCookie(server);
  await sendEvents(server, cookie, [aClick(1)]);
  await expect.poll(() => clicksOf(server, cookie)).toBe(1);
  const paths = [
    COUNT,
    `${COUNT}?_client=a&_n=1&_back=/posts`,
    '/api/posts/get_posts',
    '/api/posts/clear_background',
    '/api/events',
    '/api/uc_tasks/cancel?task=posts/get_posts',
  ];
  for (const path of paths) {
    for (const method of ['GET', 'HEAD']) {
      const { status } = await ask(server, { method, path, headers: { ...FROM_HERE, cookie } });
      expect(status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
      expect(status, `${method} ${path}`).toBeLessThan(500);
    }
  }
  const { body } = await ask(server, { path: '/posts', headers: { cookie } });
  expect(postsInHtml(body, 'Background task')).toEqual([]);
  expect(await clicksOf(server, cookie)).toBe(1);
});

test('a POST without a cookie is refused, and gets none', async ({ server }) => {
  const headers = { ...FROM_HERE, ...JSON_BODY };
  const answers = [
    await sendEvents(server, undefined, [aClick(1)]),
    await ask(server, { method: 'POST', path: COUNT, headers, body: '{}' }),
    await sendForm(server, 'other=1', COUNT, { _client: 'a', _n: '1', _back: '/posts' }),
  ];
  for (const { status, headers } of answers) {
    expect(status).toBe(401);
    expect(headers['set-cookie']).toBeUndefined();
  }
  const stream = await ask(server, { path: STREAM, headers: FROM_HERE, until: hasState });
  expect(stream.headers['set-cookie']).toBeUndefined();
  expect(stream.body).toContain('no_session');
  expect(stream.body).not.toContain('"clicks"');
});

test.describe('a tampered cookie', () => {
  test('is refused by events and streams, and a page replaces it', async ({ server }) => {
    const cookie = await newCookie(server);
    await sendEvents(server, cookie, [aClick(1)]);
    await expect.poll(() => clicksOf(server, cookie)).toBe(1);
    const [name, value] = cookie.split('=');
    const parts = value.split('.');
    const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1);
    const tampered = parts.map((_, changed) =>
      parts.map((part, at) => (at === changed ? flip(part) : part)).join('.'),
    );
    tampered.push(parts.slice(0, -1).join('.'), '', 'v1', `${value}0`, value.slice(0, -1));
    for (const bad of tampered) {
      const cookie = `${name}=${bad}`;
      expect((await sendEvents(server, cookie, [aClick(2)])).status, bad).toBe(401);
      const headers = { ...FROM_HERE, cookie };
      const stream = await ask(server, { path: STREAM, headers, until: hasState });
      expect(stream.body, bad).toContain('no_session');
      const page = await ask(server, { path: '/posts', headers: { cookie } });
      expect(page.headers['set-cookie'], bad).toHaveLength(1);
      expect(page.body, bad).not.toMatch(/"clicks\\?":1/);
    }
    expect(await clicksOf(server, cookie)).toBe(1);
  });

  test('in the browser: the page begins anew', async ({ posts, page, context }) => {
    await posts.open();
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    const [own] = await context.cookies();
    const parts = own.value.split('.');
    parts[2] = parts[2].replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    await context.addCookies([{ ...own, value: parts.join('.') }]);
    await page.reload();
    await posts.ready();
    await expect(posts.clicks).toHaveText('0');
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    expect((await context.cookies())[0].value).not.toBe(parts.join('.'));
  });
});

test('events and streams from elsewhere are refused', async ({ server }) => {
  const cookie = await newCookie(server);
  const body = JSON.stringify({ client: 'a', events: [aClick(1)] });
  const elsewhere: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: server.url },
    { origin: 'https://evil.example' },
    { origin: `http://127.0.0.1:${server.port + 1}` },
    { origin: `http://localhost:${server.port}` },
    { origin: 'null' },
    {},
  ];
  for (const from of elsewhere) {
    const told = JSON.stringify(from);
    const json = { ...from, ...JSON_BODY, cookie };
    const form = { ...from, ...FORM_BODY, cookie };
    const asked = [
      await ask(server, { method: 'POST', path: '/api/events', headers: json, body }),
      await ask(server, { method: 'POST', path: COUNT, headers: json, body: '{}' }),
      await ask(server, { method: 'POST', path: COUNT, headers: form, body: '_back=%2Fposts' }),
      await ask(server, { path: STREAM, headers: { ...from, cookie }, until: hasState }),
    ];
    expect(asked.map(({ status }) => status), told).toEqual([403, 403, 403, 403]);
  }
  expect(await clicksOf(server, cookie)).toBe(0);
  // A client that sends no Fetch-Metadata proves by its Origin that it is from here.
  const headers = { origin: server.url, ...JSON_BODY, cookie };
  const answer = await ask(server, { method: 'POST', path: '/api/events', headers, body });
  expect(answer.status).toBe(202);
  await expect.poll(() => clicksOf(server, cookie)).toBe(1);
});

test.describe('a page of another port of this host', () => {
  // To the browser it is the same site, and the cookie is sent along. Only the door is in between.
  const evilTest = test.extend<{ evil: (html: string) => Promise<string> }>({
    evil: async ({}, use) => {
      let html = '';
      const evil = createServer((_, response) => {
        response.setHeader('content-type', 'text/html').end(html);
      });
      await new Promise<void>((listens) => evil.listen(0, '127.0.0.1', listens));
      await use(async (content) => {
        html = content;
        return `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
      });
      evil.closeAllConnections();
      evil.close();
    },
  });

  evilTest('can press no button here, and read no stream', async ({
    posts,
    page,
    context,
    server,
    problems,
    evil,
  }) => {
    await posts.open();
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    problems.expectRefusals();
    const trap = await context.newPage();
    const form = `<form method="post" action="${server.url}${COUNT}"><button>Win</button></form>`;
    await trap.goto(await evil(form));
    const posted = trap.waitForResponse((response) => response.request().method() === 'POST');
    await trap.getByRole('button').click();
    expect((await posted).status()).toBe(403);
    expect((await (await posted).request().allHeaders()).cookie).toContain('gallery-session');

    await trap.goBack();
    const heard = await trap.evaluate(
      (url) =>
        new Promise((told) => {
          const stream = new EventSource(url, { withCredentials: true });
          stream.onopen = () => told('open');
          stream.onerror = () => told('error');
        }),
      server.url + STREAM,
    );
    expect(heard).toBe('error');

    await page.bringToFront();
    await posts.count.click();
    await expect(posts.clicks).toHaveText('2');
  });

  evilTest('cannot frame a page', async ({ page, server, problems, evil }) => {
    problems.expectRefusals();
    await page.goto(await evil(`<iframe src="${server.url}/posts"></iframe>`));
    const [, frame] = page.frames();
    await expect.poll(() => frame.url()).toMatch(/^chrome-error:/);
  });
});

test('a foreign host name is turned away', async ({ server }) => {
  const cookie = await newCookie(server);
  for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1.evil.example', '']) {
    const headers = { ...FROM_HERE, ...JSON_BODY, cookie, host };
    const asked = [
      await ask(server, { path: '/posts', headers }),
      await ask(server, { path: '/pkg/gallery.js', headers }),
      await ask(server, { path: STREAM, headers, until: hasState }),
      await ask(server, { method: 'POST', path: COUNT, headers, body: '{}' }),
    ];
    expect(asked.map(({ status }) => status), `Host: ${host}`).toEqual([421, 421, 421, 421]);
    for (const { headers } of asked) expect(headers['set-cookie']).toBeUndefined();
  }
  const { status } = await ask(server, { path: '/posts', headers: { host: 'localhost' } });
  expect(status).toBe(200);
  expect(await clicksOf(server, cookie)).toBe(0);
});

test('bodies: too long, of another kind, not to be read', async ({ server }) => {
  const cookie = await newCookie(server);
  const post = async (path: string, type: Record<string, string>, body: string) => {
    const headers = { ...FROM_HERE, ...type, cookie };
    return (await ask(server, { method: 'POST', path, headers, body })).status;
  };
  const events = JSON.stringify({ client: 'a', events: [aClick(1)] });
  const long = ' '.repeat(64 * 1024);
  const text = { 'content-type': 'text/plain' };
  const multipart = { 'content-type': 'multipart/form-data; boundary=x' };

  expect(await post('/api/events', JSON_BODY, events + long)).toBe(413);
  expect(await post(COUNT, JSON_BODY, `{}${long}`)).toBe(413);
  expect(await post(COUNT, FORM_BODY, `_back=/&x=${'x'.repeat(64 * 1024)}`)).toBe(413);

  // What a page of another site can send without being asked first.
  expect(await post('/api/events', text, events)).toBe(415);
  expect(await post('/api/events', FORM_BODY, events)).toBe(415);
  expect(await post('/api/events', {}, events)).toBe(415);
  expect(await post(COUNT, text, '{}')).toBe(415);
  expect(await post(COUNT, multipart, '--x--')).toBe(415);

  for (const bad of ['', '{', '[]', '{"client":"a"}', '{"client":"","events":[]}', '\u0000']) {
    expect(await post('/api/events', JSON_BODY, bad), bad).toBe(422);
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => aClick(at + 1));
  const many = JSON.stringify({ client: 'many', events: numbers(101) });
  expect(await post('/api/events', JSON_BODY, many)).toBe(422);
  expect(await post('/api/posts/retry_background', JSON_BODY, '{"id":"x"}')).toBe(422);
  expect(await post('/api/posts/retry_background', FORM_BODY, 'id=x')).toBe(422);
  expect(await post('/api/posts/retry_background', FORM_BODY, '')).toBe(422);
  expect(await post(COUNT, FORM_BODY, '_client=a&_n=one')).toBe(422);
  expect(await post(COUNT, FORM_BODY, '_client=a')).toBe(422);
  expect(await clicksOf(server, cookie)).toBe(0);
});

test('an event that the server does not know is answered as refused, and the others run', async ({
  server,
}) => {
  const cookie = await newCookie(server);
  const answer = await sendEvents(server, cookie, [
    aClick(1),
    [2, 'posts/nothing', {}],
    [3, 'posts/retry_background', { id: 'x' }],
    [4, '../posts/count', {}],
    aClick(5),
  ]);
  expect(answer.status).toBe(202);
  const { events } = JSON.parse(answer.body) as { events: { n: number; is: string; kind?: string }[] };
  expect(events.map(({ n, is, kind }) => [n, is, kind])).toEqual([
    [1, 'queued', undefined],
    [2, 'refused', 'outdated'],
    [3, 'refused', 'misfit'],
    [4, 'refused', 'outdated'],
    [5, 'queued', undefined],
  ]);
  await expect.poll(() => clicksOf(server, cookie)).toBe(2);
  const unknown = await sendForm(server, cookie, '/api/posts/nothing', { _back: '/posts' });
  expect(unknown.status).toBeGreaterThanOrEqual(400);
  expect(unknown.status).toBeLessThan(500);
});

test('an event that is sent twice runs once', async ({ server }) => {
  const cookie = await newCookie(server);
  for (let time = 0; time < 3; time++) await sendEvents(server, cookie, [aClick(1), aClick(2)]);
  for (let time = 0; time < 2; time++) {
    const form = { _client: 'form', _n: '1', _back: '/posts' };
    expect((await sendForm(server, cookie, COUNT, form)).status).toBe(303);
  }
  await expect.poll(() => clicksOf(server, cookie)).toBe(3);
});

test('a form leads back to a path of this site only', async ({ server }) => {
  const cookie = await newCookie(server);
  const leadsTo = async (back: string, number: number) => {
    const fields = { _client: 'form', _n: `${number}`, _back: back };
    const { status, headers } = await sendForm(server, cookie, COUNT, fields);
    expect(status).toBe(303);
    expect(headers['set-cookie']).toBeUndefined();
    return headers.location;
  };
  const good = ['/', '/posts', '/posts?x=1&y=%2F%2F'];
  const bad = [
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'posts',
    '',
    '/\t/evil.example',
    '/posts\r\nSet-Cookie: a=b',
    '/pösts',
  ];
  let number = 0;
  for (const back of good) expect(await leadsTo(back, ++number), back).toBe(back);
  for (const back of bad) expect(await leadsTo(back, ++number), back).toBe('/');
  const { headers } = await sendForm(server, cookie, COUNT, {});
  expect(headers.location).toBe('/');
  // A Referer leads nowhere.
  const referer = 'https://evil.example/';
  const sent = { ...FROM_HERE, ...FORM_BODY, cookie, referer };
  const answer = await ask(server, { method: 'POST', path: COUNT, headers: sent, body: '' });
  expect(answer.headers.location).toBe('/');
});

test.describe('the policy for content', () => {
  test('a nonce is used once, and nothing inline runs without it', async ({ server }) => {
    const policies = new Set<string>();
    for (let view = 0; view < 3; view++) {
      const { headers, body } = await ask(server, { path: '/posts' });
      const policy = `${headers['content-security-policy']}`;
      const nonce = /'nonce-([^']{16,})'/.exec(policy)?.[1];
      expect(nonce).toBeTruthy();
      policies.add(policy);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("base-uri 'none'");
      expect(policy).toContain("form-action 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe-inline');
      expect(policy).not.toMatch(/'unsafe-eval'/);
      for (const [script] of body.matchAll(/<script\b[^>]*>/g)) {
        expect(script).toContain(`nonce="${nonce}"`);
      }
      expect(body).not.toMatch(/<[^>]+\son\w+=|<[^>]+\sstyle=/);
    }
    expect(policies.size).toBe(3);
  });

  test('nothing on the page breaks it', async ({ posts, page }) => {
    await posts.open();
    for (const style of [posts.background, posts.chained]) {
      await style.run();
      await style.clear.click();
    }
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    expect(await page.evaluate(() => window.violations)).toEqual([]);
  });
});

test('no stream shows the scope of another visitor', async ({ server }) => {
  const [own, other] = [await newCookie(server), await newCookie(server)];
  await sendEvents(server, own, [aClick(1), aClick(2), aClick(3)]);
  await expect.poll(() => clicksOf(server, own)).toBe(3);
  const open = (cookie: string, follow: string) =>
    ask(server, {
      path: `/api/stream?follow=${follow}`,
      headers: { ...FROM_HERE, cookie },
      until: hasState,
    });
  const mine = await open(own, 's.posts');
  expect(mine.body).toContain('"clicks":3');
  const position = /^id: s-(\S+)$/m.exec(mine.body)?.[1] ?? 'none';

  // The position of another's state leads to one's own.
  const stolen = await open(other, `s.posts@${position}`);
  expect(stolen.body).not.toContain('"clicks":3');
  // A scope has no name that could be told.
  for (const follow of ['posts', 'x.posts', `${own.split('.')[2]}.posts`, 's.', 's.nothing']) {
    const refused = await open(other, follow);
    expect(refused.body, follow).toContain('unknown_state');
    expect(refused.body, follow).not.toContain('"clicks"');
  }
  // Nor does the client's id of another lead into its scope.
  await sendEvents(server, other, [aClick(4)], 'test');
  await expect.poll(() => clicksOf(server, other)).toBe(1);
  expect(await clicksOf(server, own)).toBe(3);
});

test.describe('a run', () => {
  test.use({ upstream: { delayMs: 150 } });

  test('is not stopped by another visitor', async ({ posts, server }) => {
    await posts.open();
    await posts.background.begin(1);
    const cookie = await newCookie(server);
    const cancel = { task: 'posts/get_posts', key: '' };
    const answer = await sendEvents(server, cookie, [[1, 'uc_tasks/cancel', cancel]]);
    expect(answer.status).toBe(202);
    await posts.background.expectStatus('running');
    await posts.background.expectStatus('done');
    await posts.background.expectAllPosts();
  });
});
