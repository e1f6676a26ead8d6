import { complexityFromQuery } from '@pothos/plugin-complexity';
import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';
import type { OperationContext } from '../operationContext.ts';
import type { Source } from './collectFields.ts';

type Variables = Record<string, unknown>;

/** Sizes that are remembered for an operation. */
const most = 100;

/**
 * What the operation costs by the schema's own count, which the executor makes at its root fields. Only sizes count in
 * it: numbers, and the lengths of lists. So it is counted once for all requests that ask for the same.
 */
export function costOf(
  { schema, fragments }: Source,
  operation: OperationDefinitionNode,
): (ctx: OperationContext, variables: Variables) => number {
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments.values()] };
  const known = new Map<string, number>();
  return (ctx, variables) => {
    const sizes = Object.entries(variables)
      .map(([name, value]) => `${name} ${sizeOf(value)}`)
      .join();
    let cost = known.get(sizes);
    if (cost === undefined) {
      cost = complexityFromQuery(document, { schema, ctx, variables }).complexity;
      if (known.size >= most) known.clear();
      known.set(sizes, cost);
    }
    return cost;
  };
}

function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  return typeof value === 'number' ? String(value) : value === null ? 'null' : '';
}
