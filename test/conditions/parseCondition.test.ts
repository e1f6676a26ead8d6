import { describe, expect, test } from 'vitest';
import { parseCondition } from '../../src/conditions/parseCondition.ts';
import { sentence } from '../../src/conditions/sentence.ts';

const read = (input: unknown, about: Parameters<typeof parseCondition>[1]['about'] = 'CUSTOMER') =>
  parseCondition(input, { currency: 'EUR', about });
const leaf = (field: string, operator: string, value?: unknown, where?: unknown) => ({
  field,
  operator,
  value,
  where,
});
const tag = 'tag_01ka00000000000000000000v1';
const nested = (depth: number): unknown =>
  depth === 0 ? leaf('vip', 'equals', true) : { match: 'all', conditions: [nested(depth - 1)] };

describe('A condition that is none is refused, with the place and what would be right:', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['nothing', null, '', /Must be a condition/],
    ['a list', [], '', /Must be a condition/],
    ['an unknown field', leaf('shoe_size', 'equals', 1), 'field', /"shoe_size" is none/],
    [
      'an operator of another kind',
      leaf('vip', 'contains', 'x'),
      'operator',
      /equals, not_equals for vip; "contains" is not/,
    ],
    ['a word for a number', leaf('lead_score', 'equals', '50'), 'value', /a number/],
    ['no value', leaf('lead_score', 'equals'), 'value', /needs a value/],
    ['a value for is_set', leaf('email', 'is_set', 'x'), 'value', /takes no value/],
    ['an empty text', leaf('email', 'contains', ' '), 'value', /not empty/],
    ['a NUL', leaf('email', 'contains', 'a\0'), 'value', /NUL/],
    ['a between of one', leaf('lead_score', 'between', [1]), 'value', /two values/],
    ['a between upside down', leaf('lead_score', 'between', [5, 1]), 'value', /not be more/],
    ['a day that is none', leaf('last_visit_at', 'before', '2026-02-30'), 'value', /a date and time/],
    [
      'a unit that is none',
      leaf('last_visit_at', 'before', { ago: 3, unit: 'moons' }),
      'value.unit',
      /minutes, hours/,
    ],
    ['half a day', leaf('last_visit_at', 'before', { ago: 0.5, unit: 'days' }), 'value', /whole number/],
    [
      'a currency that is none',
      leaf('total_spent', 'at_least', { amount: '1', currency: 'XXQ' }),
      'value.currency',
      /ISO 4217/,
    ],
    [
      'too many digits',
      leaf('total_spent', 'at_least', { amount: '1', currency: 'JPY', per: 1 }),
      'value.per',
      /no such key/,
    ],
    ['half a yen', leaf('total_spent', 'at_least', { amount: '1.5', currency: 'JPY' }), 'value', /an amount/],
    ['a foreign id', leaf('owner', 'equals', tag), 'value', /the id of a User/],
    [
      'a narrowing of what has none',
      leaf('vip', 'equals', true, { status: 'COMPLETED' }),
      'where',
      /cannot be narrowed/,
    ],
    [
      'a status that is none',
      leaf('bookings_count', 'equals', 1, { status: ['DONE'] }),
      'where.status.0',
      /COMPLETED/,
    ],
    [
      'a window that is none',
      leaf('bookings_count', 'equals', 1, { within: {} }),
      'where.within',
      /\{ last, unit \}/,
    ],
    ['a group of nothing', { match: 'all', conditions: [] }, 'conditions', /at least one/],
    [
      'a match that is none',
      { match: 'some', conditions: [leaf('vip', 'equals', true)] },
      'match',
      /"all" or "any"/,
    ],
    [
      'a mistake deep within',
      { match: 'any', conditions: [leaf('vip', 'equals', true), { not: leaf('vip', 'equals', 1) }] },
      'conditions.1.not.value',
      /true or false/,
    ],
    ['a key that is none', { ...leaf('vip', 'equals', true), valeu: 1 }, 'valeu', /no such key/],
    ['another version', { version: 2, ...leaf('vip', 'equals', true) }, 'version', /Must be 1/],
    ['a field of an event', leaf('event.price', 'at_least', 1), 'field', /field of an event/],
    [
      'too deep a nest',
      nested(6),
      'conditions.0.conditions.0.conditions.0.conditions.0.conditions.0.conditions.0',
      /deeper than 6/,
    ],
    ['too long a list', leaf('email', 'in_list', Array(101).fill('x')), 'value', /at most 100/],
    [
      'too many parts',
      { match: 'all', conditions: Array(61).fill(leaf('vip', 'equals', true)) },
      'conditions',
      /at most 60/,
    ],
  ])('%s', (_, input, path, message) => {
    const { issues } = read(JSON.parse(JSON.stringify(input)));
    expect(issues?.[0]).toEqual({ path, message: expect.stringMatching(message) });
  });

  test('an event is asked only for what it says', () => {
    const price = leaf('event.price', 'at_least', 10);
    expect(read(price, { eventTypes: ['booking.created'] }).condition).toBeDefined();
    expect(read(price, { eventTypes: ['payment.recorded'] }).issues?.[0]?.message).toBe(
      'payment.recorded does not say event.price.',
    );
  });
});

test('the example of the source documents is read as it stands there', () => {
  const { condition } = read({
    match: 'all',
    conditions: [
      { field: 'lead_score', operator: 'greater_than', value: 50 },
      { field: 'tags', operator: 'contains', value: 'interested' },
      { field: 'orders_count', operator: 'equals', value: 0 },
      { field: 'last_email_opened', operator: 'is_set', value: true },
    ],
  });
  expect(condition && sentence(condition, new Map())).toBe(
    'lead score is more than 50 and tagged interested and exactly 0 payments and last e-mail opened is known',
  );
});

test.each<[string, unknown]>([
  [
    'at least 3 completed bookings in the last 90 days and tagged VIP',
    {
      match: 'all',
      conditions: [
        leaf('bookings_count', 'at_least', 3, { status: 'COMPLETED', within: { last: 90, unit: 'days' } }),
        leaf('tags', 'contains', tag),
      ],
    },
  ],
  ['last booking is before 90 days ago', leaf('last_booking_at', 'before', { ago: 90, unit: 'days' })],
  ['total spent is at least 1000 EUR', leaf('total_spent', 'at_least', 1000)],
  [
    'VIP or (not do not contact and e-mail ends with @example.com)',
    {
      match: 'any',
      conditions: [
        leaf('vip', 'equals', true),
        {
          match: 'all',
          conditions: [leaf('do_not_contact', 'equals', false), leaf('email', 'ends_with', '@example.com')],
        },
      ],
    },
  ],
  ['date of birth is before 18 years ago', leaf('born_on', 'before', { ago: 18, unit: 'years' })],
  [
    'not (lifecycle stage is at risk or churned)',
    { not: leaf('lifecycle_stage', 'in_list', ['AT_RISK', 'CHURNED']) },
  ],
  [
    'less than 1 booking in the next 1 week',
    leaf('bookings_count', 'less_than', 1, { within: { next: 1, unit: 'weeks' } }),
  ],
])('in words: %s', (words, input) => {
  const { condition, issues } = read(JSON.parse(JSON.stringify(input)));
  expect(issues).toBeUndefined();
  expect(condition && sentence(condition, new Map([[tag, 'VIP']]))).toBe(words);
});
