// Prints the GraphQL schema to schema.graphql: node scripts/schema.ts
// Fails when it is stale or breaks clients unmarked: node scripts/schema.ts --check [--breaking <git ref>]

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from '../src/schema/schema.ts';
import { unmarkedBreaks } from './schemaChanges.ts';

const root = resolve(import.meta.dirname, '..');
const committed = join(root, 'schema.graphql');
const marks = join(root, 'schema.breaking.md');
const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, breaking: { type: 'string' } },
});

const printed = `${printSchema(lexicographicSortSchema(schema))}\n`;
if (options.check) await check();
else writeFileSync(committed, printed);

async function check(): Promise<void> {
  if (!existsSync(committed) || readFileSync(committed, 'utf8') !== printed) {
    fail('schema.graphql is not what the code says: run `npm run schema` and commit it.');
  }
  const ref = options.breaking ?? base();
  const before = ref && git('show', `${ref}:schema.graphql`);
  if (!before) {
    if (options.breaking) fail(`There is no schema.graphql in ${options.breaking}.`);
    return console.log('Schema: breaking changes were not checked, there is no earlier schema.');
  }

  const breaks = await unmarkedBreaks(before, printed, existsSync(marks) ? readFileSync(marks, 'utf8') : '');
  for (const sentence of breaks) fail(`This breaks clients: ${sentence}`);
  if (breaks.length > 0) fail('If it is meant, add a line "path - reason" to schema.breaking.md.');
  console.log(`Schema: checked against ${ref}, ${breaks.length} unmarked breaks.`);
}

/** Where this work left the main branch; on the main branch itself, the commit before. */
function base(): string | null {
  const left = git('merge-base', 'HEAD', 'origin/main')?.trim();
  if (left && left !== git('rev-parse', 'HEAD')?.trim()) return left;
  return git('rev-parse', '--verify', '--quiet', 'HEAD~1')?.trim() ?? null;
}

/** What git answers, or null when it cannot: no repository, no such ref, no such file. */
function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return null;
  }
}

function fail(sentence: string): void {
  console.error(sentence);
  process.exitCode = 1;
}
