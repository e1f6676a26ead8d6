import { describe, expect, test } from 'vitest';
import { unmarkedBreaks } from '../../scripts/schemaChanges.ts';

const before = `
  type Query { customer(id: ID!): Customer }
  type Customer { id: ID! name: String! grade: Grade! }
  enum Grade { COLD WARM }
  input CustomerFilter { name: String }
  union Result = Customer | Failure
  type Failure { message: String! }
`;

const breaking: [title: string, after: string, path: string][] = [
  ['a field is removed', before.replace('name: String! ', ''), 'Customer.name'],
  ['a field becomes nullable', before.replace('name: String!', 'name: String'), 'Customer.name'],
  ['an argument is required', before.replace('(id: ID!)', '(id: ID!, at: String!)'), 'Query.customer.at'],
  ['an enum value is removed', before.replace(' WARM', ''), 'Grade.WARM'],
  [
    'an input field is required',
    before.replace('{ name: String }', '{ name: String! }'),
    'CustomerFilter.name',
  ],
  ['a union loses a member', before.replace('Customer | Failure', 'Failure'), 'Result'],
];

describe('A change of the schema', () => {
  test.each(breaking)('is caught when %s', async (_, after, path) => {
    expect(after).not.toBe(before);
    expect(await unmarkedBreaks(before, after)).toEqual([expect.stringMatching(`^${path}: `)]);
  });

  test.each(breaking)('may break clients on purpose when %s', async (_, after, path) => {
    expect(await unmarkedBreaks(before, after, `# Meant\n\n- \`${path}\` - nobody used it\n`)).toEqual([]);
    expect(await unmarkedBreaks(before, after, `${path} - nobody used it`)).toEqual([]);
  });

  test('is not excused by a line without a reason or about another path', async () => {
    const [, after] = breaking[0]!;
    const marks = `Customer.name - \nCustomer.name\nCustomer.grade - not this one\n`;
    expect(await unmarkedBreaks(before, after, marks)).toHaveLength(1);
  });

  test('may add fields, optional arguments, types and descriptions', async () => {
    const after = `
      "All of it" type Query { customer(id: ID!, at: String): Customer customers: [Customer!]! }
      type Customer { id: ID! name: String! grade: Grade! email: String }
      enum Grade { COLD WARM HOT }
      input CustomerFilter { name: String email: String }
      union Result = Customer | Failure | Other
      type Failure { message: String! }
      type Other { message: String! }
    `;
    expect(await unmarkedBreaks(before, after)).toEqual([]);
  });
});
