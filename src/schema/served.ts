import { Refused } from '../core/errors.ts';
import type { List, PageArgs, Serving } from './list.ts';

/** How a page is to be read. */
export interface Way {
  column: string;
  direction: 'asc' | 'desc';
  /**
   * The condition with several values, or behind another table: each value is a range of an index, which is read by
   * itself. Null when one range, or a few rows, hold the page.
   */
  apart: string | null;
  /** By words: in the order of how well they match, or in the order of a column. Null without a search. */
  search: 'ranked' | 'ordered' | null;
}

/** Values of one condition that are read apart at most; and days that several conditions may span together. */
const maxApart = 10;
const maxDays = 93;
const day = 86_400_000;

/**
 * How an index serves what is asked for. What none serves is refused, with what would be served: it would read in
 * proportion to the table, quickly in the first year of a business and not in its fifth. `parent` is the column by
 * which the list belongs to an object.
 */
export function served(list: List<never>, args: PageArgs, parent: string | null): Way {
  const { columns, default: usual } = list.order;
  const asked = args.orderBy ? (columns[args.orderBy.field] as string) : null;
  const direction = args.orderBy
    ? (args.orderBy.direction.toLowerCase() as Way['direction'])
    : usual.direction;
  const way = (column: string, apart: string | null = null): Way => ({
    ...{ column, direction, apart },
    search: null,
  });
  const rules = list.served;
  if (!rules) return way(asked ?? usual.column);

  const given = Object.entries(valuesOf(args)).filter(([name]) => rules[name]);
  const as = (kind: Serving['as']) =>
    given.filter(([name]) => rules[name]?.as === kind).map(([name]) => name);
  if (parent && given.some(([name]) => name === parent))
    throw new Refused('BAD_USER_INPUT', `filter.${parent}: This list has one only.`);
  if (as('key').length > 0) return way(asked ?? usual.column);
  // What may be a phone number is looked for in two ways, which have no order together.
  const words = args.search ? (list.search?.words(args.search).length ?? 0) : 0;
  if (words > 0) return { ...way(asked ?? usual.column), search: asked || words > 1 ? 'ordered' : 'ranked' };

  const spans = as('span');
  const parts = [...as('part'), ...(parent && rules[parent]?.as === 'part' ? [parent] : [])];
  const part = (name: string) => rules[name] as Extract<Serving, { as: 'part' }>;
  const few = parts.find((name) => part(name).few && (!parent || name === parent));
  // Everything that one person brought about: whatever the order and the conditions, they are looked through.
  if (few && few === parent) return way(asked ?? usual.column);

  const holders = few ? [few] : parts;
  const serves = (column: string) => holders.every((name) => part(name).orders.includes(column));
  const [span] = spans;
  const column = asked ?? (span && spans.length === 1 && serves(span) ? span : usual.column);
  const called = (of: string) => Object.keys(columns).find((name) => columns[name] === of) ?? of;
  const stray = spans.find((name) => name !== column);
  if (stray && !few)
    throw new Refused(
      'BAD_USER_INPUT',
      asked && serves(stray) && spans.length === 1
        ? `filter.${stray} goes with orderBy ${called(stray)}.`
        : `filter.${stray} does not go with ${[...spans.filter((name) => name !== stray), ...parts].map((name) => (name === parent ? 'this list' : `filter.${name}`)).join(' and ')}.`,
    );
  const against = holders.find((name) => !part(name).orders.includes(column));
  if (against)
    throw new Refused(
      'BAD_USER_INPUT',
      `${against === parent ? 'This list' : `filter.${against}`} goes with orderBy ${part(against).orders.map(called).join(' or ')}, not ${called(column)}.`,
    );
  if (parts.length > 1 && !few && !isShort(valuesOf(args)[column]))
    throw new Refused(
      'BAD_USER_INPUT',
      `filter: ${parts.filter((name) => name !== parent).join(' and ')} ${parent ? 'needs' : 'together need'} ${column} with both ends, at most ${maxDays} days apart.`,
    );
  if (parent || (parts.length > 1 && !few)) return way(column);
  const [holder] = holders;
  if (!holder) return way(column);
  const values = listOf(valuesOf(args)[holder]);
  if (values.length > maxApart)
    throw new Refused(
      'BAD_USER_INPUT',
      `${holder}: A list may hold at most ${maxApart} values here, this one holds ${values.length}.`,
    );
  return way(column, values.length > 1 || part(holder).behind ? holder : null);
}

/** The arguments for each value of a condition alone. */
export function apart(args: PageArgs, condition: string): PageArgs[] {
  const filter = args.filter as Record<string, unknown> | null | undefined;
  const value = valuesOf(args)[condition];
  const inFilter = filter?.[condition] != null;
  const single = (one: unknown) =>
    Array.isArray(value) ? [one] : typeof value === 'object' ? { eq: one } : one;
  return listOf(value).map((one) =>
    inFilter
      ? { ...args, filter: { ...filter, [condition]: single(one) } }
      : { ...args, [condition]: single(one) },
  );
}

/** Conditions with a value, from the filter and from the list's own arguments. */
function valuesOf({
  filter,
  first: _f,
  last: _l,
  after: _a,
  before: _b,
  search: _s,
  orderBy: _o,
  ...own
}: PageArgs) {
  const conditions = Object.entries({ ...own, ...(filter as object | null) }).filter(
    ([, value]) =>
      value != null &&
      (typeof value !== 'object' ||
        Array.isArray(value) ||
        value instanceof Date ||
        Object.values(value).some((one) => one != null)),
  );
  return Object.fromEntries(conditions) as Record<string, unknown>;
}

/** The different values that a condition lets through. */
function listOf(condition: unknown): unknown[] {
  if (condition == null) return [];
  if (Array.isArray(condition)) return [...new Set(condition)];
  if (typeof condition !== 'object') return [condition];
  const { eq, in: among } = condition as { eq?: unknown; in?: unknown[] | null };
  if (eq == null) return [...new Set(among ?? [])];
  return !among || among.includes(eq) ? [eq] : [];
}

function isShort(span: unknown): boolean {
  const { gte, gt, lte, lt } = (span ?? {}) as Record<string, Date | null | undefined>;
  const [from, until] = [gte ?? gt, lte ?? lt];
  return from != null && until != null && until.getTime() - from.getTime() <= maxDays * day;
}
