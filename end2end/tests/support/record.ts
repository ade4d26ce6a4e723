// Runs inside the page, from before its first byte: notes what a person could have seen.

import type { BrowserContext, Page } from '@playwright/test';

/** What one region showed at one moment. */
export interface Sight {
  /** The posts, in the order of the page. */
  ids: number[];
  /** Those of them that failed. */
  failed: number[];
  status: string | null;
  /** What it says beside its buttons: what waits, or why a button is disabled. */
  hint: string;
}

declare global {
  interface Window {
    sights: Record<string, Sight[]>;
    violations: string[];
    layoutShift: number;
  }
}

/** Has every page of a context note what it shows, or only how far it shifts and what it is refused. */
export async function record(context: BrowserContext, sights: boolean): Promise<void> {
  await context.addInitScript(noteProblems);
  if (sights) await context.addInitScript(noteSights);
}

/** What a region has shown since the page was loaded: each state once, in order. */
export function sights(page: Page, region: string): Promise<Sight[]> {
  return page.evaluate((region) => window.sights[region] ?? [], region);
}

/** Forgets what was shown so far. */
export function forget(page: Page): Promise<void> {
  return page.evaluate(() => {
    window.sights = {};
    window.layoutShift = 0;
  });
}

function noteSights(): void {
  const nameOf = (region: Element) => {
    const label = document.getElementById(region.getAttribute('aria-labelledby') ?? '');
    return region.getAttribute('aria-label') ?? label?.textContent?.trim() ?? '';
  };
  const idsOf = (region: Element, selector: string) =>
    [...region.querySelectorAll<HTMLElement>(selector)].map((post) => Number(post.dataset.id));
  const look = () => {
    for (const region of document.querySelectorAll('section')) {
      const sight = {
        ids: idsOf(region, 'article'),
        failed: idsOf(region, 'article[data-state=failed]'),
        status: region.querySelector('.status')?.getAttribute('data-status') ?? null,
        hint: region.querySelector('.hint')?.textContent?.trim() ?? '',
      };
      const sights = (window.sights[nameOf(region)] ??= []);
      const last = sights.at(-1);
      if (!last || JSON.stringify(last) !== JSON.stringify(sight)) sights.push(sight);
    }
  };
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributeFilter: ['data-id', 'data-state', 'data-status'],
  });
}

function noteProblems(): void {
  window.sights = {};
  window.violations = [];
  window.layoutShift = 0;

  document.addEventListener('securitypolicyviolation', (violation) => {
    window.violations.push(`${violation.effectiveDirective}: ${violation.blockedURI}`);
  });

  new PerformanceObserver((entries) => {
    for (const entry of entries.getEntries()) {
      const shift = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
      // What moves within half a second after a click is what was clicked for.
      if (!shift.hadRecentInput) window.layoutShift += shift.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
}
