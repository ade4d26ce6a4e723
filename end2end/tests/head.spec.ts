// What stands in a tab and in a list of bookmarks, and what stands where no page is.

import { expect, test } from './support/gallery';
import { open } from './support/page';

const TITLES = {
  '/': 'Background tasks for Leptos',
  '/posts': 'Ten posts',
  '/assistant': 'Assistant',
  '/report': 'Report',
  '/room': 'Rooms',
  '/room/tea': 'Room tea',
  '/import': 'Import',
  '/monitor': 'Monitor',
  '/dashboard': 'Dashboard',
  '/random': 'Random numbers',
  '/lorem': 'Streams',
};

test('each page has a title of its own, in its first bytes and when it is led to', async ({ page, request }) => {
  for (const [path, title] of Object.entries(TITLES)) {
    const html = await (await request.get(path)).text();
    expect(html, path).toContain(`<title>${title} · Undercurrent</title>`);
    await open(page, path);
    await expect(page).toHaveTitle(`${title} · Undercurrent`);
  }
  // By a click the page stays, and its title does not.
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Report' }).click();
  await expect(page).toHaveTitle('Report · Undercurrent');
  await page.goBack();
  await expect(page).toHaveTitle('Streams · Undercurrent');
});

test('the mark of the site is there', async ({ page, request }) => {
  await open(page, '/');
  const icon = page.locator('link[rel=icon]');
  const href = (await icon.getAttribute('href'))!;
  const response = await request.get(href);
  expect(response.status()).toBe(200);
  expect(response.headers()['content-type']).toBe(await icon.getAttribute('type'));
  expect(await response.text()).toContain('<svg');
});

test('where no page is: 404, what is said, and a way to the first page', async ({ page, problems }) => {
  problems.expectMissing();
  for (const path of ['/nowhere', '/posts/nowhere', '/room/tea/nowhere']) {
    const response = await page.goto(path);
    expect(response?.status(), path).toBe(404);
    await expect(page.locator('html')).toHaveAttribute('data-hydrated', '');
    await expect(page).toHaveTitle('Not found · Undercurrent');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is no page here');
    await expect(page.getByRole('main')).toContainText(`${path} leads to nothing.`);
  }
  await page.getByRole('main').getByRole('link', { name: 'Go to the first page' }).click();
  await expect(page).toHaveURL('/');
  await expect(page.getByRole('button', { name: 'Run it' })).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('where no page is: the same', async ({ page, problems }) => {
    problems.expectMissing();
    expect((await page.goto('/nowhere'))?.status()).toBe(404);
    await expect(page.getByRole('main')).toContainText('/nowhere leads to nothing.');
    await page.getByRole('main').getByRole('link', { name: 'Go to the first page' }).click();
    await expect(page).toHaveURL('/');
  });
});
