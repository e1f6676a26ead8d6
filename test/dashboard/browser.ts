import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { ensureChromium, launchChromium } from '../../scripts/chromium.ts';

const executable = await ensureChromium();
if (!executable) {
  if (process.env.CI) throw new Error('No Chromium for the tests of the dashboard: install chromium.');
  console.warn('No Chromium for the tests of the dashboard (install chromium): they are skipped.');
}

/** A suite that looks at the dashboard in a real browser. Without one it is named as skipped. */
export const describeInBrowser = executable ? describe : describe.skip;

export const openBrowser = (): Promise<Browser> => launchChromium(executable as string);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page that fails the test when a script fails or the page's own policy is broken. */
export async function newPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    ...options,
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (/Content.Security.Policy|Refused to|Warning:|validateDOMNesting|unique "key"/i.test(text))
      complaints.push(text);
  });
  return { page, complaints };
}

export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('textbox', { name: 'API key' }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.connection[data-state=live]').waitFor();
}

/** Signed in already, at a page: the key lies where the dashboard keeps it. */
export async function openAt(page: Page, url: string, key: string): Promise<void> {
  await page.addInitScript(`sessionStorage.setItem('frontdesk-key', ${JSON.stringify(key)})`);
  await page.goto(url);
  await page.locator('.connection[data-state=live]').waitFor();
}

const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe-core finds wrong for those who do not see, or see badly; nothing is what is wanted. */
export async function inaccessible(page: Page, { contrastAlone = false } = {}): Promise<string[]> {
  // What moves is between two colours.
  await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
  const runOnly = contrastAlone ? ['color-contrast', 'link-in-text-block'] : wcag;
  return (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(runOnly)} }).then((found) =>
       found.violations.map(({ id, help, nodes }) => id + ': ' + help + ' ' + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 160) + ' ' + (any[0]?.message ?? '')).join(' | ')))`,
  )) as string[];
}

export async function expectNoSideScrolling(page: Page): Promise<void> {
  const [wanted, there] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  expect(wanted, `${page.url()} is wider than the screen`).toBeLessThanOrEqual(there);
}
