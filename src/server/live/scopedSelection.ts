import {
  type DocumentNode,
  type GraphQLSchema,
  getNamedType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { dependsOnScope } from '../../core/visible.ts';
import type { ReadDeclaration } from '../../schema/read.ts';

const known = new WeakMap<DocumentNode, boolean>();

/**
 * Whether two viewers with the same permissions, who may both receive an event, may see different answers to it: the
 * selection reaches lists and look-ups whose rows depend on the row scope. The event's own objects do not: who may
 * receive an event may see what it is about, and a to-one edge is no boundary.
 */
export function scopedSelection(schema: GraphQLSchema, document: DocumentNode): boolean {
  const answer = known.get(document);
  if (answer !== undefined) return answer;
  const types = new TypeInfo(schema);
  const events = new Set(
    Object.values(schema.getSubscriptionType()?.getFields() ?? {}).map(({ type }) => getNamedType(type)),
  );
  let scoped = false;
  visit(
    document,
    visitWithTypeInfo(types, {
      Field() {
        const read = types.getFieldDef()?.extensions.read as ReadDeclaration | undefined;
        if (!read) return;
        const { shape, model } = read;
        const ownOfEvent = shape === 'one' && events.has(types.getParentType() as never);
        const looksUp = shape === 'one' || shape === 'page';
        if (shape === 'opaque' || shape === 'node') scoped = true;
        else if (looksUp && !ownOfEvent && (!model || dependsOnScope(model))) scoped = true;
      },
    }),
  );
  known.set(document, scoped);
  return scoped;
}
