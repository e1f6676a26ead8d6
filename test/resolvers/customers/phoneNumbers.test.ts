import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeId } from '../../../src/core/ids.ts';
import { phoneOf } from '../../../src/core/phone.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { atOnce, createWorkspace, openTestDatabase } from '../../support/context.ts';

const db = await openTestDatabase();

/** Of every region with a telephone, the examples that libphonenumber itself tests with; test/data/README.md has the source. */
const examples = readFileSync(new URL('../../data/phoneExampleNumbers.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',') as [region: string, code: string, numbers: string])
  .map(([region, code, numbers]) => ({ region, code, numbers: numbers.split(' ') }));

/** Old numbers of eight digits, which the plan of Benin has had no room for since it went to ten. */
const outdated = new Set(['+22985751234', '+22981123456']);
/** The numbers of no country: 800 is free of charge everywhere. */
const nowhere = '001';

test('Every example number is understood, as people write it at home and from anywhere.', () => {
  const wrong: string[] = [];
  const expectPhone = (written: string, country: string, e164: string) => {
    if (phoneOf(written, country) !== (outdated.has(e164) ? null : e164))
      wrong.push(`${written} in ${country}, ${e164}`);
  };
  let count = 0;
  for (const { region, code, numbers } of examples) {
    for (const number of numbers) {
      const e164 = `+${code}${number}`;
      count++;
      for (const country of ['DE', 'US', 'IT']) expectPhone(e164, country, e164);
      expectPhone(`+${code} ${number.replace(/(..)(?=.)/g, '$1 ')}`, 'DE', e164);
      if (region === nowhere) continue;
      expectPhone(number, region, e164);
      expectPhone(number.replace(/(..)(?=.)/g, '$1-'), region, e164);
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBe(1_137);
});

test('Two numbers of each region go through the verbs in both forms, come out as E.164, and the database takes them.', {
  timeout: 120_000,
}, async () => {
  const waiting = examples.values();
  await atOnce(8, async () => {
    for (const { region, code, numbers } of waiting) {
      const national = region !== nowhere;
      const ctx = (await createWorkspace(db, { country: national ? region : 'DE' })).asSystem();
      for (const number of [numbers[0]!, numbers.at(-1)!]) {
        const e164 = `+${code}${number}`;
        if (outdated.has(e164)) {
          await expect(createCustomer(ctx, { phone: e164 })).rejects.toMatchObject({
            issues: [{ path: 'phone' }],
          });
          continue;
        }
        const { id } = await createCustomer(ctx, { phone: national ? number : e164 });
        expect(await stored(id)).toBe(e164);
        await updateCustomer(ctx, { id: encodeId('Customer', id), phone: null, lastName: 'Moved' });
        expect(await stored(id)).toBeNull();
        await updateCustomer(ctx, { id: encodeId('Customer', id), phone: e164 });
        expect(await stored(id)).toBe(e164);
      }
    }
  });
});

async function stored(id: string): Promise<string | null> {
  return (await db.customer.findUniqueOrThrow({ where: { id }, select: { phone: true } })).phone;
}

test.each([
  ['(030) 90 18-20', '+4930901820'],
  ['030/90.18.20', '+4930901820'],
  ['+49 (0)30 901820', '+4930901820'],
  ['0049 30 901820', '+4930901820'],
  ['０３０ ９０１８２０', '+4930901820'],
  ['+٤٩ ٣٠ ٩٠١٨٢٠', '+4930901820'],
  ['\u202a+49 30 901820\u202c', '+4930901820'],
  ['tel:+49-30-901820', '+4930901820'],
  ['110', null],
  ['+49', null],
  ['030 901820 ext. 5', null],
  ['030 901820 x5', null],
  ['+49 30 901820;ext=5', null],
  ['030 901820, 030 901821', null],
  ['+1 800 FLOWERS', null],
  ['1e9', null],
])('%j in Germany is %s.', (written, e164) => {
  expect(phoneOf(written, 'DE')).toBe(e164);
});
