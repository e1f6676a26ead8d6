import type { Issue } from '../core/errors.ts';
import { type IdType, uuidOf } from '../core/ids.ts';
import { exponentOf, minorOf } from '../core/money.ts';
import {
  type Condition,
  type Criteria,
  type Leaf,
  type Operator,
  units,
  type Value,
  type Where,
} from './condition.ts';
import {
  activityTypes,
  bookingStatusValues,
  type Field,
  fields,
  operatorsOf,
  paymentMethodValues,
} from './fields.ts';

/** How deep conditions may nest, and how many leaves there may be. */
export const maxDepth = 6;
export const maxLeaves = 60;
const maxListed = 100;
const maxText = 200;
/** Ten years, in minutes: beyond it a length of time is a mistake. */
const maxLength = 10 * 366 * 24 * 60;

export interface Reading {
  /** What an amount without a currency is in. ISO 4217. */
  currency: string;
  /** Whether fields of an event may be asked for; of these types, where they are known. */
  about: 'CUSTOMER' | { eventTypes: readonly string[] };
}

/**
 * Reads a condition that somebody sent. Says everything that is wrong and where (`conditions.1.value`), or answers it in
 * the form in which it is stored. Ids are checked for their form; whether they name anything is up to the caller.
 */
export function parseCondition(
  input: unknown,
  reading: Reading,
): { condition: Criteria; issues?: never } | { condition?: never; issues: Issue[] } {
  const issues: Issue[] = [];
  let leaves = 0;

  const refuse = (path: string, message: string): null => {
    issues.push({ path, message });
    return null;
  };

  function read(value: unknown, path: string, depth: number): Condition | null {
    const at = (rest: string) => (path ? `${path}.${rest}` : rest);
    if (!isObject(value))
      return refuse(
        path,
        'Must be a condition: { field, operator, value }, { match, conditions } or { not }.',
      );
    if (depth > maxDepth) return refuse(path, `Must not nest deeper than ${maxDepth}.`);
    if ('match' in value || 'conditions' in value) {
      onlyKeys(value, ['match', 'conditions', ...(path ? [] : ['version'])], at);
      if (value.match !== 'all' && value.match !== 'any') refuse(at('match'), 'Must be "all" or "any".');
      if (!Array.isArray(value.conditions)) return refuse(at('conditions'), 'Must be a list of conditions.');
      if (value.conditions.length === 0) return refuse(at('conditions'), 'Must hold at least one condition.');
      if (value.conditions.length > maxLeaves)
        return refuse(at('conditions'), `Must hold at most ${maxLeaves} conditions.`);
      const conditions = value.conditions.map((part, n) => read(part, at(`conditions.${n}`), depth + 1));
      return { match: value.match as 'all' | 'any', conditions: conditions as Condition[] };
    }
    if ('not' in value) {
      onlyKeys(value, ['not', ...(path ? [] : ['version'])], at);
      const not = read(value.not, at('not'), depth + 1);
      return not && { not };
    }
    return readLeaf(value, path, at);
  }

  function readLeaf(value: Record<string, unknown>, path: string, at: (rest: string) => string): Leaf | null {
    if (++leaves === maxLeaves + 1) refuse(path, `A condition has at most ${maxLeaves} parts.`);
    onlyKeys(value, ['field', 'operator', 'value', 'where', ...(path ? [] : ['version'])], at);
    const field = typeof value.field === 'string' ? fields.get(value.field) : undefined;
    if (!field)
      return refuse(
        at('field'),
        `Must be one of the fields of conditionFields; ${shown(value.field)} is none.`,
      );
    if (field.about === 'EVENT') {
      if (reading.about === 'CUSTOMER')
        return refuse(
          at('field'),
          `${field.name} is a field of an event; here only customers are asked about.`,
        );
      if (!reading.about.eventTypes.every((type) => field.types.test(type)))
        return refuse(at('field'), `${reading.about.eventTypes.join(', ')} does not say ${field.name}.`);
    }
    const allowed = operatorsOf[field.kind];
    if (!allowed.includes(value.operator as Operator))
      return refuse(
        at('operator'),
        `Must be one of ${allowed.join(', ')} for ${field.name}; ${shown(value.operator)} is not.`,
      );
    const operator = value.operator as Operator;
    const where =
      value.where === undefined || value.where === null
        ? undefined
        : readWhere(value.where, field, at('where'));
    const leaf: Leaf = { field: field.name, operator };
    if (where && Object.keys(where).length > 0) leaf.where = where;
    if (operator === 'is_set' || operator === 'is_not_set') {
      if (value.value !== undefined && value.value !== null && value.value !== true)
        return refuse(at('value'), `${operator} takes no value.`);
      return leaf;
    }
    const read = readValue(value.value, field, operator, at('value'));
    if (read === null) return null;
    leaf.value = read;
    return leaf;
  }

  function readValue(value: unknown, field: Field, operator: Operator, path: string): Value | null {
    if (value === undefined || value === null) return refuse(path, `${operator} needs a value.`);
    if (operator === 'between') {
      if (!Array.isArray(value) || value.length !== 2)
        return refuse(path, 'Must be a list of two values: from and to, both included.');
      const [from, to] = value.map((one, n) => readOne(one, field, `${path}.${n}`));
      if (from == null || to == null) return null;
      if (inOrder(from as Value, to as Value) === false)
        return refuse(path, 'The first value must not be more than the second.');
      return [from, to] as Value;
    }
    if (operator === 'in_list' || operator === 'not_in_list') {
      if (!Array.isArray(value) || value.length === 0)
        return refuse(path, 'Must be a list of at least one value.');
      if (value.length > maxListed) return refuse(path, `Must be a list of at most ${maxListed} values.`);
      const read = value.map((one, n) => readOne(one, field, `${path}.${n}`));
      return read.includes(null) ? null : (read as Value);
    }
    if (Array.isArray(value)) return refuse(path, `Must be one value, not a list, for ${operator}.`);
    return readOne(value, field, path);
  }

  function readOne(value: unknown, field: Field, path: string): Value | null {
    switch (field.kind) {
      case 'text':
        return readText(value, path);
      case 'number':
        if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 1e12)
          return refuse(path, 'Must be a number.');
        return value;
      case 'boolean':
        return typeof value === 'boolean' ? value : refuse(path, 'Must be true or false.');
      case 'enum': {
        const known = field.values ?? [];
        return known.includes(value as string)
          ? (value as string)
          : refuse(path, `Must be one of ${known.join(', ')}.`);
      }
      case 'reference':
        return readId(value, field.refersTo as IdType, path);
      case 'list':
        if (!field.refersTo) return readText(value, path);
        return field.refersTo === 'Tag' ? readText(value, path) : readId(value, field.refersTo, path);
      case 'money':
        return readMoney(value, path);
      case 'datetime':
      case 'date':
        return readTime(value, field.kind, path);
    }
  }

  function readText(value: unknown, path: string): string | null {
    if (typeof value !== 'string' || value.trim() === '')
      return refuse(path, 'Must be a text that is not empty.');
    if (value.length > maxText) return refuse(path, `Must be at most ${maxText} characters.`);
    if (value.includes('\0') || !value.isWellFormed())
      return refuse(path, 'Must be well-formed text without NUL.');
    return value;
  }

  function readId(value: unknown, type: IdType, path: string): string | null {
    return typeof value === 'string' && uuidOf(type, value)
      ? value
      : refuse(path, `Must be the id of a ${type}.`);
  }

  function readMoney(value: unknown, path: string): Value | null {
    const given = isObject(value) ? value : { amount: value, currency: reading.currency };
    if (isObject(value)) onlyKeys(value, ['amount', 'currency'], (rest) => `${path}.${rest}`);
    const currency = String(given.currency ?? reading.currency).toUpperCase();
    const amount = String(given.amount);
    if (exponentOf(currency) === null)
      return refuse(`${path}.currency`, 'Must be an ISO 4217 currency code, such as EUR.');
    if (!['string', 'number'].includes(typeof given.amount) || minorOf(amount, currency) === null)
      return refuse(path, `Must be an amount, such as { "amount": "1000", "currency": "${currency}" }.`);
    return { amount, currency };
  }

  function readTime(value: unknown, kind: 'datetime' | 'date', path: string): Value | null {
    if (isObject(value)) {
      const [direction, amount] = 'ago' in value ? ['ago', value.ago] : ['ahead', value.ahead];
      onlyKeys(value, [direction as string, 'unit'], (rest) => `${path}.${rest}`);
      const unit = readUnit(value.unit, amount, path);
      if (!unit) return null;
      if (kind === 'date' && (unit === 'minutes' || unit === 'hours'))
        return refuse(`${path}.unit`, 'A date is counted in days, weeks, months or years.');
      return { [direction as string]: amount, unit } as Value;
    }
    const text = String(value);
    const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
    const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
    const at = new Date(text);
    const exists = !Number.isNaN(at.getTime()) && (!isDay || at.toISOString().startsWith(text));
    if (
      typeof value !== 'string' ||
      !exists ||
      !(isDay || (kind === 'datetime' && isInstant)) ||
      at.getUTCFullYear() < 1000
    )
      return refuse(
        path,
        `Must be ${kind === 'date' ? 'a date such as "2026-01-31"' : 'a date and time such as "2026-01-31T09:00:00Z"'} or a length of time such as { "ago": 90, "unit": "days" }.`,
      );
    return isDay ? text : at.toISOString();
  }

  function readUnit(unit: unknown, amount: unknown, path: string) {
    const known = units.find((name) => name === unit);
    if (!known) return refuse(`${path}.unit`, `Must be one of ${units.join(', ')}.`);
    const minutes = { minutes: 1, hours: 60, days: 1_440, weeks: 10_080, months: 43_800, years: 525_600 }[
      known
    ];
    // A birth may be longer ago than anything in the log.
    const most = known === 'years' ? 150 : Math.floor(maxLength / minutes);
    if (!Number.isInteger(amount) || (amount as number) < 0 || (amount as number) > most)
      return refuse(path, `Must be a whole number of ${known} up to ${most}.`);
    return known;
  }

  function readWhere(value: unknown, field: Field, path: string): Where | undefined {
    const narrowedBy = field.narrowedBy ?? [];
    if (!isObject(value)) return void refuse(path, 'Must be an object.');
    if (narrowedBy.length === 0) return void refuse(path, `${field.name} cannot be narrowed.`);
    onlyKeys(value, narrowedBy, (rest) => `${path}.${rest}`);
    const where: Where = {};
    const list = (
      key: 'service' | 'staff_member' | 'status' | 'method' | 'type',
      check: (one: unknown, path: string) => string | null,
    ) => {
      const given = value[key];
      if (given === undefined || given === null || !narrowedBy.includes(key)) return;
      const many = [given].flat();
      if (many.length === 0 || many.length > maxListed)
        return void refuse(`${path}.${key}`, `Must hold 1 to ${maxListed} values.`);
      const read = many.map((one, n) =>
        check(one, Array.isArray(given) ? `${path}.${key}.${n}` : `${path}.${key}`),
      );
      where[key] = [...new Set(read as string[])].sort();
    };
    const oneOf = (known: readonly string[]) => (one: unknown, at: string) =>
      known.includes(one as string) ? (one as string) : refuse(at, `Must be one of ${known.join(', ')}.`);
    list('service', (one, at) => readId(one, 'Service', at));
    list('staff_member', (one, at) => readId(one, 'StaffMember', at));
    list('status', oneOf(bookingStatusValues));
    list('method', oneOf(paymentMethodValues));
    list('type', oneOf(activityTypes));
    if (value.within != null && narrowedBy.includes('within')) {
      const span = readSpan(value.within, `${path}.within`);
      if (span) where.within = span;
    }
    return where;
  }

  function readSpan(value: unknown, path: string): Where['within'] | null {
    if (!isObject(value)) return refuse(path, 'Must be { last, unit }, { next, unit } or { from, until }.');
    for (const direction of ['last', 'next'] as const) {
      if (!(direction in value)) continue;
      onlyKeys(value, [direction, 'unit'], (rest) => `${path}.${rest}`);
      const unit = readUnit(value.unit, value[direction], path);
      return unit && ({ [direction]: value[direction], unit } as Where['within'] & object);
    }
    onlyKeys(value, ['from', 'until'], (rest) => `${path}.${rest}`);
    const read: { from?: string; until?: string } = {};
    for (const end of ['from', 'until'] as const) {
      if (value[end] == null) continue;
      const at = isObject(value[end])
        ? refuse(`${path}.${end}`, 'Must be a date or a date and time.')
        : readTime(value[end], 'datetime', `${path}.${end}`);
      if (at === null) return null;
      read[end] = at as string;
    }
    if (!read.from && !read.until)
      return refuse(path, 'Must be { last, unit }, { next, unit } or { from, until }.');
    return read;
  }

  function onlyKeys(
    value: Record<string, unknown>,
    known: readonly string[],
    at: (rest: string) => string,
  ): void {
    for (const key of Object.keys(value))
      if (!known.includes(key)) refuse(at(key), `There is no such key here; known are ${known.join(', ')}.`);
  }

  if (isObject(input) && input.version !== undefined && input.version !== 1)
    return { issues: [{ path: 'version', message: 'Must be 1.' }] };
  const condition = read(input, '', 1);
  if (!condition || issues.length > 0) return { issues: issues.slice(0, 20) };
  return { condition: { version: 1, ...condition } };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown) => (typeof value === 'string' ? `"${value.slice(0, 50)}"` : 'this');

/** Whether two values of one kind are in order; null where only the moment of asking decides. */
function inOrder(from: Value, to: Value): boolean | null {
  if (typeof from === 'number' && typeof to === 'number') return from <= to;
  if (typeof from === 'string' && typeof to === 'string')
    return from.length === to.length ? from <= to : null;
  if (typeof from === 'object' && typeof to === 'object' && 'amount' in from && 'amount' in to)
    return (
      from.currency === to.currency &&
      (minorOf(from.amount, from.currency) ?? 0n) <= (minorOf(to.amount, to.currency) ?? 0n)
    );
  return null;
}
