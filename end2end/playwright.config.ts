import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';

// The browser: the one named by CHROMIUM, else the system's, else Playwright's own.
const system = '/usr/bin/chromium';
const executablePath = process.env.CHROMIUM || (existsSync(system) ? system : undefined);

// Chromium has no sandbox for root. The rest keeps it from work that no test asked for.
const args = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

const SPEED = ['speed.spec.ts', 'rows-cost.spec.ts', 'pace.spec.ts'];
const BENCH = ['peers.spec.ts', 'edit.spec.ts'];
// What looks into a page at each change would be measured with it.
const alone = { trace: 'off', notesSights: false } as const;
// What says how long something may take: one after the other, with the machine to themselves.
const TIMED = ['clicks.spec.ts', 'restart.spec.ts', 'rows-layout.spec.ts', 'tabs.spec.ts'];

export default defineConfig<{ notesSights: boolean }>({
  testDir: 'tests',
  outputDir: 'test-results',
  // Two files at a time; `scripts/test.sh` runs those that measure times one after the other.
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  // Where nobody looks on, what fails is tried once more, and told as flaky: that is a bug of its own.
  retries: process.env.CI ? 1 : 0,
  // Generous: a test that passes never waits for them, and a busy machine is slow.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    ...devices['Desktop Chrome'],
    launchOptions: { executablePath, args },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [
    // Runs against a server that is there: `cargo leptos end-to-end` starts one.
    {
      name: 'smoke',
      testMatch: 'smoke.spec.ts',
      use: { baseURL: process.env.BASE_URL || 'http://127.0.0.1:3000' },
    },
    // Against a release build: `make speed` makes one. What a window of rows costs is in its table, too.
    { name: 'speed', testMatch: [...SPEED, 'rows-layout.spec.ts'], use: alone },
    // Beside others, and while it is edited: `make bench` sets up what they need.
    { name: 'bench', testMatch: BENCH, use: alone },
    // Every other test starts its own server, target/debug/gallery, on a free port.
    { name: 'full', testIgnore: ['smoke.spec.ts', ...SPEED, ...BENCH, ...TIMED] },
    { name: 'timed', testMatch: TIMED, use: { trace: 'off' } },
  ],
});
