import { type Condition, type Leaf, type Operator, opposites } from './condition.ts';
import { currencyOf, type EventFacts, type Field, fields } from './fields.ts';
import { type Literal, literalsOf } from './literal.ts';
import type { Moment } from './moment.ts';

/** What is known of one customer, by `sourceOf` its leaves; `null` is not set. */
export type Facts = ReadonlyMap<string, unknown>;

/** Which value of a customer a leaf asks for: leaves with the same source share it. */
export function sourceOf(leaf: Leaf, moment: Moment): string {
  const field = fields.get(leaf.field);
  return JSON.stringify([
    leaf.field,
    leaf.where ?? null,
    field?.kind === 'money' ? currencyOf(leaf, moment) : null,
  ]);
}

/** What a leaf sees, and whether it holds. */
export interface Seen {
  leaf: Leaf;
  value: unknown;
  holds: boolean;
}

/**
 * Whether a condition holds for one customer, or for one event and its customer. The other evaluator is `toSql`; a test
 * shows that they agree. A value that is not set meets no operator but `is_not_set` and those with `not_`, which are
 * exactly the opposite of those without.
 */
export function evaluate(
  condition: Condition,
  facts: Facts,
  moment: Moment,
  event: EventFacts | null = null,
  /** Told what each leaf saw. All leaves are looked at then, also where the first would do. */
  see?: (seen: Seen) => void,
): boolean {
  if ('match' in condition) {
    const parts = condition.conditions;
    if (see) {
      const outcomes = parts.map((part) => evaluate(part, facts, moment, event, see));
      return condition.match === 'all' ? outcomes.every(Boolean) : outcomes.some(Boolean);
    }
    return condition.match === 'all'
      ? parts.every((part) => evaluate(part, facts, moment, event))
      : parts.some((part) => evaluate(part, facts, moment, event));
  }
  if ('not' in condition) return !evaluate(condition.not, facts, moment, event, see);

  const field = fields.get(condition.field);
  if (!field) return false;
  const value =
    field.about === 'EVENT'
      ? said(field, event, condition, moment)
      : (facts.get(sourceOf(condition, moment)) ?? null);
  const holds = compare(field, condition.operator, value, literalsOf(condition, field, moment));
  see?.({ leaf: condition, value, holds });
  return holds;
}

function said(
  field: Field & { about: 'EVENT' },
  event: EventFacts | null,
  leaf: Leaf,
  moment: Moment,
): unknown {
  if (!event || !field.types.test(event.type)) return null;
  const value = field.read(event);
  if (field.kind !== 'money' || !value) return value;
  // Amounts in another currency cannot be compared.
  const { minor, currency } = value as { minor: bigint; currency: string };
  return currency === currencyOf(leaf, moment) ? minor : null;
}

function compare(field: Field, operator: Operator, value: unknown, literals: Literal[]): boolean {
  const opposite = opposites[operator];
  if (opposite) return !compare(field, opposite, value, literals);
  if (field.kind === 'list') {
    const set = (value ?? []) as unknown[];
    return operator === 'is_set' ? set.length > 0 : literals.some((literal) => set.includes(literal));
  }
  if (value === null || value === undefined || (field.kind === 'text' && value === '')) return false;
  const folded = field.kind === 'text' ? literals.map((literal) => fold(literal as string)) : literals;
  const own = field.kind === 'text' ? fold(value as string) : value;
  const [first, second] = folded;
  switch (operator) {
    case 'is_set':
      return true;
    case 'equals':
    case 'in_list':
      return folded.some((literal) => order(own, literal) === 0);
    case 'contains':
      return (own as string).includes(first as string);
    case 'starts_with':
      return (own as string).startsWith(first as string);
    case 'ends_with':
      return (own as string).endsWith(first as string);
    case 'less_than':
    case 'before':
      return order(own, first) < 0;
    case 'greater_than':
    case 'after':
      return order(own, first) > 0;
    case 'at_most':
      return order(own, first) <= 0;
    case 'at_least':
      return order(own, first) >= 0;
    case 'between':
      return order(own, first) >= 0 && order(own, second) <= 0;
    default:
      return false;
  }
}

/** Case does not matter; accents do. As ICU's root locale does it, which PostgreSQL uses in `toSql`. */
const fold = (text: string) => text.toLowerCase();

function order(a: unknown, b: unknown): number {
  const [x, y] = [a instanceof Date ? a.getTime() : a, b instanceof Date ? b.getTime() : b] as [
    number,
    number,
  ];
  return x < y ? -1 : x > y ? 1 : x === y || String(x) === String(y) ? 0 : Number.NaN;
}
