// Words that are hard to show: in the first paint, after hydration and over the stream they are the
// same words, nothing of them runs, and the page lives.

import { expect, test } from './support/gallery';
import { open } from './support/page';
import { sendEvents } from './support/raw';

const WORDS: Record<string, string> = {
  'the end of a script': '</script><script>window.burned = 1</script><img src=x onerror="burned = 1">',
  'a comment': '<!-- --!> <![CDATA[ ]]> <!doctype html>',
  'line separators': 'one\u2028two\u2029three',
  'a NUL before a digit': 'a\u00007b\u000012',
  'nothing but NUL': '\u0000',
  quotes: `"double" 'single' \`back\` \\ \\u0000 \\n \${1}`,
  entities: '&amp; &lt; &#0; &quot;',
  'right to left': '\u202Eabc\u202C \u200F\u0639\u0631\u0628\u064A\u061C \u2066x\u2069',
  'the last of each plane': '\u{10FFFF}\uFFFD\u{1F469}\u200D\u{1F680}',
  'an empty one': '',
  spaces: '  two  spaces ',
  'a megabyte': '<b>&\u2028"',
};

/** An HTML document has no NUL: there its sign stands. What a script sets has one. */
const inHtml = (word: string) => word.replaceAll('\u0000', '\uFFFD');

/** As the page counts: bytes, and a sum over them. */
function told(word: string): string {
  const bytes = new TextEncoder().encode(word);
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${bytes.length} ${sum}`;
}

test('words that are hard to show are shown, and the page lives', async ({ page, context, server }) => {
  test.setTimeout(120_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await open(page, '/lab/words');
  const [cookie] = await context.cookies();
  const session = `${cookie.name}=${cookie.value}`;
  let n = 0;
  const send = async (name: string, arguments_: unknown) => {
    const answer = await sendEvents(server, session, [[++n, `lab_words/${name}`, arguments_]]);
    expect(answer.body).toContain('queued');
  };
  const shown = () =>
    page.evaluate(() => {
      const sign = (text?: string | null) => text?.replaceAll('\u0000', '\uFFFD');
      const text = (selector: string) => sign(document.querySelector(selector)?.textContent);
      return {
        list: text('#list li:last-of-type'),
        map: text('#map li'),
        key: sign(document.querySelector('#map li')?.getAttribute('data-key')),
        text: text('#text'),
        plain: text('#plain'),
        between: text('#between'),
        title: sign(document.querySelector('#plain')?.getAttribute('title')),
      };
    });
  for (const [what, once] of Object.entries(WORDS)) {
    const times = what === 'a megabyte' ? 100_000 : 1;
    const word = once.repeat(times);
    const all = (as: string, empty = as) => ({
      ...{ list: as || empty, map: as || empty, key: as, text: as || empty, plain: as || empty },
      ...{ between: `before ${as || empty} ${as || empty} behind`, title: as },
    });
    await send('say', { word: once, times });
    // Over the stream.
    await expect(page.locator('#numbers'), what).toHaveText(told(word), { timeout: 20_000 });
    expect(await shown(), what).toEqual(all(inHtml(word)));
    // In the first paint, before and after it is hydrated. An empty text is a space there.
    await page.reload({ waitUntil: 'domcontentloaded' });
    expect(await shown(), what).toEqual(all(inHtml(word), ' '));
    await expect(page.locator('html[data-hydrated]'), what).toBeAttached();
    await expect(page.locator('#numbers'), what).toHaveText(told(word));
    expect(await shown(), what).toEqual(all(inHtml(word), ' '));
    // And it goes on.
    await page.locator('#forget').click();
    await expect(page.locator('#list li'), what).toHaveCount(0);
    await expect(page.locator('#numbers'), what).toHaveText(told(''));
    expect(await page.evaluate(() => 'burned' in window), what).toBe(false);
    expect(errors, what).toEqual([]);
    expect(await page.locator('html[data-panicked]').count(), what).toBe(0);
  }
});
