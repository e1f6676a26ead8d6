import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InvalidInput } from '../../../src/core/errors.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { updateBooking } from '../../../src/resolvers/bookings/updateBooking.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { searchWhere } from '../../../src/resolvers/customers/searchable.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { createWorkspace, openTestDatabase } from '../../support/context.ts';
import { aCustomer, aService } from '../bookings/bookable.ts';

const db = await openTestDatabase();

/** The Big List of Naughty Strings (test/data/README.md), and a few of our own that JSON files cannot hold. */
const list = readFileSync(new URL('../../data/blns.base64.json', import.meta.url), 'utf8');
const naughty = (JSON.parse(list) as string[]).map((text) => Buffer.from(text, 'base64').toString());
const ours = [
  '\0',
  'a\0b',
  '\ud800',
  'a\udfffb',
  '\u2028',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\u0300',
  '🧑‍🧑‍🧒‍🧒',
  'x'.repeat(101),
  'é'.repeat(100),
];
const strings = [...naughty, ...ours];

/** What must come out, or why it must not go in. Said here a second time, so that the two can differ. */
function outcome(text: string, max: number): { kept: string | null } | { refused: RegExp } {
  const kept = text.replace(/^[\s\ufeff]+|[\s\ufeff]+$/g, '');
  if (kept === '') return { kept: null };
  if ([...kept].length > max) return { refused: /at most/ };
  if (kept.includes('\0')) return { refused: /NUL/ };
  if (/\p{Surrogate}/u.test(kept)) return { refused: /Unicode/ };
  return { kept };
}

async function expectOutcome(text: string, max: number, path: string, write: () => Promise<string | null>) {
  const expected = outcome(text, max);
  if ('kept' in expected) {
    expect(await write()).toBe(expected.kept);
    return;
  }
  const error = await write().then(
    () => null,
    (error: unknown) => error,
  );
  expect([text, error]).toEqual([text, expect.any(InvalidInput)]);
  expect((error as InvalidInput).issues).toEqual([
    { path, message: expect.stringMatching(expected.refused) },
  ]);
}

describe('Every naughty string', { timeout: 120_000 }, () => {
  test('is there.', () => {
    expect(naughty).toHaveLength(515);
    expect(naughty).toContain('田中さんにあげて下さい');
  });

  test('comes out of the name of a new customer as it went in, or is refused with a reason; its event tells it too.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    for (const text of strings) {
      await expectOutcome(text, 100, 'firstName', async () => {
        const { id } = await createCustomer(admin, { firstName: text, phone: '030 901820' });
        const row = await db.customer.findUniqueOrThrow({ where: { id } });
        const event = await db.eventPersonal.findFirstOrThrow({ where: { customerId: id } });
        expect((event.values as { data: { firstName: unknown } }).data.firstName).toBe(row.firstName);
        return row.firstName;
      });
    }
  });

  test('comes out of a changed name and company as it went in, and finds its customer.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const { id, row } = await aCustomer(admin, { firstName: 'Ada' });
    const found = async (text: string) =>
      (await db.customer.count({
        where: { AND: [{ workspaceId: shop.workspace.id }, searchWhere(text)] },
      })) === 1;
    for (const text of strings) {
      for (const [field, max] of [
        ['lastName', 100],
        ['companyName', 200],
      ] as const) {
        await expectOutcome(text, max, field, async () => {
          await updateCustomer(admin, { id, lastName: null, companyName: null, [field]: text });
          const kept = (await db.customer.findUniqueOrThrow({ where: { id: row.id } }))[field];
          if (kept) expect([kept, await found(kept)]).toEqual([kept, true]);
          return kept;
        });
      }
    }
  });

  test('comes out of the notes of a booking as it went in, or is refused with a reason.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const [customer, service] = [await aCustomer(admin), await aService(admin)];
    const startsAt = new Date('2026-12-01T10:00:00Z');
    const notesOf = async (id: string) => (await db.booking.findUniqueOrThrow({ where: { id } })).notes;
    const booking = await createBooking(admin, { customerId: customer.id, serviceId: service.id, startsAt });
    for (const text of [...strings, 'x'.repeat(5_001)]) {
      await expectOutcome(text, 5_000, 'notes', async () => {
        await updateBooking(admin, { id: encodeId('Booking', booking.id), notes: text });
        return notesOf(booking.id);
      });
      await expectOutcome(text, 5_000, 'notes', async () => {
        const made = await createBooking(admin, {
          customerId: customer.id,
          serviceId: service.id,
          startsAt,
          notes: text,
        });
        return notesOf(made.id);
      });
    }
  });
});
