import { type DocumentNode, type GraphQLSchema, Kind, type OperationDefinitionNode, visit } from 'graphql';
import type { Viewer } from '../../core/context.ts';
import { scopedSelection } from './scopedSelection.ts';

export interface Asked {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Record<string, unknown>;
  workspaceId: string;
  viewer: Viewer;
  epoch: string;
}

/**
 * The same for those who get the same answer to the same event: operation, variables and permissions. Where the
 * selection reaches rows that depend on the row scope, what the viewer reaches belongs to it too.
 */
export function groupKey(asked: Asked): string {
  const { document, operation, viewer } = asked;
  const text = document.loc?.source.body;
  if (text === undefined) throw new Error('The document has no source.');
  const place = resumeVariable(document, operation);
  const variables = Object.entries(asked.variables).filter(([name]) => name !== place);
  return JSON.stringify([
    asked.workspaceId,
    asked.epoch,
    text,
    operation.name?.value ?? null,
    variables,
    permissionsKey(viewer.permissions),
    readsAlike(asked) ? null : reachKey(viewer),
  ]);
}

/** Whether everyone with these permissions gets the same answer to an event that they may receive. */
export function readsAlike({ schema, document, viewer }: Asked): boolean {
  return viewer.rowScope === 'ALL' || !scopedSelection(schema, document);
}

/** Which rows the viewer reaches. */
export function reachKey(viewer: Viewer): string {
  const id = viewer.rowScope === 'OWN' && 'id' in viewer ? viewer.id : '';
  return viewer.rowScope === 'ALL'
    ? 'ALL'
    : `${viewer.kind} ${viewer.rowScope} ${id} ${viewer.principals.toSorted()}`;
}

const keys = new WeakMap<ReadonlySet<string>, string>();

export function permissionsKey(permissions: ReadonlySet<string>): string {
  const known = keys.get(permissions);
  if (known !== undefined) return known;
  const key = [...permissions].sort().join();
  keys.set(permissions, key);
  return key;
}

const places = new WeakMap<OperationDefinitionNode, string | null>();

/** The variable that says where to go on, if it is used for nothing else: it makes no difference to any event. */
function resumeVariable(document: DocumentNode, operation: OperationDefinitionNode): string | null {
  const known = places.get(operation);
  if (known !== undefined) return known;
  const [field] = operation.selectionSet.selections;
  const after =
    field?.kind === Kind.FIELD
      ? field.arguments?.find(({ name }) => name.value === 'after')?.value
      : undefined;
  let name = after?.kind === Kind.VARIABLE ? after.name.value : null;
  let uses = 0;
  visit(document, {
    VariableDefinition: { enter: ({ directives }) => (directives?.length ? undefined : false) },
    Variable: (node) => {
      if (node.name.value === name) uses++;
    },
  });
  if (uses !== 1) name = null;
  places.set(operation, name);
  return name;
}
