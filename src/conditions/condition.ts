/**
 * A condition: one small JSON language, for segments, tag rules, score rules and whatever asks "which customers?" or
 * "this event?". Public ids stand in it, so that it can be handed on as it is.
 *
 *     { "version": 1, "match": "all", "conditions": [
 *       { "field": "bookings_count", "where": { "status": ["COMPLETED"], "within": { "last": 90, "unit": "days" } },
 *         "operator": "at_least", "value": 3 },
 *       { "not": { "field": "tags", "operator": "contains", "value": "tag_01…" } }
 *     ] }
 */
export type Condition = Group | Not | Leaf;

export interface Group {
  /** `all` of no conditions holds, `any` of none does not. */
  match: 'all' | 'any';
  conditions: Condition[];
}

export interface Not {
  not: Condition;
}

export interface Leaf {
  field: string;
  operator: Operator;
  /** Absent for `is_set` and `is_not_set`. */
  value?: Value;
  /** What an aggregate looks at; everything when left out. */
  where?: Where;
}

/** A condition as it is stored: this is its version of the language. */
export type Criteria = Condition & { version: 1 };

export const operators = [
  'equals',
  'not_equals',
  'greater_than',
  'less_than',
  'at_least',
  'at_most',
  'between',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'is_set',
  'is_not_set',
  'in_list',
  'not_in_list',
  'before',
  'after',
] as const;
export type Operator = (typeof operators)[number];

/** Operators that hold exactly where another does not. */
export const opposites: Partial<Record<Operator, Operator>> = {
  not_equals: 'equals',
  not_contains: 'contains',
  not_in_list: 'in_list',
  is_not_set: 'is_set',
};

export const units = ['minutes', 'hours', 'days', 'weeks', 'months', 'years'] as const;
export type Unit = (typeof units)[number];

/** A moment as seen from now. Minutes to weeks have a fixed length; months and years are those of the calendar. */
export type Relative = { ago: number; unit: Unit } | { ahead: number; unit: Unit };
export interface Amount {
  /** Decimal. */
  amount: string;
  /** ISO 4217. */
  currency: string;
}
type Scalar = string | number | boolean | Amount | Relative;
export type Value = Scalar | Scalar[];

/** Which bookings, payments or activities an aggregate looks at. Several values of a key: any of them. */
export interface Where {
  service?: string[];
  staff_member?: string[];
  status?: string[];
  method?: string[];
  type?: string[];
  within?: Span;
}

/** From the length before now until now; from now until the length after it; or between two instants, the second excluded. */
export type Span =
  | { last: number; unit: Unit }
  | { next: number; unit: Unit }
  | { from?: string; until?: string };

/** Every leaf, with where it stands. */
export function* leavesOf(condition: Condition, path = ''): Generator<[Leaf, string]> {
  const at = (rest: string) => (path ? `${path}.${rest}` : rest);
  if ('match' in condition) {
    for (const [n, part] of condition.conditions.entries()) yield* leavesOf(part, at(`conditions.${n}`));
  } else if ('not' in condition) yield* leavesOf(condition.not, at('not'));
  else yield [condition, path];
}
