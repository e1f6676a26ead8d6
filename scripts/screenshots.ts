// Pictures of every page of the dashboard, at three widths, light and dark, for somebody to look at:
// node scripts/screenshots.ts [page ...]
// Of the gateway at FRONTDESK_URL with FRONTDESK_API_KEY; without a key, of one of its own with the demo workspace.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { findChromium, launchChromium } from './chromium.ts';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'dashboard/screenshots');
const widths = { 360: 780, 900: 1_000, 1440: 900 };
const pages: Record<string, (page: Page) => Promise<unknown>> = {
  today: (page) => goTo(page, '/'),
  activity: (page) => goTo(page, '/activity'),
  customers: (page) => goTo(page, '/customers'),
  async customer(page) {
    await goTo(page, '/customers');
    await page.getByRole('textbox', { name: 'Search customers' }).fill('a');
    await page.waitForTimeout(900);
    await page.locator('.people .row-link').first().click();
    await page.locator('.booking-list, .state').first().waitFor();
  },
  leads: (page) => goTo(page, '/leads'),
  async actions(page) {
    await goTo(page, '/');
    await page
      .getByRole('button', { name: /^More for/ })
      .first()
      .click();
    await page.getByRole('menu').waitFor();
  },
  async move(page) {
    await pages.actions?.(page);
    await page.getByRole('menuitem', { name: 'Move…' }).click();
    await page.getByRole('dialog').waitFor();
  },
  async cancel(page) {
    await pages.actions?.(page);
    await page.getByRole('menuitem', { name: 'Cancel…' }).click();
    await page.getByRole('dialog').waitFor();
  },
  async tags(page) {
    await pages.customer?.(page);
    await page.getByRole('button', { name: /tag/ }).first().click();
    await page.getByRole('combobox', { name: 'Tags' }).click();
  },
  async note(page) {
    await pages.customer?.(page);
    await page.getByRole('button', { name: 'Note something' }).click();
    await page.getByRole('dialog').waitFor();
  },
  async palette(page) {
    await goTo(page, '/');
    await page.keyboard.press('Control+k');
    await page.getByRole('textbox', { name: 'Search or go to' }).fill('ma');
    await page.waitForTimeout(900);
  },
  async calendar(page) {
    await goTo(page, '/');
    await page.getByRole('button', { name: /choose a day/ }).click();
    await page.getByRole('dialog').waitFor();
  },
  async empty(page) {
    await goTo(page, '/?day=2035-01-01');
  },
  async missing(page) {
    await goTo(page, '/customers/cus_00000000000000000000000000');
  },
};

const executable = findChromium();
if (!executable) {
  console.error('There is no Chromium on the PATH.');
  process.exit(1);
}
const gateway = process.env.FRONTDESK_API_KEY
  ? {
      url: process.env.FRONTDESK_URL ?? 'http://127.0.0.1:4000',
      key: process.env.FRONTDESK_API_KEY,
      async stop() {},
    }
  : await startGateway();
const wanted = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launchChromium(executable);
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [width, height] of Object.entries(widths)) {
      const context = await browser.newContext({
        viewport: { width: Number(width), height },
        colorScheme,
        locale: 'en-GB',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      const shoot = (name: string) =>
        page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) });
      await page.goto(gateway.url);
      await page.getByLabel('API key').waitFor();
      if (wanted.length === 0) await shoot('sign-in');
      await page.getByLabel('API key').first().fill(gateway.key);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Today' }).waitFor();
      for (const [name, open] of Object.entries(pages)) {
        if (wanted.length > 0 && !wanted.includes(name)) continue;
        await open(page);
        await page.waitForTimeout(500);
        await shoot(name);
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await gateway.stop();
}
console.log(`Pictures are in ${folder.slice(root.length + 1)}.`);

async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(gateway.url + path);
  await page.locator('.page-head').waitFor();
  await page.locator('.live-list, .state').first().waitFor();
}

async function startGateway() {
  const dataDir = mkdtempSync(join(tmpdir(), 'frontdesk-screenshots-'));
  chmodSync(dataDir, 0o711);
  const key = `pictures_${randomBytes(24).toString('base64url')}`;
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    env: { ...process.env, DATA_DIR: dataDir, FRONTDESK_ADMIN_KEY: key, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((done) => child.once('exit', done));
  const url = await new Promise<string>((done, fail) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const ready = /Frontdesk is ready: (\S+)/.exec(said)?.[1];
      if (ready) done(ready);
    });
    void exited.then(() => fail(new Error(`The gateway did not start: ${said}`)));
  });
  return {
    url,
    key,
    async stop() {
      child.kill();
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
