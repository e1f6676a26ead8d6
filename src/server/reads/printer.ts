import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Permission } from '../../core/permissions.ts';
import type { OperationContext } from '../operationContext.ts';
import { collectFields, type Source, selectionsOf } from './collectFields.ts';
import { extensionsOf, shapeOf } from './shapeOf.ts';
import { Unplanned } from './unplanned.ts';

/** Prints the value of a resolver as JSON, as the executor would complete it; gives up where that would be an error. */
export type Print = (value: unknown, ctx: OperationContext) => string;

/** @param needs is told which permissions the selection takes. */
export function printerOf(
  source: Source,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  needs: Set<Permission>,
): Print {
  if (isNonNullType(type)) {
    const print = printerOf(source, type.ofType, nodes, needs);
    return (value, ctx) => {
      const text = print(value, ctx);
      if (text === 'null') throw new Unplanned('null where there must be a value');
      return text;
    };
  }
  if (isListType(type)) {
    const print = printerOf(source, type.ofType, nodes, needs);
    return (value, ctx) => {
      if (value == null) return 'null';
      if (!Array.isArray(value)) throw new Unplanned('a list that is none');
      return `[${value.map((one) => print(one, ctx)).join(',')}]`;
    };
  }
  if (isLeafType(type)) {
    return (value) => {
      if (value == null) return 'null';
      if (value instanceof Error || value instanceof Promise) throw new Unplanned('a value that is none');
      const coerced = type.coerceOutputValue(value);
      if (coerced == null) throw new Unplanned('a value of another type');
      return JSON.stringify(coerced);
    };
  }
  if (isObjectType(type)) return objectPrinter(source, type, nodes, needs);
  throw new Unplanned('a value of several types');
}

function objectPrinter(
  source: Source,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  needs: Set<Permission>,
): Print {
  const fields = [...collectFields(source, type, selectionsOf(nodes))].map(([key, below]) => {
    const name = below[0]?.name.value ?? '';
    const start = `${JSON.stringify(key)}:`;
    if (name === '__typename') return { start: start + JSON.stringify(type.name), value: null };
    const field = type.getFields()[name];
    if (!field) throw new Unplanned(`there is no field ${type.name}.${name}`);
    const shape = shapeOf(source.schema, type, field);
    if (shape.kind !== 'known') throw new Unplanned(`${type.name}.${name} has rows behind it`);
    const { permission } = extensionsOf(field);
    if (permission) needs.add(permission);
    return { start, value: { resolve: shape.resolve, print: printerOf(source, field.type, below, needs) } };
  });
  return (parent, ctx) => {
    if (parent == null) return 'null';
    const texts = fields.map(({ start, value }) =>
      value ? start + value.print(value.resolve(parent as never, {}, ctx), ctx) : start,
    );
    return `{${texts.join(',')}}`;
  };
}
