import { expect, test } from 'vitest';
import type { Issue } from '../../../src/core/errors.ts';
import { compileValue, type Reading, Unreadable } from '../../../src/resolvers/imports/transforms.ts';

const columns = {
  a: 'Ada',
  b: '',
  n: '2',
  m: '3.50',
  none: 'NULL',
  d: '03/07/2024',
  t: '2024-07-03 09:15',
  big: '1.234,50 €',
};

function read(value: unknown, row: Record<string, string> = columns, identity = 'file:1:1') {
  const issues: Issue[] = [];
  const reading: Reading = {
    header: new Map(Object.keys(row).map((name, at) => [name, at])),
    empty: new Set(['NULL']),
    issues,
    columns: new Set(),
  };
  const compiled = compileValue(value, 'x', reading);
  if (issues.length > 0) return issues;
  try {
    return compiled({ number: 1, identity, cells: Object.values(row) });
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
}

test.each<[unknown, unknown]>([
  ['a', 'Ada'],
  ['b', null],
  ['none', null],
  [{ text: 'x' }, 'x'],
  [{ join: ['a', 'b', { text: 'L.' }] }, 'Ada L.'],
  [{ join: ['a', 'n'], with: '-' }, 'Ada-2'],
  [{ join: ['b'] }, null],
  [{ sum: ['n', 'm', 'b'] }, '5.5'],
  [{ sum: ['m', { text: '0.1' }, { text: '0.2' }] }, '3.8'],
  [{ sum: ['a'] }, 'Must be a number.'],
  [{ product: ['n', 'm'] }, '7'],
  [{ product: ['n', 'b'] }, null],
  [{ product: [{ text: '1.1' }, { text: '1.1' }] }, '1.21'],
  [{ number: 'big', decimal: ',' }, '1234.5'],
  [{ number: { text: '$1,234.50' } }, '1234.5'],
  [{ number: 'a' }, 'Must be a number.'],
  [{ date: 'd', format: 'dd/MM/yyyy' }, '2024-07-03'],
  [{ date: 'd', format: 'MM/dd/yyyy' }, '2024-03-07'],
  [{ date: 'd', format: 'dd/MM/yyyy', plusDays: 'n' }, '2024-07-05'],
  [{ date: { text: '2024-02-29' }, minusDays: { text: '366' } }, '2023-02-28'],
  [{ date: 't', format: 'yyyy-MM-dd HH:mm' }, '2024-07-03T09:15:00.000'],
  [{ date: { text: '2015 July 1 15:00' }, format: 'yyyy MMMM d HH:mm' }, '2015-07-01T15:00:00.000'],
  [{ date: { text: '2024-07-03T09:15:00+02:00' } }, '2024-07-03T09:15:00.000+02:00'],
  [{ date: { text: '31/02/2024' }, format: 'dd/MM/yyyy' }, 'Must be a date written as dd/MM/yyyy.'],
  [{ date: 'b', format: 'dd/MM/yyyy' }, null],
  [{ lookup: 'a', in: { Ada: 'A' } }, 'A'],
  [{ lookup: 'n', in: { Ada: 'A' } }, 'Must be one of Ada.'],
  [{ lookup: 'n', in: { Ada: 'A' }, otherwise: 'n' }, '2'],
  [{ lookup: 'n', in: { Ada: 'A' }, otherwise: null }, null],
  [{ lookup: 'b', in: { Ada: 'A' } }, null],
  [{ lookup: 'b', in: { '': 'nothing' }, otherwise: null }, 'nothing'],
  [{ lookup: 'n', in: { constructor: 'A' } }, 'Must be one of constructor.'],
  ['zz', [{ path: 'x', message: `The file has no column "zz"; it has ${Object.keys(columns).join(', ')}.` }]],
  [7, [{ path: 'x', message: 'Must be the name of a column, or an object with a transform.' }]],
  [{ toString: 'a' }, [{ path: 'x', message: expect.stringContaining('Must have one transform') }]],
  [{ text: 'a', join: ['a'] }, [{ path: 'x', message: expect.stringContaining('Must have one transform') }]],
  [
    { join: ['a', { sum: ['zz'] }] },
    [{ path: 'x.join.1.sum.0', message: expect.stringContaining('no column "zz"') }],
  ],
])('%j reads %j', (value, expected) => {
  expect(read(value)).toEqual(expected);
});

test('A made-up guest is the same person for the same row or number, and another for another.', () => {
  const name = (of: object, identity: string) => read({ madeUpGuest: 'email', ...of }, columns, identity);
  expect(name({}, 'file:1:1')).toBe(name({}, 'file:1:1'));
  expect(name({}, 'file:1:1')).not.toBe(name({}, 'file:1:2'));
  expect(name({ of: 'n' }, 'file:1:1')).toBe(name({ of: 'n' }, 'file:1:2'));
  expect(name({}, 'file:1:1')).toMatch(/^[a-z]+\.[a-z]+\.[0-9a-f]{12}@example\.com$/);
});

test('Transforms that nest without end are refused, not followed.', () => {
  let value: unknown = 'a';
  for (let depth = 0; depth < 500; depth++) value = { join: [value] };
  expect(read(value)).toEqual([{ path: expect.any(String), message: 'Transforms nest too deeply.' }]);
});
