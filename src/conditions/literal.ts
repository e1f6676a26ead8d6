import type { IdType } from '../core/ids.ts';
import { uuidOf } from '../core/ids.ts';
import type { Amount, Leaf, Value } from './condition.ts';
import { type Field, minorValue } from './fields.ts';
import { dayOf, instantOf, type Moment } from './moment.ts';

/** A value as both evaluators compare it. */
export type Literal = string | number | boolean | bigint | Date;

/** The values of a leaf, read for the kind of its field: ids as uuids or as they are for events, amounts in minor units. */
export function literalsOf(leaf: Leaf, field: Field, moment: Moment): Literal[] {
  if (leaf.value === undefined) return [];
  const values = (Array.isArray(leaf.value) ? leaf.value : [leaf.value]) as Value[];
  return values.map((value): Literal => {
    switch (field.kind) {
      case 'money':
        return minorValue(value as Amount);
      case 'datetime':
        return instantOf(value, moment);
      case 'date':
        return dayOf(value, moment);
      case 'reference':
      case 'list':
        // Events hold public ids, tables hold bare ones.
        return field.about === 'EVENT' || !field.refersTo
          ? String(value)
          : (uuidOf(field.refersTo as IdType, String(value)) ?? '');
      default:
        return value as Literal;
    }
  });
}
