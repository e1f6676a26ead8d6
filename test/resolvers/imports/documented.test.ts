import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compileMapping, ImportMapping } from '../../../src/resolvers/imports/mapping.ts';
import { createRowParser } from '../../../src/resolvers/imports/readRow.ts';
import { testClock } from '../../support/context.ts';

test('The mapping in docs/import.md reads the export of a salon as it says.', () => {
  const page = readFileSync(new URL('../../../docs/import.md', import.meta.url), 'utf8');
  const mapping = ImportMapping.parse(JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ''));
  const header =
    'client no;first;last;e-mail;mobile;appointment no;treatment;with;day;time;minutes;state;price;paid;how;type'.split(
      ';',
    );
  const ctx = { workspace: { timeZone: 'UTC', country: 'DE', currency: 'EUR' }, clock: testClock() } as never;
  const parse = createRowParser(ctx, mapping, compileMapping(mapping, header));
  const read = (row: string) => parse({ number: 1, identity: 'file:x:1', cells: row.split(';') });
  expect(
    read('17;Ada;Berg;-;030 901820;A-1;Cut;Kim;03.07.2024;09:15;45;done;1.042,50 €;yes;card;Client'),
  ).toMatchObject({
    customer: { externalId: '17', email: null, columns: { phone: '+4930901820' } },
    booking: {
      ...{ externalId: 'A-1', service: 'Cut', staffMember: 'Kim', status: 'COMPLETED' },
      startsAt: new Date('2024-07-03T07:15:00Z'),
      endsAt: new Date('2024-07-03T08:00:00Z'),
      price: { minor: 104_250n, currency: 'EUR' },
    },
    payment: { amount: { minor: 104_250n }, method: 'CARD' },
  });
  expect(read('18;Bo;;;;A-2;Cut;;03.07.2027;09:15;45;;20;no;;Client')).toMatchObject({
    booking: { status: 'CONFIRMED' },
    payment: null,
  });
  expect(read('18;Bo;;;;A-2;Cut;;03.07.2027;09:15;45;;20;no;;Internal')).toEqual([
    { field: 'refuse.0', message: 'Blocked time.' },
  ]);
});
