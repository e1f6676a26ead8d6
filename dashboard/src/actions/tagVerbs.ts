import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { toast } from './toast.ts';

export interface Tag {
  id: string;
  name: string;
}

const addTags = graphql(`
  mutation AddTags($input: AddTagsInput!) {
    addTags(input: $input) {
      __typename
      ... on AddTagsPayload { customers { id tags { id name } } }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);

const removeTags = graphql(`
  mutation RemoveTags($input: RemoveTagsInput!) {
    removeTags(input: $input) {
      __typename
      ... on RemoveTagsPayload { customers { id tags { id name } } }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);

const allTags = graphql(`query AllTags { tags(first: 100) { nodes { name } } }`);

/** Names to choose from: the first hundred. */
export async function tagNames(gateway: Gateway): Promise<string[]> {
  return (await gateway.ask(allTags, {})).tags.nodes.map(({ name }) => name);
}

/**
 * Puts tags on a customer and takes others off, and shows what they wear then. Undo goes back to what they wore: a tag of
 * a group takes the others of it off.
 */
export async function changeTags(
  gateway: Gateway,
  customerId: string,
  before: readonly string[],
  wanted: readonly string[],
  apply: (tags: Tag[]) => void,
): Promise<void> {
  const added = wanted.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !wanted.includes(name));
  let after: Tag[] | undefined;
  if (removed.length > 0)
    after = (await gateway.change(removeTags, { customerIds: [customerId], tags: removed })).customers[0]
      ?.tags;
  if (added.length > 0)
    after = (await gateway.change(addTags, { customerIds: [customerId], tags: added })).customers[0]?.tags;
  if (!after) return;
  apply(after);
  const names = after.map(({ name }) => name);
  void toast({
    message: added.length > 0 ? `Tagged ${added.join(', ')}` : `Took off ${removed.join(', ')}`,
    undo: () => changeTags(gateway, customerId, names, before, apply),
  });
}
