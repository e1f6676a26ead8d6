import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

/**
 * What a change of the schema breaks for clients, a sentence each, without what is marked as meant.
 * @param marks the text of schema.breaking.md: a line `path - reason` for each break that is meant
 */
export async function unmarkedBreaks(before: string, after: string, marks = ''): Promise<string[]> {
  const meant = new Set([...marks.matchAll(/^(?:[-*] )?`?([\w@.]+)`? - \S/gm)].map((match) => match[1]));
  const changes = await diff(buildSchema(before), buildSchema(after));
  return changes
    .filter(({ criticality, path }) => criticality.level === CriticalityLevel.Breaking && !meant.has(path))
    .map(({ path, message }) => `${path}: ${message}.`);
}
