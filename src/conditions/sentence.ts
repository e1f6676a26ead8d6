import type { Condition, Leaf, Operator, Relative, Span, Value } from './condition.ts';
import { leavesOf } from './condition.ts';
import { fields } from './fields.ts';
import { isRelative } from './moment.ts';

/** Names of what ids stand for, by public id. */
export type Names = ReadonlyMap<string, string>;

/** Every public id that a condition holds, so that their names can be looked up. */
export function idsIn(condition: Condition): string[] {
  const ids = new Set<string>();
  for (const [leaf] of leavesOf(condition)) {
    const field = fields.get(leaf.field);
    const values = field?.refersTo ? [leaf.value ?? []].flat() : [];
    for (const id of [...values, ...(leaf.where?.service ?? []), ...(leaf.where?.staff_member ?? [])])
      if (typeof id === 'string') ids.add(id);
  }
  return [...ids];
}

/** A condition in words: "at least 3 completed bookings in the last 90 days and tagged VIP". */
export function sentence(condition: Condition, names: Names): string {
  if ('match' in condition) {
    const word = condition.match === 'all' ? ' and ' : ' or ';
    if (condition.conditions.length === 0) return condition.match === 'all' ? 'everybody' : 'nobody';
    const part = (one: Condition) =>
      'match' in one && one.match !== condition.match && one.conditions.length > 1
        ? `(${sentence(one, names)})`
        : sentence(one, names);
    return condition.conditions.map(part).join(word);
  }
  if ('not' in condition) return `not (${sentence(condition.not, names)})`;
  return leafSentence(condition, names);
}

const phrases: Record<Operator, string> = {
  equals: 'is',
  not_equals: 'is not',
  greater_than: 'more than',
  less_than: 'less than',
  at_least: 'at least',
  at_most: 'at most',
  between: 'between',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  is_set: 'is known',
  is_not_set: 'is not known',
  in_list: 'is',
  not_in_list: 'is not',
  before: 'before',
  after: 'after',
};
const exact: Partial<Record<Operator, string>> = {
  equals: 'exactly',
  not_equals: 'not exactly',
  in_list: 'exactly',
};

function leafSentence(leaf: Leaf, names: Names): string {
  const field = fields.get(leaf.field);
  if (!field) return leaf.field;
  const { operator, where = {} } = leaf;
  const value = () => words(leaf, names);

  if (leaf.field === 'tags' || leaf.field === 'segments') {
    const [has, hasNot] =
      leaf.field === 'tags' ? ['tagged', 'not tagged'] : ['in the segment', 'not in the segment'];
    if (operator === 'is_set') return leaf.field === 'tags' ? 'tagged with anything' : 'in any segment';
    if (operator === 'is_not_set') return leaf.field === 'tags' ? 'not tagged' : 'in no segment';
    return `${operator.startsWith('not') ? hasNot : has} ${value()}`;
  }
  if (field.kind === 'boolean') {
    const yes = (operator === 'equals') === leaf.value;
    return yes ? lower(field.label) : `not ${lower(field.label)}`;
  }
  if (leaf.field.endsWith('_count') && leaf.value !== undefined) {
    const noun =
      leaf.field === 'bookings_count' ? 'booking' : leaf.field === 'orders_count' ? 'payment' : 'activity';
    const single = leaf.value === 1;
    const plural = noun === 'activity' ? 'activities' : `${noun}s`;
    const status = (where.status ?? []).map(human).join(' or ');
    return [
      exact[operator] ?? phrases[operator],
      value(),
      status,
      single ? noun : plural,
      narrowing(leaf, names),
    ]
      .filter(Boolean)
      .join(' ');
  }
  const label = [lower(field.label), where.status?.map(human).join(' or '), narrowing(leaf, names)]
    .filter(Boolean)
    .join(' ');
  if (leaf.value === undefined) return `${label} ${phrases[operator]}`;
  const verb =
    field.kind === 'number' || field.kind === 'money' || field.kind === 'datetime' || field.kind === 'date';
  const phrase = verb && !phrases[operator].startsWith('is') ? `is ${phrases[operator]}` : phrases[operator];
  return `${label} ${phrase} ${value()}`;
}

/** Which bookings, payments or activities, behind the noun. */
function narrowing({ where = {} }: Leaf, names: Names): string {
  const called = (ids: string[]) => ids.map((id) => names.get(id) ?? id).join(' or ');
  return [
    where.service && `of ${called(where.service)}`,
    where.staff_member && `with ${called(where.staff_member)}`,
    where.method && `by ${where.method.map(human).join(' or ')}`,
    where.type && `of type ${where.type.map((type) => type.replace(/[._]/g, ' ')).join(' or ')}`,
    where.within && spanWords(where.within),
  ]
    .filter(Boolean)
    .join(' ');
}

function spanWords(span: Span): string {
  if ('last' in span) return `in the last ${length(span.last, span.unit)}`;
  if ('next' in span) return `in the next ${length(span.next, span.unit)}`;
  return [span.from && `from ${span.from.slice(0, 10)}`, span.until && `until ${span.until.slice(0, 10)}`]
    .filter(Boolean)
    .join(' ');
}

function words(leaf: Leaf, names: Names): string {
  const all = [leaf.value ?? []].flat() as Value[];
  return all.map((value) => word(value, names)).join(leaf.operator === 'between' ? ' and ' : ' or ');
}

function word(value: Value, names: Names): string {
  if (typeof value === 'string') return names.get(value) ?? (/^[A-Z_]+$/.test(value) ? human(value) : value);
  if (typeof value !== 'object') return String(value);
  if (isRelative(value)) return relative(value);
  return 'amount' in value ? `${value.amount} ${value.currency}` : '';
}

const relative = (value: Relative) =>
  'ago' in value ? `${length(value.ago, value.unit)} ago` : `${length(value.ahead, value.unit)} ahead`;
const length = (amount: number, unit: string) => `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`;
const human = (value: string) => value.toLowerCase().replaceAll('_', ' ');
const lower = (label: string) =>
  /^[A-Z]{2}/.test(label) ? label : `${label[0]?.toLowerCase()}${label.slice(1)}`;
