/**
 * How smoothly the page of activities goes with a long list and much happening.
 *
 * npm run bench:dashboard [rows in the list, 10000 when left out] [events a second, 30] [seconds, 15]
 *
 * Opens the page in Chromium, reads that many rows into it, and then measures each frame: first while the list is
 * scrolled and nothing else happens, then while events come in too, and last at its head, where new rows slide in. Prints the time between frames (16.7 ms is 60 a
 * second), how many were dropped, the tasks that kept the page busy for more than 50 ms, and what the page's thread
 * computed for a frame, which says the same on a busy machine.
 */
import type { Page } from 'playwright-core';
import { findChromium, launchChromium } from '../scripts/chromium.ts';
import { startWorld } from './startWorld.ts';

const [rows = 10_000, perSecond = 30, seconds = 15] = process.argv.slice(2).map(Number);
const customersAtOnce = 100;
const tagsAtOnce = 20;

const executable = findChromium();
if (!executable) throw new Error('There is no Chromium on the PATH.');
const world = await startWorld();
const browser = await launchChromium(executable);
try {
  const customers = await makeHistory();
  const page = await openPage();
  await readRows(page);
  const caused: Promise<unknown>[] = [];
  const cause = () => {
    const n = caused.length;
    const activity = {
      type: 'PAGE_VISITED',
      about: `Page ${n}`,
      customerId: customers[n % customers.length],
    };
    caused.push(change('recordActivity', 'customer { id }', activity));
  };
  const shown = await rowsShown(page);
  const quiet = await measure(page, true);
  const causing = setInterval(cause, 1_000 / perSecond);
  const scrolling = await measure(page, true);
  const atHead = await measure(page, false);
  clearInterval(causing);
  await Promise.all(caused);
  console.log(`${shown} rows in the list, ${await rowsShown(page)} at the end`);
  console.table({ 'scrolling, nothing happens': quiet, scrolling, 'at the head': atHead });
} finally {
  await browser.close();
  await world.close();
}

interface Figures {
  frames: number;
  'p50 ms': number;
  'p95 ms': number;
  'p99 ms': number;
  'longest ms': number;
  'over 25 ms': string;
  'tasks over 50 ms': number;
  /** Processor time of the page's own thread, which does not depend on what else the machine does. */
  'thread ms/frame': number;
  'events/s': number;
}

/** Frames of so many seconds. Runs in the page. */
async function measure(page: Page, scroll: boolean): Promise<Figures> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0);
  };
  const [busyBefore, rowsBefore] = [await busy(), await rowsShown(page)];
  const { deltas, tasks } = (await page.evaluate(`new Promise((done) => {
    const scroller = document.querySelector('.scroller');
    const deltas = [];
    const tasks = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
    observer.observe({ entryTypes: ['longtask'] });
    scroller.scrollTop = ${scroll ? 'scroller.scrollHeight / 4' : '0'};
    let direction = 1;
    let before = performance.now();
    const end = before + ${seconds * 1_000};
    requestAnimationFrame(function frame(now) {
      deltas.push(now - before);
      before = now;
      if (${scroll}) {
        if (scroller.scrollTop < 1_000) direction = 1;
        if (scroller.scrollTop > scroller.scrollHeight - 4_000) direction = -1;
        scroller.scrollTop += direction * 30;
      }
      if (now < end) return requestAnimationFrame(frame);
      observer.disconnect();
      done({ deltas: deltas.slice(5), tasks });
    });
  })`)) as { deltas: number[]; tasks: number[] };
  const sorted = deltas.toSorted((a, b) => a - b);
  const round = (value: number) => Math.round(value * 10) / 10;
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number);
  return {
    frames: deltas.length,
    'p50 ms': at(0.5),
    'p95 ms': at(0.95),
    'p99 ms': at(0.99),
    'longest ms': at(1),
    'over 25 ms': `${((100 * deltas.filter((delta) => delta > 25).length) / deltas.length).toFixed(1)} %`,
    'tasks over 50 ms': tasks.length,
    'thread ms/frame': round(((await busy()) - busyBefore) / deltas.length),
    'events/s': round(((await rowsShown(page)) - rowsBefore) / seconds),
  };
}

async function rowsShown(page: Page): Promise<number> {
  return Math.floor(Number(await page.evaluate("document.querySelector('.virtual').offsetHeight")) / 57);
}

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(`${world.url}/activity`);
  await page.getByRole('textbox', { name: 'API key' }).fill(world.key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.virtual').waitFor();
  return page;
}

async function readRows(page: Page): Promise<void> {
  while ((await rowsShown(page)) < rows)
    await page.evaluate(`new Promise((done) => {
      const scroller = document.querySelector('.scroller');
      scroller.scrollTop = scroller.scrollHeight;
      requestAnimationFrame(() => requestAnimationFrame(done));
    })`);
}

/** More than enough activities, and whom they are of. */
async function makeHistory(): Promise<string[]> {
  const customers: string[] = [];
  for (let n = 0; n < customersAtOnce; n++) {
    const input = { firstName: 'Ada', lastName: `Number ${n}`, email: `ada${n}@example.com` };
    customers.push(
      (await change<{ customer: { id: string } }>('createCustomer', 'customer { id }', input)).customer.id,
    );
  }
  for (let made = 0; made < rows; made += customersAtOnce * tagsAtOnce) {
    const tags = Array.from({ length: tagsAtOnce }, (_, n) => `Tag ${made + n}`);
    await change('addTags', 'customers { id }', { customerIds: customers, tags });
  }
  return customers;
}

async function change<Payload>(mutation: string, fields: string, input: object): Promise<Payload> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}`;
  const query = `mutation ($input: ${type}Input!) { ${mutation}(input: $input) { ... on ${type}Payload { ${fields} } ... on Error { message } } }`;
  const response = await fetch(`${world.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': world.key },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data } = (await response.json()) as { data?: Record<string, Payload & { message?: string }> };
  const payload = data?.[mutation];
  if (!payload || payload.message) throw new Error(`${mutation}: ${payload?.message}`);
  return payload;
}
