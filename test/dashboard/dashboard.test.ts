import { Client } from 'pg';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uuidOf } from '../../src/core/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import {
  describeInBrowser,
  expectNoSideScrolling,
  inaccessible,
  newPage,
  openAt,
  openBrowser,
  signIn,
} from './browser.ts';
import { ensureBuilt } from './ensureBuilt.ts';

/** Days on which nobody else makes bookings; on the second there are none at first. */
const day = '2031-05-05';
const quietDay = '2031-06-06';
const actingDay = '2031-07-07';
const pages = ['/', `/?day=${day}`, '/activity', '/customers', '/leads'];

let database: TestDatabase;
/** The one that the browser speaks to; it is killed on the way. */
let gateway: Gateway;
/** Another one of the same business, where changes are made meanwhile. */
let other: Gateway;
let key: string;
let browser: Browser;
let serviceId: string;

async function change<Payload>(mutation: string, fields: string, input: object): Promise<Payload> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}`;
  const query = `mutation ($input: ${type}Input!) { ${mutation}(input: $input) { __typename ... on ${type}Payload { ${fields} } ... on Error { message } } }`;
  const response = await fetch(`${other.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, { __typename: string }>;
    errors?: unknown;
  };
  const result = data?.[mutation];
  if (result?.__typename !== `${type}Payload`) throw new Error(JSON.stringify(errors ?? result));
  return result as Payload;
}

async function newCustomer(firstName: string, lastName: string): Promise<string> {
  const { customer } = await change<{ customer: { id: string } }>('createCustomer', 'customer { id }', {
    firstName,
    lastName,
    email: `${firstName}.${lastName}@example.com`.toLowerCase(),
  });
  return customer.id;
}

async function statusOf(id: string): Promise<string> {
  const { booking } = await change<{ booking: { status: string } }>('updateBooking', 'booking { status }', {
    id,
  });
  return booking.status;
}

async function book(
  customerId: string,
  time: string,
  on = day,
  more: object = {},
): Promise<{ id: string; reference: string }> {
  const { booking } = await change<{ booking: { id: string; reference: string } }>(
    'createBooking',
    'booking { id reference }',
    { customerId, serviceId, startsAt: `${on}T${time}:00Z`, ...more },
  );
  return booking;
}

const start = (env: Record<string, string> = {}) =>
  startGateway({
    databaseUrl: database.url,
    env: { FRONTDESK_ADMIN_KEY: key, LOG_LEVEL: 'warn', ...env },
  });

/** A page of the dashboard with the administrator's key, or another one. */
async function open(path: string, as = key, options: BrowserContextOptions = {}) {
  const opened = await newPage(browser, options);
  await openAt(opened.page, gateway.url + path, as);
  return opened;
}

const sql = async (text: string, values: unknown[] = []) => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(text, values).finally(() => client.end());
};

async function newKey(role: string): Promise<{ id: string; secret: string }> {
  const { apiKey, secret } = await change<{ apiKey: { id: string }; secret: string }>(
    'createApiKey',
    'apiKey { id } secret',
    { name: 'For a moment', role },
  );
  return { id: apiKey.id, secret };
}

const connection = (page: Page) => page.locator('.connection');

describeInBrowser('The dashboard', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    key = 'a-key-for-the-tests-of-the-dashboard-alone';
    [database] = await Promise.all([createTestDatabase(), ensureBuilt()]);
    // The first one makes the workspace.
    [gateway, browser] = await Promise.all([start(), openBrowser()]);
    other = await start();
    const made = await change<{ service: { id: string } }>('createService', 'service { id }', {
      name: 'Massage',
      durationMinutes: 60,
      price: { amount: '70', currency: 'EUR' },
    });
    serviceId = made.service.id;
    const lise = await newCustomer('Lise', 'Meitner');
    await book(lise, '08:00');
    await book(await newCustomer('Otto', 'Hahn'), '08:30');
    await change('addTags', 'customers { id }', { customerIds: [lise], tags: ['Old friend'] });
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await Promise.all([gateway?.kill(), other?.kill()]);
    await database?.drop();
  });

  test('lets nobody in with a wrong key, says so, and lets in who has the right one; the key stays in the tab.', async () => {
    const { page, complaints } = await newPage(browser);
    await page.goto(gateway.url);
    const field = page.getByRole('textbox', { name: 'API key' });
    await field.fill('not-a-key-at-all-but-long-enough-to-be-one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This key is not known').waitFor();
    await field.fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Today' }).waitFor();
    expect(await page.evaluate('Object.keys(localStorage).some((name) => /key/.test(name))')).toBe(false);
    expect((await page.context().cookies()).length).toBe(0);

    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Today' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('shows a booking the moment it is made, and what becomes of it.', async () => {
    const { page, complaints } = await open(`/?day=${quietDay}`);
    await page.getByText('No bookings on this day').waitFor();
    const booking = await book(await newCustomer('Ada', 'King'), '09:00', quietDay);
    const row = page.locator(`[data-booking="${booking.id}"]`);
    await row.getByText('Ada King').waitFor();
    await row.getByText('Pending').waitFor();
    await page.locator('.stream').getByText('Booked Massage').first().waitFor();

    await change('confirmBooking', 'booking { id }', { id: booking.id });
    await row.getByText('Confirmed').waitFor();
    await change('cancelBooking', 'booking { id }', { id: booking.id });
    await row.getByText('Cancelled').waitFor();

    await change('rescheduleBooking', 'booking { id }', {
      id: (await book(await newCustomer('Grace', 'Hopper'), '10:00', quietDay)).id,
      startsAt: `${quietDay}T11:30:00Z`,
    });
    await page
      .locator('tr', { hasText: 'Grace Hopper' })
      .locator(`time[datetime="${quietDay}T11:30:00.000Z"]`)
      .waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('shows a payment in the revenue of the day without being loaded again.', async () => {
    const { page } = await open('/');
    const revenue = page.locator('.figure', { hasText: 'Revenue' });
    await revenue.getByText('from 0 payments').waitFor();
    await change('recordPayment', 'payment { id }', {
      customerId: await newCustomer('Niels', 'Bohr'),
      amount: { amount: '125.50', currency: 'EUR' },
      method: 'CARD',
    });
    await revenue.getByText('from 1 payment').waitFor();
    await revenue.locator('data[value="125.5"]').waitFor();
    await page.context().close();
  });

  test('says that it was too slow when it is closed with 4413, and goes on behind what it had.', async () => {
    const { page } = await newPage(browser);
    let cut = async (_meanwhile: () => Promise<unknown>) => {};
    // What the gateway does with one who takes nothing (test/server/live.test.ts), done in between.
    await page.routeWebSocket(/graphql/, (socket) => {
      const server = socket.connectToServer();
      server.onClose(() => {});
      cut = async (meanwhile) => {
        await server.close();
        await meanwhile();
        await socket.close({ code: 4413, reason: 'Consumer too slow' });
      };
    });
    await openAt(page, `${gateway.url}/activity`, key);
    await page.locator('[data-line]').first().waitFor();
    const states = await recordStates(page);
    await cut(() => newCustomer('Vera', 'Rubin'));
    await page.locator('.activity[data-missed]', { hasText: 'Vera Rubin' }).waitFor();
    await connection(page).getByText('Live', { exact: true }).waitFor();
    expect(
      await page
        .locator('.activity', { hasText: 'Customer added' })
        .filter({ hasText: 'Vera Rubin' })
        .count(),
    ).toBe(1);
    expect(await states()).toEqual(
      expect.arrayContaining([
        'offline',
        'This page took too long to keep up and was cut off.',
        'resuming',
        'live',
      ]),
    );
    await page.context().close();
  });

  test('says truthfully that it is cut off, and when it is back has all that happened meanwhile, once, marked.', async () => {
    const before = await book(await newCustomer('Before', 'Cut'), '12:00');
    const { page, complaints } = await open(`/?day=${day}`);
    await page.locator(`[data-booking="${before.id}"]`).waitFor();
    const states = await recordStates(page);

    const { port } = new URL(gateway.url);
    await gateway.kill();
    await connection(page)
      .getByText(/^Offline since \d\d:\d\d/)
      .waitFor();
    await page.locator('.banner').getByText('Offline since').waitFor();
    await page
      .locator('.live-list[data-stale]')
      .first()
      .getByText(/^As of \d\d:\d\d/)
      .waitFor();
    // What was there stays there.
    expect(await page.locator(`[data-booking="${before.id}"]`).isVisible()).toBe(true);

    const missed = [];
    for (const [at, name] of ['One', 'Two', 'Three', 'Four', 'Five'].entries())
      missed.push(await book(await newCustomer(name, 'Missed'), `${13 + at}:00`));
    await change('confirmBooking', 'booking { id }', { id: before.id });
    expect(await page.locator('[data-booking]', { hasText: 'Missed' }).count()).toBe(0);

    gateway = await start({ PORT: port });
    await page.locator('.connection[data-state=live]').waitFor({ timeout: 40_000 });
    for (const { id } of missed)
      await page.locator(`[data-booking="${id}"][data-missed]`).getByText('while offline').waitFor();
    await page.locator(`[data-booking="${before.id}"][data-missed]`).getByText('Confirmed').waitFor();
    expect(await page.locator('[data-booking]', { hasText: 'Missed' }).count()).toBe(5);
    expect(await page.locator('.stream .activity[data-missed]').count()).toBeGreaterThan(5);
    expect(await page.locator('.banner').count()).toBe(0);
    const seen = await states();
    expect(seen).toEqual(expect.arrayContaining(['offline', 'resuming', 'catchingUp', 'live']));
    expect(seen.indexOf('offline')).toBeLessThan(seen.indexOf('resuming'));
    expect(seen.indexOf('resuming')).toBeLessThan(seen.indexOf('catchingUp'));

    // What comes now was not missed.
    const after = await book(await newCustomer('After', 'Cut'), '19:00');
    const row = page.locator(`[data-booking="${after.id}"]`);
    await row.waitFor();
    expect(await row.getAttribute('data-missed')).toBeNull();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('reads everything afresh when the log no longer reaches back, and says so.', async () => {
    const { page } = await open(`/?day=${day}`);
    await page.locator('[data-booking]').first().waitFor();
    await page.context().setOffline(true);
    await connection(page).getByText('Offline since').waitFor();
    // As after a restored backup: docs/operations.md.
    await sql('UPDATE event_sequencer SET epoch = gen_random_uuid()');
    await page.context().setOffline(false);
    await page.getByText('All of this was read afresh').first().waitFor({ timeout: 40_000 });
    const booking = await book(await newCustomer('Fresh', 'Start'), '20:00');
    await page.locator(`[data-booking="${booking.id}"]`).waitFor();
    await page.context().close();
  });

  test('goes back to the door when its key was revoked or has expired, and says which.', async () => {
    const { id, secret } = await newKey('VIEWER');
    const { page } = await open('/', secret);
    await change('revokeApiKey', 'apiKey { id }', { id });
    await page.getByRole('alert').getByText('This key was revoked').waitFor();
    await page.getByRole('textbox', { name: 'API key' }).waitFor();
    expect(await page.locator('.shell').count()).toBe(0);
    await page.context().close();

    const short = await newKey('VIEWER');
    const { page: second } = await open('/', short.secret);
    await sql('UPDATE api_key SET expires_at = now() WHERE id = $1', [uuidOf('ApiKey', short.id)]);
    await second.getByRole('alert').getByText('Your key has expired').waitFor();
    await second.context().close();
  });

  test('shows one customer with their bookings and timeline, and both live.', async () => {
    const id = await newCustomer('Emmy', 'Noether');
    const { page, complaints } = await open(`/customers/${id}`);
    await page.getByRole('heading', { level: 1, name: 'Emmy Noether' }).waitFor();
    await page.getByText('No bookings yet').waitFor();
    const { reference } = await book(id, '21:00');
    await page.locator('.booking-list').getByText(reference).waitFor();
    await page.locator('.stream').getByText('Booked Massage').waitFor();
    await change('addTags', 'customers { id }', { customerIds: [id], tags: ['Regular'] });
    await page.locator('.profile').getByText('Regular').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('confirms and completes a booking by a press, and takes back what has a way back, all by keyboard.', async () => {
    const booking = await book(await newCustomer('Hedy', 'Lamarr'), '08:00', actingDay);
    const { page, complaints } = await open(`/?day=${actingDay}`);
    const row = page.locator(`[data-booking="${booking.id}"]`);
    await row.getByRole('button', { name: `Confirm ${booking.reference}` }).click();
    await row.getByText('Confirmed').waitFor();
    await page.getByRole('status').getByText(`Confirmed ${booking.reference}`).waitFor();
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);

    const more = row.getByRole('button', { name: /^More for/ });
    await more.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Mark as completed' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('[role=menuitem]:focus', { hasText: 'no-show' }).waitFor();
    await page.keyboard.press('Enter');
    await row.getByText('No-show').waitFor();
    await page.getByRole('status').getByText(`Marked as no-show: ${booking.reference}`).waitFor();
    await page.locator('[aria-label^="More for"]:focus').waitFor();
    await more.click();
    await page.getByRole('menuitem', { name: 'Mark as completed' }).click();
    await row.getByText('Completed').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await row.getByText('No-show').waitFor();
    expect(await statusOf(booking.id)).toBe('NO_SHOW');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('moves a booking, says in the dialog that the time is taken, and moves it back with Ctrl Z; cancels one with a reason.', async () => {
    const { staffMember } = await change<{ staffMember: { id: string } }>(
      'createStaffMember',
      'staffMember { id }',
      { displayName: 'Grace', timeZone: 'UTC' },
    );
    const staffMemberId = staffMember.id;
    const customerId = await newCustomer('Mary', 'Somerville');
    const booking = await book(customerId, '12:00', actingDay, { staffMemberId });
    await book(customerId, '14:00', actingDay, { staffMemberId });
    const { page, complaints } = await open(`/?day=${actingDay}`, key, { reducedMotion: 'reduce' });
    const row = page.locator(`[data-booking="${booking.id}"]`);
    const at = (time: string) => row.locator(`time[datetime="${actingDay}T${time}:00.000Z"]`);
    await row.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Move…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('New time').fill('14:30');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText(/taken/).waitFor();
    await at('12:00').waitFor();
    await dialog.getByLabel('New time').fill('16:00');
    await dialog.getByRole('button', { name: 'Move the booking' }).click();
    await at('16:00').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('[aria-label^="More for"]:focus').waitFor();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await page.keyboard.press('Control+z');
    await at('12:00').waitFor();

    await row.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Cancel…' }).click();
    await dialog.getByLabel('Reason').fill('Has a cold');
    // Before axe-core, which breaks the policy itself.
    expect(complaints).toEqual([]);
    expect(await inaccessible(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel the booking' }).click();
    await row.getByText('Cancelled').waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await page.context().close();
  });

  test('shows what it was wrong about again, and says at the place why it could not be done.', async () => {
    const booking = await book(await newCustomer('Sofja', 'Kowalewskaja'), '18:00', actingDay);
    const { page } = await newPage(browser);
    // It hears of nothing.
    await page.routeWebSocket(/graphql/, () => {});
    await page.addInitScript(`sessionStorage.setItem('frontdesk-key', ${JSON.stringify(key)})`);
    await page.goto(`${gateway.url}/?day=${actingDay}`);
    const row = page.locator(`[data-booking="${booking.id}"]`);
    await row.getByText('Pending').waitFor();
    await change('cancelBooking', 'booking { id }', { id: booking.id });
    await row.getByRole('button', { name: `Confirm ${booking.reference}` }).click();
    await page.getByRole('alert').getByText('Not done. The booking is CANCELLED').waitFor();
    await row.getByText('Pending').waitFor();
    await page.context().close();
  });

  test('tags a customer, takes it back, and notes what they did; who may only look sees no button.', async () => {
    const id = await newCustomer('Maria', 'Mitchell');
    await book(id, '19:00', actingDay);
    const { page, complaints } = await open(`/customers/${id}`);
    const tags = page.locator('.profile');
    await page.getByRole('button', { name: 'Add a tag' }).click();
    await page.getByRole('combobox', { name: 'Tags' }).fill('Astronomer');
    await page.keyboard.press('Enter');
    await page.locator('.stream').getByText('Tagged Astronomer').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Change the tags' }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Add a tag' }).waitFor();
    expect(await tags.getByText('Astronomer').count()).toBe(0);

    await page.getByRole('button', { name: 'Note something' }).click();
    await page.getByLabel('To whom, or how').fill('A friend at the observatory');
    await page.getByRole('button', { name: 'Note it' }).click();
    await page.locator('.stream').getByText('observatory').waitFor();
    await page.locator('button:focus', { hasText: 'Note something' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();

    const { page: looking } = await open(`/customers/${id}`, (await newKey('VIEWER')).secret);
    await looking.locator('.booking-list li').waitFor();
    expect(await looking.locator('main').getByRole('button').count()).toBe(0);
    await looking.context().close();
  });

  test('filters the stream of activity by type, keeps the filter in the address, and follows it live.', async () => {
    const { page } = await open('/activity');
    await page.locator('.activity').first().waitFor();
    await page.getByText('Tags', { exact: true }).click();
    await page.waitForURL(/show=tags/);
    await eventually('only tags are shown', async () => {
      const titles = await page.locator('.activity-title').allInnerTexts();
      return titles.length > 0 && titles.every((title) => /^Tag(ged)? /.test(title));
    });
    await page.reload();
    await page.locator('.activity').first().waitFor();
    const id = await newCustomer('Not', 'Shown');
    await change('addTags', 'customers { id }', { customerIds: [id], tags: ['Vegetarian'] });
    await page.locator('.activity').first().getByText('Tagged Vegetarian').waitFor();
    expect(await page.getByText('Customer added').count()).toBe(0);
    await page.context().close();
  });

  test('puts the warmest lead at the top when a score changes, without being loaded again.', async () => {
    const [first, second] = [await newCustomer('Luke', 'Warm'), await newCustomer('Ice', 'Cold')];
    // More than the rules give for what the other tests do.
    await score(first, 4_000);
    await score(second, 1_000);
    const { page, complaints } = await open('/leads');
    const rankOf = (id: string) => page.locator(`[data-lead="${id}"]`).getAttribute('data-rank');
    await page.locator(`[data-lead="${first}"]`).waitFor();
    expect([await rankOf(first), await rankOf(second)]).toEqual(['1', '2']);
    await score(second, 7_500);
    await page.locator(`[data-lead="${second}"][data-rank="1"]`).waitFor();
    expect(await rankOf(first)).toBe('2');
    const rows = page.getByRole('list').filter({ has: page.locator('[data-lead]') });
    expect(await rows.locator('[data-rank="1"]').innerText()).toContain('Ice Cold');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('is walked through by keyboard alone: skip link, pages, rows, palette, and Escape.', async () => {
    const { page, complaints } = await open(`/?day=${day}`);
    await page.locator('[data-booking]').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toContain('Skip to the content');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');

    const links = page.locator('.bookings [data-row]');
    await links.first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe(await links.nth(1).innerText());
    await page.keyboard.press('End');
    expect(await focused(page)).toBe(await links.last().innerText());
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/customers\/cus_/);

    await page.keyboard.press('Control+k');
    const search = page.getByRole('textbox', { name: 'Search or go to' });
    await search.waitFor();
    await page.keyboard.press('Escape');
    await search.waitFor({ state: 'hidden' });
    await page.keyboard.press('Control+k');
    await search.fill('meitner');
    await page.getByText('Lise Meitner').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Lise Meitner' }).waitFor();

    await page.keyboard.press('Control+k');
    await search.fill((await page.locator('.booking-list .tabular').first().innerText()).toLowerCase());
    await page.getByText(/^[A-Z0-9]{5}-[A-Z0-9]{5}: Massage$/).waitFor();
    await page.keyboard.press('Escape');

    await page.goto(`${gateway.url}/activity`);
    const rows = page.locator('[data-line]');
    await rows.first().focus();
    await page.keyboard.press('ArrowDown');
    const second = await rows.nth(1).getAttribute('data-line');
    await page.locator(`[data-line="${second}"]:focus`).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('has nothing on any page that axe-core complains of, light or dark, and scrolls none sideways at 360 pixels.', async () => {
    const { page } = await newPage(browser, { reducedMotion: 'reduce' });
    await page.goto(gateway.url);
    await page.getByRole('textbox', { name: 'API key' }).waitFor();
    await look(page);
    await signIn(page, gateway.url, key);
    for (const path of [...pages, await customerPath(page)]) {
      await page.goto(gateway.url + path);
      await page.locator('.live-list, .state').first().waitFor();
      await look(page);
    }
    await page.keyboard.press('Control+k');
    await page.getByRole('textbox', { name: 'Search or go to' }).fill('me');
    await page.getByText('Lise Meitner').first().waitFor();
    await look(page, { phone: false });
    await page.context().close();
  });
});

/** Colours alone differ in the dark, so that contrast is all that is looked at again. */
async function look(page: Page, { phone = true } = {}): Promise<void> {
  expect([page.url(), ...(await inaccessible(page))]).toEqual([page.url()]);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await page.locator(':root[data-mantine-color-scheme=dark]').waitFor();
  expect([page.url(), ...(await inaccessible(page, { contrastAlone: true }))]).toEqual([page.url()]);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  if (!phone) return;
  const size = page.viewportSize() as { width: number; height: number };
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScrolling(page);
  await page.setViewportSize(size);
}

const focused = (page: Page) => page.evaluate('document.activeElement.innerText') as Promise<string>;

async function customerPath(page: Page): Promise<string> {
  await page.goto(`${gateway.url}/customers`);
  return (await page.locator('.people .row-link').first().getAttribute('href')) as string;
}

/** Every state of the connection that the page shows from now on, and what it says of why it is cut off, in order. */
async function recordStates(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    window.states = [];
    const badge = document.querySelector('.connection');
    new MutationObserver(() => {
      window.states.push(badge.dataset.state);
      setTimeout(() => window.states.push(/(This page took .*? cut off\\.)/.exec(document.querySelector('.banner')?.textContent)?.[1]));
    }).observe(badge, { attributes: true });
  `);
  return () => page.evaluate('window.states') as Promise<string[]>;
}

const score = (customerId: string, points: number) =>
  change('adjustLeadScore', 'customer { id }', { customerId, points, reason: 'Met at a fair' });
