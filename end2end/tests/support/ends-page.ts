// The page /lab/ends: events that wait until they are told, and a door that is shut.

import type { Page } from '@playwright/test';

export function ends(page: Page) {
  const id = (id: string) => page.locator(`#${id}`);
  return {
    pending: id('pending'),
    gone: id('gone'),
    knocks: id('knocks'),
    listening: id('listening'),
    knocking: id('knocking'),
    refused: id('refused'),
    toasts: page.locator('.toast'),
    /** Clicks, and waits until the server has what was sent. */
    take: async (name: string) => {
      const taken = page.waitForResponse('**/api/events');
      await id(name).click();
      await taken;
    },
    click: (name: string) => id(name).click(),
  };
}
